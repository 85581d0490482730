#include "memory/index.h"

#include <algorithm>
#include <cstring>

namespace cachechain::memory {

namespace {

// Marks are taken from the end of the hash that the buckets use last.
uint64_t mark_of(uint32_t hash) { return std::max<uint64_t>(hash >> 16, 1); }

}  // namespace

Index::~Index() {
  for (uint32_t bucket = 0; bucket < space_;) {
    const Segment segment = segment_of(bucket);
    pool_.free(heads_of(segment), bytes_of(segment.size), Pool::kAlign);
    bucket += segment.size;
  }
}

uint64_t Index::segment_bytes() const { return buckets() < space_ ? 0 : bytes_of(segment_of(buckets()).size); }

bool Index::add_segment(Room &room) {
  const Segment segment = segment_of(space_);
  const uint64_t bytes = bytes_of(segment.size);
  void *memory = pool_.alloc(bytes, Pool::kAlign);
  if (memory == nullptr) return false;
  room.bytes -= bytes;
  std::memset(memory, 0, bytes);
  segments_[segment.number].store(static_cast<Entry **>(memory), std::memory_order_release);
  space_ += segment.size;
  bytes_ += bytes;
  if (buckets() == 0) set_buckets(space_);
  return true;
}

void Index::split() {
  const uint32_t fresh = buckets();
  set_buckets(fresh + 1);
  const uint32_t parent = fresh & (mask_.load(std::memory_order_relaxed) >> 1);
  // Nobody knows which half a ghost belongs to; a mark in the wrong one is never met.
  if (fresh % kHaunted == 0) ghosts(fresh) = ghosts(parent);
  Entry *stays = nullptr;
  Entry *moves = nullptr;
  for (Entry *entry = head(parent); entry != nullptr;) {
    Entry *next = entry->chain;
    Entry *&chain = bucket_of(entry->hash) == fresh ? moves : stays;
    entry->chain = chain;
    chain = entry;
    entry = next;
  }
  set_head(parent, stays);
  set_head(fresh, moves);
}

void Index::insert(Entry *entry) {
  const uint32_t bucket = bucket_of(entry->hash);
  entry->chain = head(bucket);
  set_head(bucket, entry);
  ++count_;
}

void Index::remove(Entry *entry) {
  const uint32_t bucket = bucket_of(entry->hash);
  if (Entry *before = head(bucket); before == entry) {
    set_head(bucket, entry->chain);
  } else {
    while (before->chain != entry) before = before->chain;
    before->chain = entry->chain;
  }
  --count_;
}

void Index::remember(uint32_t hash) {
  uint64_t &marks = ghosts(bucket_of(hash));
  marks = marks << 16 | mark_of(hash);
}

bool Index::recall(uint32_t hash) {
  uint64_t &marks = ghosts(bucket_of(hash));
  for (int shift = 0; shift < 64; shift += 16) {
    if ((marks >> shift & 0xffff) != mark_of(hash)) continue;
    // What is older moves up, what is newer stays.
    const uint64_t newer = marks & ((uint64_t{1} << shift) - 1);
    const uint64_t older = shift == 48 ? 0 : marks >> (shift + 16) << shift;
    marks = older | newer;
    return true;
  }
  return false;
}

}  // namespace cachechain::memory
