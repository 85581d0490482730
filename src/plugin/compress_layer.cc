#include "plugin/compress_layer.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <new>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "cachechain/plugin.hpp"
#include "plugin/report.h"

namespace cachechain {
namespace {

constexpr uint32_t kZstd = CACHECHAIN_CODEC_ZSTD << 8;

// Gives back what a layer handed out.
struct Borrowed {
  const cachechain_value value;
  ~Borrowed() {
    if (value.release != nullptr) value.release(value.owner);
  }
};

}  // namespace

CompressLayer::CompressLayer(std::unique_ptr<Layer> inner, const CompressRule &rule, Allocator &allocator, Clock &clock)
    : inner_(std::move(inner)),
      rule_(rule),
      allocator_(allocator),
      clock_(clock),
      traits_(inner_->traits()),
      codec_(rule.level) {
  if (rule_.above_bytes != 0) traits_.max_value_size = 0;
}

int32_t CompressLayer::get(const cachechain_call &call, const cachechain_key &key, std::span<uint8_t> buffer,
                           cachechain_value &value) {
  const int32_t status = inner_->get(call, key, buffer, value);
  if (status != CACHECHAIN_OK || (value.flags & CACHECHAIN_FLAG_CODEC_MASK) == 0) return status;
  return unpack(call, buffer, value);
}

int32_t CompressLayer::unpack(const cachechain_call &call, std::span<uint8_t> buffer, cachechain_value &value) {
  const uint32_t codec = plugin::codec_of(value.flags);
  // The mark of a mutation is believed whatever it says about bytes that it does not have.
  if (plugin::kind_of(value.flags) != CACHECHAIN_KIND_VALUE) {
    value.flags &= ~CACHECHAIN_FLAG_CODEC_MASK;
    return CACHECHAIN_OK;
  }
  const Borrowed stored{std::exchange(value, {})};
  if (codec != CACHECHAIN_CODEC_ZSTD) {
    char text[64];
    (void)std::snprintf(text, sizeof text, "codec %u is not known to this version", codec);
    return corrupt(call, text, stored.value.size, 0);
  }
  cachechain_value found = stored.value;
  found.flags &= ~CACHECHAIN_FLAG_CODEC_MASK;
  found.release = nullptr;
  found.owner = nullptr;
  const int32_t status = decompress(call, stored.value, buffer, found);
  if (status == CACHECHAIN_OK) value = found;
  return status;
}

int32_t CompressLayer::decompress(const cachechain_call &call, const cachechain_value &stored,
                                  std::span<uint8_t> buffer, cachechain_value &value) {
  std::span<const uint8_t> frame(stored.data, static_cast<size_t>(stored.size));
  uint64_t size = 0;
  if (const char *problem = ZstdCodec::frame_problem(frame, rule_.max_value_bytes, size)) {
    return corrupt(call, problem, stored.size, size);
  }
  const bool fits = size <= buffer.size();
  OwnedBytes::Ptr owned;  // of the value, or of a frame that lies where the value goes
  if (!fits || frame.data() == buffer.data()) {
    owned = OwnedBytes::make(allocator_, fits ? frame.size() : size);
    if (owned == nullptr) return CACHECHAIN_NO_MEMORY;
  }
  if (fits && owned != nullptr) {
    std::memcpy(owned->bytes().data(), frame.data(), frame.size());
    frame = owned->bytes();
  }
  const char *problem = nullptr;
  const std::span<uint8_t> room = fits ? buffer.first(static_cast<size_t>(size)) : owned->bytes();
  const int32_t status = codec_.decompress(frame, room, problem);
  if (status == CACHECHAIN_CORRUPT) return corrupt(call, problem, stored.size, size);
  if (status != CACHECHAIN_OK) return status;
  if (fits) {
    value.data = buffer.data();
    value.size = size;
  } else {
    OwnedBytes::hand_out(std::move(owned), value);
  }
  return status;
}

int32_t CompressLayer::corrupt(const cachechain_call &call, const char *problem, uint64_t stored, uint64_t claimed) {
  corrupt_.fetch_add(1, std::memory_order_relaxed);
  char text[256];
  const int size =
      std::snprintf(text, sizeof text,
                    "a compressed value cannot be read: %s (%llu bytes stored, %llu claimed, max_value_bytes %llu)",
                    problem, static_cast<unsigned long long>(stored), static_cast<unsigned long long>(claimed),
                    static_cast<unsigned long long>(rule_.max_value_bytes));
  fill_report(call.report, 0, false, {text, std::min(static_cast<size_t>(std::max(size, 0)), sizeof text - 1)});
  return CACHECHAIN_CORRUPT;
}

int32_t CompressLayer::put(const cachechain_call &call, const cachechain_put &put, cachechain_put_result &result) {
  if (rule_.above_bytes == 0) return inner_->put(call, put, result);
  cachechain_put packed = put;
  const OwnedBytes::Ptr frame = pack(call, packed);
  const uint64_t most = inner_->traits().max_value_size;
  if (most != 0 && packed.size > most) return too_large(call, frame != nullptr, result);
  return inner_->put(call, packed, result);
}

int32_t CompressLayer::too_large(const cachechain_call &call, bool compressed, cachechain_put_result &result) const {
  fill_report(call.report, 0, false,
              compressed ? "larger than the layer takes, also compressed" : "larger than the layer takes");
  result = {CACHECHAIN_VALUE_TOO_LARGE, 0, 0};
  return result.status;
}

int32_t CompressLayer::get_many(const cachechain_call &call, std::span<const cachechain_key> keys,
                                std::span<cachechain_value> values, std::span<int32_t> statuses) {
  const int32_t whole = inner_->get_many(call, keys, values, statuses);
  if (whole < 0) return whole;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (statuses[i] != CACHECHAIN_OK || (values[i].flags & CACHECHAIN_FLAG_CODEC_MASK) == 0) continue;
    statuses[i] = unpack(call, {}, values[i]);
  }
  return whole_of(statuses);
}

