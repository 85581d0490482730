#include "key/record_table.h"

#include <cstring>
#include <new>

#include "key/hold.h"

namespace cachechain {
namespace {

// So many records that may have ended by time are looked at by each call that comes to a stripe: more than one call can
// leave behind, so their number stays bounded.
constexpr int kLooksPerCall = 2;

Record &record_of(Link &timed) { return static_cast<Record::Timed &>(timed).record; }

uint64_t count(const Link &head) {
  uint64_t number = 0;
  for (const Link *link = head.next; link != &head; link = link->next) ++number;
  return number;
}

}  // namespace

RecordTable::RecordTable(const Parts &parts) : parts_(parts), stripes_(new Stripe[kStripes]) {}

// With no call under way, what is left are leases that nobody ended, and failed loads.
RecordTable::~RecordTable() {
  for (uint32_t i = 0; i < kStripes; ++i) {
    for (Record *record : stripes_[i].buckets) {
      while (record != nullptr) {
        Record *next = record->next;
        while (!record->grants.alone()) {
          Grant *grant = static_cast<Grant *>(record->grants.next);
          grant->leave();
          parts_.allocator.free(grant, sizeof(Grant), alignof(Grant));
        }
        free(record);
        record = next;
      }
    }
  }
}

void RecordTable::expire_all() {
  const int64_t now_ns = parts_.clock.mono_ns();
  for (uint32_t i = 0; i < kStripes; ++i) {
    Stripe &stripe = stripes_[i];
    std::lock_guard<std::mutex> lock(stripe.mutex);
    for (Link *link = stripe.timed.next; link != &stripe.timed;) {
      Record &record = record_of(*link);
      link = link->next;
      expire(record, now_ns);
      free_unless_needed(stripe, record);
    }
  }
}

void RecordTable::close() {
  for (uint32_t i = 0; i < kStripes; ++i) {
    Stripe &stripe = stripes_[i];
    std::lock_guard<std::mutex> lock(stripe.mutex);
    stripe.closed = true;
    for (Record *record : stripe.buckets) {
      for (; record != nullptr; record = record->next) Hold::close_waiters(*record);
    }
  }
}

void RecordTable::void_all(const cachechain_space &space) {
  for (uint32_t i = 0; i < kStripes; ++i) {
    Stripe &stripe = stripes_[i];
    std::lock_guard<std::mutex> lock(stripe.mutex);
    if (stripe.records == 0) continue;
    for (Record *record : stripe.buckets) {
      for (; record != nullptr; record = record->next) {
        if (record->space->id == space.id) Hold::void_record(*record);
      }
    }
  }
}

RecordTable::Look RecordTable::look(const cachechain_key &key) {
  Stripe &stripe = stripe_of(key.hash);
  std::lock_guard<std::mutex> lock(stripe.mutex);
  Look look;
  Record *record = find(stripe, key);
  if (record == nullptr) return look;
  look.known = true;
  look.fence = record->fence;
  look.traversed = record->leader != nullptr;
  look.waiting = count(record->load_waiters) + Hold::followers(*record);
  look.leases = count(record->grants);
  look.held_off = record->failure != nullptr && parts_.clock.mono_ns() < record->hold_off_ns;
  return look;
}

uint64_t RecordTable::size() {
  uint64_t all = 0;
  for (uint32_t i = 0; i < kStripes; ++i) {
    std::lock_guard<std::mutex> lock(stripes_[i].mutex);
    all += stripes_[i].records;
  }
  return all;
}

Record *RecordTable::find(Stripe &stripe, const cachechain_key &key) {
  for (Record *record = bucket_of(stripe, key.hash); record != nullptr; record = record->next) {
    if (record->hash == key.hash && record->key_size == key.size && record->space->id == key.space->id &&
        std::memcmp(record->key_bytes(), key.data, key.size) == 0) {
      return record;
    }
  }
  return nullptr;
}

Record *RecordTable::find_or_make(Stripe &stripe, const cachechain_key &key) {
  if (!stripe.timed.alone()) expire_some(stripe);
  if (Record *record = find(stripe, key)) return record;
  void *memory = parts_.allocator.alloc(sizeof(Record) + key.size, alignof(Record));
  if (memory == nullptr) return nullptr;
  Record *record = new (memory) Record;
  record->space = key.space;
  record->hash = key.hash;
  record->key_size = static_cast<uint32_t>(key.size);
  std::memcpy(record->key_bytes(), key.data, key.size);
  Record *&bucket = bucket_of(stripe, key.hash);
  record->next = bucket;
  bucket = record;
  ++stripe.records;
  return record;
}

Grant *RecordTable::find_grant(Stripe &stripe, uint64_t id, Record *&record) {
  for (Link *link = stripe.timed.next; link != &stripe.timed; link = link->next) {
    record = &record_of(*link);
    for (Link *one = record->grants.next; one != &record->grants; one = one->next) {
      if (static_cast<Grant *>(one)->id == id) return static_cast<Grant *>(one);
    }
  }
  return nullptr;
}

void RecordTable::expire(Record &record, int64_t now_ns) {
  for (Link *link = record.grants.next; link != &record.grants;) {
    Grant *grant = static_cast<Grant *>(link);
    link = link->next;
    if (!grant->ending && grant->expires_ns <= now_ns) drop_grant(record, grant);
  }
  if (record.failure != nullptr && record.hold_off_ns <= now_ns) record.failure.reset();
  if (record.grants.alone() && record.failure == nullptr) record.timed.leave();
}

void RecordTable::expire_some(Stripe &stripe) {
  const int64_t now_ns = parts_.clock.mono_ns();
  for (int i = 0; i < kLooksPerCall && !stripe.timed.alone(); ++i) {
    Record &record = record_of(*stripe.timed.next);
    record.timed.leave();
    stripe.timed.append(record.timed);
    expire(record, now_ns);
    free_unless_needed(stripe, record);
  }
}

void RecordTable::keep_for_a_time(Stripe &stripe, Record &record) {
  if (record.timed.alone()) stripe.timed.append(record.timed);
}

void RecordTable::drop_grant(Record &record, Grant *grant) {
  if (record.primary == grant) record.primary = nullptr;
  grant->leave();
  parts_.allocator.free(grant, sizeof(Grant), alignof(Grant));
  parts_.loads.give_back();
}

void RecordTable::free_unless_needed(Stripe &stripe, Record &record) {
  if (record.needed()) return;
  Record **place = &bucket_of(stripe, record.hash);
  while (*place != &record) place = &(*place)->next;
  *place = record.next;
  record.timed.leave();
  --stripe.records;
  free(&record);
}

void RecordTable::free(Record *record) {
  const uint64_t size = sizeof(Record) + record->key_size;
  record->~Record();
  parts_.allocator.free(record, size, alignof(Record));
}

}  // namespace cachechain
