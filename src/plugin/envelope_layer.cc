#include "plugin/envelope_layer.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <nlohmann/json.hpp>
#include <vector>

#include "plugin/report.h"

namespace cachechain {
namespace {

// Entries up to this size are read without a view of the plugin's, which would cost it an allocation.
constexpr size_t kScratch = 4096;
// A bump that meets a newer version is written once more above it; each time it does, another writer came between.
constexpr int kBumps = 4;

// Memory of ours behind a view: the head, then the payload.
struct Owned {
  Allocator *allocator;
  uint64_t size;

  static void release(void *owner) {
    auto *self = static_cast<Owned *>(owner);
    self->allocator->free(self, self->size, alignof(Owned));
  }
};

void drop(cachechain_value &value) {
  if (value.release != nullptr) value.release(value.owner);
  value = {};
}

}  // namespace

EnvelopeLayer::EnvelopeLayer(std::unique_ptr<Layer> inner, Allocator &allocator)
    : inner_(std::move(inner)), allocator_(allocator), traits_(inner_->traits()) {
  traits_.caps |= CACHECHAIN_CAP_KINDS;
  constexpr uint64_t kOverhead = kEnvelopeHeader + sizeof(uint64_t);  // with a lease's token
  if (traits_.max_value_size != 0) {
    traits_.max_value_size -= std::min(traits_.max_value_size - 1, kOverhead);
  }
}

int32_t EnvelopeLayer::get(const cachechain_call &call, const cachechain_key &key, std::span<uint8_t> buffer,
                           cachechain_value &value) {
  value = {};
  uint8_t scratch[kScratch];
  cachechain_value stored{};
  // Who wants a view in any case gets the plugin's own.
  const std::span<uint8_t> room = buffer.empty() ? std::span<uint8_t>() : std::span<uint8_t>(scratch);
  const int32_t status = inner_->get(call, key, room, stored);
  if (status != CACHECHAIN_OK) return status;

  Entry entry;
  const Flaw flaw = decode_envelope(key, {stored.data, static_cast<size_t>(stored.size)}, entry);
  if (flaw != Flaw::kNone) {
    flaws_[static_cast<size_t>(flaw)].fetch_add(1, std::memory_order_relaxed);
    drop(stored);
    return CACHECHAIN_MISS;
  }
  value.size = entry.payload.size();
  value.version = entry.version;
  value.created = entry.created;
  value.fresh_until_ms = entry.fresh_until_ms;
  value.expires_ms = entry.expires_ms;
  value.flags = entry.flags;
  if (entry.payload.size() <= buffer.size()) {
    if (!entry.payload.empty()) std::memcpy(buffer.data(), entry.payload.data(), entry.payload.size());
    value.data = buffer.data();
    drop(stored);
    return status;
  }
  if (stored.data != scratch) {
    value.data = entry.payload.data();
    value.release = stored.release;
    value.owner = stored.owner;
    return status;
  }
  const uint64_t size = sizeof(Owned) + entry.payload.size();
  auto *const owned = static_cast<Owned *>(allocator_.alloc(size, alignof(Owned)));
  drop(stored);
  if (owned == nullptr) {
    value = {};
    return CACHECHAIN_NO_MEMORY;
  }
  *owned = {&allocator_, size};
  auto *const copy = reinterpret_cast<uint8_t *>(owned + 1);
  std::memcpy(copy, entry.payload.data(), entry.payload.size());
  value.data = copy;
  value.release = &Owned::release;
  value.owner = owned;
  return status;
}

int32_t EnvelopeLayer::put(const cachechain_call &call, const cachechain_put &put, cachechain_put_result &result) {
  result = {};
  Entry entry;
  entry.version = put.version;
  entry.created = put.created;
  entry.token = put.token;
  entry.fresh_until_ms = put.fresh_until_ms;
  entry.expires_ms = put.expires_ms;
  entry.flags = put.flags;
  entry.payload = {put.data, static_cast<size_t>(put.size)};
  try {
    for (int bump = 0; bump < kBumps; ++bump) {
      const std::vector<uint8_t> stored = encode_envelope(*put.key, entry);
      cachechain_put inner = put;
      inner.version = entry.version;
      inner.data = stored.data();
      inner.size = stored.size();
      inner.flags = CACHECHAIN_KIND_VALUE;  // to the plugin every envelope is bytes to keep
      const int32_t status = inner_->put(call, inner, result);
      // The version stands in the envelope too, under its checksum: stored under another one it could not be read.
      if (status != CACHECHAIN_OK || result.version == entry.version) return status;
      entry.version = (result.version | 1) + 2;
    }
  } catch (const std::bad_alloc &) {
    result = {CACHECHAIN_NO_MEMORY, 0, 0};
    return result.status;
  }
  fill_report(call.report, 0, true, "other writers of the key were faster each time");
  result = {CACHECHAIN_UNKNOWN_OUTCOME, 0, 0};
  return result.status;
}

std::string EnvelopeLayer::stats() {
  nlohmann::json numbers = nlohmann::json::parse(inner_->stats(), nullptr, false);
  if (!numbers.is_object()) numbers = nlohmann::json::object();
  nlohmann::json &flaws = numbers["envelope_flaws"] = nlohmann::json::object();
  for (size_t i = 1; i < kFlaws; ++i) {
    flaws[flaw_name(static_cast<Flaw>(i))] = flaws_[i].load(std::memory_order_relaxed);
  }
  return numbers.dump();
}

}  // namespace cachechain