int32_t CompressLayer::put_many(const cachechain_call &call, std::span<const cachechain_put> puts,
                                std::span<cachechain_put_result> results) {
  if (rule_.above_bytes == 0) return inner_->put_many(call, puts, results);
  std::vector<cachechain_put> packed;
  std::vector<cachechain_put_result> answers;
  std::vector<OwnedBytes::Ptr> frames;
  std::vector<size_t> places;
  try {
    packed.reserve(puts.size());
    answers.resize(puts.size());
    frames.reserve(puts.size());
    places.reserve(puts.size());
  } catch (const std::bad_alloc &) {
    return fail_all(results, CACHECHAIN_NO_MEMORY);
  }
  const uint64_t most = inner_->traits().max_value_size;
  for (size_t i = 0; i < puts.size(); ++i) {
    cachechain_put put = puts[i];
    OwnedBytes::Ptr frame = pack(call, put);
    if (most != 0 && put.size > most) {
      (void)too_large(call, frame != nullptr, results[i]);
      continue;
    }
    packed.push_back(put);
    frames.push_back(std::move(frame));
    places.push_back(i);
  }
  if (!packed.empty()) {
    const std::span<cachechain_put_result> asked = std::span(answers).first(packed.size());
    const int32_t whole = inner_->put_many(call, packed, asked);
    if (whole < 0) return fail_all(results, whole);
    for (size_t i = 0; i < places.size(); ++i) results[places[i]] = asked[i];
  }
  return whole_of(results);
}

OwnedBytes::Ptr CompressLayer::pack(const cachechain_call &call, cachechain_put &put) {
  // What has a codec already is as its maker wants it.
  const bool plain_value = (put.flags & (CACHECHAIN_FLAG_KIND_MASK | CACHECHAIN_FLAG_CODEC_MASK)) == 0;
  if (!plain_value || put.size <= rule_.above_bytes) return nullptr;
  // The layer itself needs time too: half of what is left.
  int64_t until_ns = 0;
  if (call.deadline_ns != 0) {
    const int64_t now_ns = clock_.mono_ns();
    until_ns = now_ns + std::max<int64_t>(call.deadline_ns - now_ns, 0) / 2;
  }
  // A frame that is not smaller finds no room.
  OwnedBytes::Ptr frame = OwnedBytes::make(allocator_, put.size - 1);
  const size_t size =
      frame == nullptr ? 0
                       : codec_.compress({put.data, static_cast<size_t>(put.size)}, frame->bytes(), clock_, until_ns);
  if (size == 0) {
    left_plain_.fetch_add(1, std::memory_order_relaxed);
    return nullptr;
  }
  compressed_.fetch_add(1, std::memory_order_relaxed);
  saved_bytes_.fetch_add(put.size - size, std::memory_order_relaxed);
  put.data = frame->bytes().data();
  put.size = size;
  put.flags |= kZstd;
  return frame;
}

std::string CompressLayer::stats() {
  const uint64_t corrupt = corrupt_.load(std::memory_order_relaxed);
  std::string own = inner_->stats();
  if (rule_.above_bytes == 0 && corrupt == 0) return own;
  nlohmann::json numbers = nlohmann::json::parse(own, nullptr, false);
  if (!numbers.is_object()) numbers = nlohmann::json::object();
  numbers["compression"] = {{"compressed", compressed_.load(std::memory_order_relaxed)},
                            {"left_plain", left_plain_.load(std::memory_order_relaxed)},
                            {"saved_bytes", saved_bytes_.load(std::memory_order_relaxed)},
                            {"corrupt", corrupt}};
  return numbers.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace cachechain
