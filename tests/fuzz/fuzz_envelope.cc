// Any bytes are an entry or one flaw; what was encoded comes back; what was changed does not come back as something
// else. The input is read three times: as stored bytes, as stored bytes whose checksum is made right (so that the code
// behind the checksum is reached), and as the making of an entry.
#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "entry/envelope.h"
#include "entry/stamp.h"
#include "fuzz/check.h"
#include "fuzz/input.h"

namespace cachechain {
namespace {

constexpr std::string_view kPrefix = "fuzz/default/0:";
constexpr size_t kChecksumAt = 40;
constexpr size_t kChecksumSize = 16;

const cachechain_space &space() {
  static const cachechain_space one = {
      reinterpret_cast<const uint8_t *>(kPrefix.data()), nullptr, static_cast<uint32_t>(kPrefix.size()), 0, 1, 0};
  return one;
}

std::vector<uint8_t> signed_again(const cachechain_key &key, std::span<const uint8_t> bytes) {
  std::vector<uint8_t> stored(bytes.begin(), bytes.end());
  if (stored.size() < kEnvelopeHeader) return stored;
  std::fill_n(stored.begin() + kChecksumAt, kChecksumSize, uint8_t{0});
  std::vector<uint8_t> all(kPrefix.begin(), kPrefix.end());
  all.push_back(0);
  all.insert(all.end(), key.data, key.data + key.size);
  all.insert(all.end(), stored.begin(), stored.end());
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(all.data(), all.size()));
  std::memcpy(stored.data() + kChecksumAt, canonical.digest, kChecksumSize);
  return stored;
}

bool same(const Entry &a, const Entry &b) {
  return a.version == b.version && a.created == b.created && a.token == b.token && a.original_size == b.original_size &&
         a.fresh_until_ms == b.fresh_until_ms && a.expires_ms == b.expires_ms && a.flags == b.flags &&
         std::equal(a.payload.begin(), a.payload.end(), b.payload.begin(), b.payload.end());
}

// Decodes a copy of exactly that size, so that the address sanitizer sees every byte read too far.
void decode_anything(const cachechain_key &key, std::span<const uint8_t> bytes) {
  const auto stored = std::make_unique<uint8_t[]>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), stored.get());
  Entry entry;
  const Flaw flaw = decode_envelope(key, {stored.get(), bytes.size()}, entry);
  CHECK(std::string_view(flaw_name(flaw)) != "unknown");
  if (flaw != Flaw::kNone) {
    CHECK(same(entry, Entry{}));
    return;
  }
  CHECK(entry.version > 0 && entry.version <= kStampMax && entry.created <= kStampMax);
  CHECK((entry.flags & ~(CACHECHAIN_FLAG_KIND_MASK | CACHECHAIN_FLAG_CODEC_MASK)) == 0);
  CHECK(entry.payload.empty() || (entry.payload.data() >= stored.get() &&
                                  entry.payload.data() + entry.payload.size() == stored.get() + bytes.size()));
  const std::vector<uint8_t> encoded = encode_envelope(key, entry);
  Entry again;
  CHECK(decode_envelope(key, encoded, again) == Flaw::kNone);
  CHECK(same(entry, again));
}

void encode_anything(const cachechain_key &key, Input input) {
  Entry entry;
  entry.version = input.number();
  entry.created = input.number();
  entry.token = input.coin() ? input.number() : 0;
  entry.original_size = input.coin() ? input.number() : 0;
  entry.fresh_until_ms = static_cast<int64_t>(input.number());
  entry.expires_ms = static_cast<int64_t>(input.number());
  entry.flags = static_cast<uint32_t>(input.number());
  const size_t changed_at = static_cast<size_t>(input.number());
  const uint8_t change = input.byte();
  entry.payload = input.rest();

  std::vector<uint8_t> stored = encode_envelope(key, entry);
  Entry found;
  if (decode_envelope(key, stored, found) == Flaw::kNone) {
    entry.flags &= CACHECHAIN_FLAG_KIND_MASK | CACHECHAIN_FLAG_CODEC_MASK;
    CHECK(same(entry, found));
  }
  if (change == 0) return;
  stored[changed_at % stored.size()] ^= change;
  CHECK(decode_envelope(key, stored, found) != Flaw::kNone);
}

}  // namespace
}  // namespace cachechain

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  using namespace cachechain;
  Input input(data, size);
  const uint8_t zero = 0;
  const std::span<const uint8_t> name = input.bytes(1 + input.pick(8));
  cachechain_key key = {name.data(), name.size(), 0, &space()};
  if (name.empty()) {
    key.data = &zero;
    key.size = 1;
  }
  decode_anything(key, input.rest());
  decode_anything(key, signed_again(key, input.rest()));
  encode_anything(key, input);
  return 0;
}
