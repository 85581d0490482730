#include "plugin/envelope_layer.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "cachechain/plugin.hpp"
#include "plugin/owned_bytes.h"
#include "plugin/report.h"

namespace cachechain {
namespace {

// Entries up to this size are read without a view of the plugin's, which would cost it an allocation.
constexpr size_t kScratch = 4096;
// A bump that meets a newer version is written once more above it; each time it does, another writer came between.
constexpr int kBumps = 4;

std::vector<uint8_t> encode_put(const cachechain_put &put, uint64_t version) {
  Entry entry;
  entry.version = version;
  entry.created = plugin::created_at(put, version);
  entry.token = put.token;
  entry.fresh_until_ms = put.fresh_until_ms;
  entry.expires_ms = put.expires_ms;
  entry.flags = put.flags;
  entry.payload = {put.data, static_cast<size_t>(put.size)};
  return encode_envelope(*put.key, entry);
}

// The put as the plugin gets it: to it every envelope is a value.
cachechain_put put_of_bytes(const cachechain_put &put, uint64_t version, std::span<const uint8_t> stored) {
  cachechain_put inner = put;
  inner.version = version;
  inner.created = plugin::created_at(put, version);
  inner.data = stored.data();
  inner.size = stored.size();
  inner.flags = CACHECHAIN_KIND_VALUE;
  return inner;
}

// The next version that a bump over a stored one may take.
uint64_t above(uint64_t version) { return (version | 1) + 2; }

bool same_key(const cachechain_key &a, const cachechain_key &b) {
  return a.space == b.space && a.size == b.size && std::memcmp(a.data, b.data, a.size) == 0;
}

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

bool EnvelopeLayer::open_envelope(const cachechain_key &key, cachechain_value &stored, Entry &entry,
                                  cachechain_value &value) {
  const Flaw flaw = decode_envelope(key, {stored.data, static_cast<size_t>(stored.size)}, entry);
  if (flaw != Flaw::kNone) {
    flaws_[static_cast<size_t>(flaw)].fetch_add(1, std::memory_order_relaxed);
    drop(stored);
    return false;
  }
  value.size = entry.payload.size();
  value.version = entry.version;
  value.created = entry.created;
  value.fresh_until_ms = entry.fresh_until_ms;
  value.expires_ms = entry.expires_ms;
  value.flags = entry.flags;
  return true;
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
  if (!open_envelope(key, stored, entry, value)) return CACHECHAIN_MISS;
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
  OwnedBytes::Ptr owned = OwnedBytes::make(allocator_, entry.payload.size());
  drop(stored);
  if (owned == nullptr) {
    value = {};
    return CACHECHAIN_NO_MEMORY;
  }
  std::memcpy(owned->bytes().data(), entry.payload.data(), entry.payload.size());
  OwnedBytes::hand_out(std::move(owned), value);
  return status;
}

int32_t EnvelopeLayer::get_many(const cachechain_call &call, std::span<const cachechain_key> keys,
                                std::span<cachechain_value> values, std::span<int32_t> statuses) {
  const int32_t whole = inner_->get_many(call, keys, values, statuses);
  if (whole < 0) return whole;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (statuses[i] != CACHECHAIN_OK) continue;
    cachechain_value stored = std::exchange(values[i], cachechain_value{});
    Entry entry;
    if (!open_envelope(keys[i], stored, entry, values[i])) {
      statuses[i] = CACHECHAIN_MISS;
    } else if (entry.payload.empty()) {
      drop(stored);
    } else {
      values[i].data = entry.payload.data();
      values[i].release = stored.release;
      values[i].owner = stored.owner;
    }
  }
  return whole_of(statuses);
}

int32_t EnvelopeLayer::put(const cachechain_call &call, const cachechain_put &put, cachechain_put_result &result) {
  return put_at(call, put, put.version, result);
}

int32_t EnvelopeLayer::put_at(const cachechain_call &call, const cachechain_put &put, uint64_t version,
                              cachechain_put_result &result) {
  result = {};
  try {
    for (int bump = 0; bump < kBumps; ++bump) {
      const std::vector<uint8_t> stored = encode_put(put, version);
      const int32_t status = inner_->put(call, put_of_bytes(put, version, stored), result);
      // The version stands in the envelope too, under its checksum: stored under another one it could not be read.
      if (status != CACHECHAIN_OK || result.version == version) return status;
      version = above(result.version);
    }
  } catch (const std::bad_alloc &) {
    result = {CACHECHAIN_NO_MEMORY, 0, 0};
    return result.status;
  }
  fill_report(call.report, 0, true, "other writers of the key were faster each time");
  result = {CACHECHAIN_UNKNOWN_OUTCOME, 0, 0};
  return result.status;
}

int32_t EnvelopeLayer::put_many(const cachechain_call &call, std::span<const cachechain_put> puts,
                                std::span<cachechain_put_result> results) {
  try {
    std::vector<std::vector<uint8_t>> stored;
    std::vector<cachechain_put> inner;
    stored.reserve(puts.size());
    inner.reserve(puts.size());
    for (const cachechain_put &put : puts) {
      stored.push_back(encode_put(put, put.version));
      inner.push_back(put_of_bytes(put, put.version, stored.back()));
    }
    const int32_t whole = inner_->put_many(call, inner, results);
    if (whole < 0) return whole;
  } catch (const std::bad_alloc &) {
    return fail_all(results, CACHECHAIN_NO_MEMORY);
  }
  // What was bumped above a newer entry is written once more, as put does it. Nobody needs it any more if a later put
  // of the batch took its place.
  for (size_t i = 0; i < puts.size(); ++i) {
    if (results[i].status != CACHECHAIN_OK || results[i].version == puts[i].version) continue;
    bool replaced = false;
    for (size_t later = i + 1; later < puts.size() && !replaced; ++later) {
      replaced = results[later].status == CACHECHAIN_OK && same_key(*puts[i].key, *puts[later].key);
    }
    if (!replaced) (void)put_at(call, puts[i], above(results[i].version), results[i]);
  }
  return whole_of(results);
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
