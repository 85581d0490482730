#include "entry/envelope.h"

#include <xxhash.h>

#include <array>
#include <bit>
#include <cstring>

#include "entry/stamp.h"

namespace cachechain {
namespace {

constexpr size_t kVersionAt = 0;
constexpr size_t kMagicAt = 8;
constexpr size_t kFormatAt = 10;
constexpr size_t kKindAt = 11;
constexpr size_t kHeaderSizeAt = 12;
constexpr size_t kCodecAt = 13;
constexpr size_t kChecksumKindAt = 14;
constexpr size_t kFlagsAt = 15;
constexpr size_t kCreatedAt = 16;
constexpr size_t kFreshAt = 24;
constexpr size_t kExpiresAt = 32;
constexpr size_t kChecksumAt = 40;
constexpr size_t kChecksumSize = 16;

constexpr uint8_t kMagic[2] = {'C', 'C'};
constexpr uint8_t kFormat = 1;
constexpr uint8_t kChecksumXxh3 = 1;
constexpr uint8_t kKnownFlags = kEnvelopeToken | kEnvelopeOriginalSize | kEnvelopeKeyEcho | kEnvelopeTags;
constexpr int kCodecShift = 8;

// `created` may be ahead of the wall clock that `expires` was taken from: by max_drift after an observed stamp, by
// hours after a clock was set back. Only what no such clock explains is a lie.
constexpr int64_t kCreatedSlackMs = 24 * 60 * 60 * 1000;

using Checksum = std::array<uint8_t, kChecksumSize>;

// Byte by byte: no alignment is assumed, and compilers make one load of it.
template <class T>
T load_little(const uint8_t *at) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) value = static_cast<T>(value | static_cast<T>(at[i]) << (8 * i));
  return value;
}

template <class T>
void store_little(uint8_t *at, T value) {
  for (size_t i = 0; i < sizeof(T); ++i) at[i] = static_cast<uint8_t>(value >> (8 * i));
}

uint64_t load_big(const uint8_t *at) {
  uint64_t value = 0;
  for (size_t i = 0; i < sizeof(value); ++i) value = value << 8 | at[i];
  return value;
}

void store_big(uint8_t *at, uint64_t value) {
  for (size_t i = 0; i < sizeof(value); ++i) at[i] = static_cast<uint8_t>(value >> (56 - 8 * i));
}

// Of the whole envelope with its checksum bytes taken as zero, bound to the prefix and the key. `stored` has at least
// the 56 bytes of a header.
Checksum checksum_of(const cachechain_key &key, std::span<const uint8_t> stored) {
  constexpr uint8_t kZeros[kChecksumSize] = {};
  XXH3_state_t state;
  XXH3_128bits_reset(&state);
  if (key.space != nullptr && key.space->prefix_size != 0) {
    XXH3_128bits_update(&state, key.space->prefix, key.space->prefix_size);
  }
  XXH3_128bits_update(&state, kZeros, 1);
  if (key.size != 0) XXH3_128bits_update(&state, key.data, static_cast<size_t>(key.size));
  XXH3_128bits_update(&state, stored.data(), kChecksumAt);
  XXH3_128bits_update(&state, kZeros, kChecksumSize);
  const std::span<const uint8_t> rest = stored.subspan(kChecksumAt + kChecksumSize);
  if (!rest.empty()) XXH3_128bits_update(&state, rest.data(), rest.size());
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(&state));
  Checksum checksum;
  std::memcpy(checksum.data(), canonical.digest, checksum.size());
  return checksum;
}

// Takes sections off the front of what follows the header; once one does not fit, all that follow fail as well.
class SectionReader {
 public:
  explicit SectionReader(std::span<const uint8_t> bytes) : rest_(bytes) {}

  uint64_t number() {
    const std::span<const uint8_t> bytes = take(sizeof(uint64_t));
    return fits_ ? load_little<uint64_t>(bytes.data()) : 0;
  }
  std::span<const uint8_t> run() {
    const std::span<const uint8_t> size = take(sizeof(uint16_t));
    return fits_ ? take(load_little<uint16_t>(size.data())) : size;
  }
  bool fits() const { return fits_; }
  std::span<const uint8_t> rest() const { return rest_; }

 private:
  std::span<const uint8_t> take(size_t size) {
    fits_ = fits_ && size <= rest_.size();
    if (!fits_) return {};
    const std::span<const uint8_t> taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }

  std::span<const uint8_t> rest_;
  bool fits_ = true;
};

bool is_key(const cachechain_key &key, std::span<const uint8_t> echo) {
  return echo.size() == key.size && (echo.empty() || std::memcmp(echo.data(), key.data, echo.size()) == 0);
}

}  // namespace

const char *flaw_name(Flaw flaw) {
  switch (flaw) {
    case Flaw::kNone:
      return "none";
    case Flaw::kShort:
      return "short";
    case Flaw::kMagic:
      return "magic";
    case Flaw::kFormat:
      return "format";
    case Flaw::kHeader:
      return "header";
    case Flaw::kKind:
      return "kind";
    case Flaw::kFlags:
      return "flags";
    case Flaw::kSections:
      return "sections";
    case Flaw::kTimes:
      return "times";
    case Flaw::kVersion:
      return "version";
    case Flaw::kChecksum:
      return "checksum";
  }
  return "unknown";
}

std::vector<uint8_t> encode_envelope(const cachechain_key &key, const Entry &entry) {
  const bool has_token = entry.token != 0;
  const bool has_original_size = entry.original_size != 0;
  const size_t sections = (has_token ? sizeof(uint64_t) : 0) + (has_original_size ? sizeof(uint64_t) : 0);
  std::vector<uint8_t> bytes(kEnvelopeHeader + sections + entry.payload.size());
  uint8_t *const header = bytes.data();

  store_big(header + kVersionAt, entry.version);
  std::memcpy(header + kMagicAt, kMagic, sizeof(kMagic));
  header[kFormatAt] = kFormat;
  header[kKindAt] = static_cast<uint8_t>(entry.flags & CACHECHAIN_FLAG_KIND_MASK);
  header[kHeaderSizeAt] = kEnvelopeHeader / 8;
  header[kCodecAt] = static_cast<uint8_t>((entry.flags & CACHECHAIN_FLAG_CODEC_MASK) >> kCodecShift);
  header[kChecksumKindAt] = kChecksumXxh3;
  header[kFlagsAt] =
      static_cast<uint8_t>((has_token ? kEnvelopeToken : 0) | (has_original_size ? kEnvelopeOriginalSize : 0));
  store_little(header + kCreatedAt, entry.created);
  store_little(header + kFreshAt, static_cast<uint64_t>(entry.fresh_until_ms));
  store_little(header + kExpiresAt, static_cast<uint64_t>(entry.expires_ms));

  uint8_t *at = header + kEnvelopeHeader;
  if (has_token) {
    store_little(at, entry.token);
    at += sizeof(entry.token);
  }
  if (has_original_size) {
    store_little(at, entry.original_size);
    at += sizeof(entry.original_size);
  }
  if (!entry.payload.empty()) std::memcpy(at, entry.payload.data(), entry.payload.size());

  const Checksum checksum = checksum_of(key, bytes);
  std::memcpy(header + kChecksumAt, checksum.data(), checksum.size());
  return bytes;
}

// The order tells an operator the truth: first whether these bytes are ours and whole, only then what they claim. So
// kKind, kFlags, kSections, kTimes and kVersion mean a writer that disagrees with us, never a damaged byte.
Flaw decode_envelope(const cachechain_key &key, std::span<const uint8_t> stored, Entry &entry) {
  entry = Entry{};
  if (stored.size() < kEnvelopeHeader) return Flaw::kShort;
  const uint8_t *const header = stored.data();
  if (std::memcmp(header + kMagicAt, kMagic, sizeof(kMagic)) != 0) return Flaw::kMagic;
  if (header[kFormatAt] != kFormat) return Flaw::kFormat;
  const size_t header_size = size_t{header[kHeaderSizeAt]} * 8;
  if (header_size < kEnvelopeHeader || header_size > stored.size()) return Flaw::kHeader;
  if (header[kChecksumKindAt] != kChecksumXxh3) return Flaw::kChecksum;
  const Checksum checksum = checksum_of(key, stored);
  if (std::memcmp(header + kChecksumAt, checksum.data(), checksum.size()) != 0) return Flaw::kChecksum;

  const uint8_t kind = header[kKindAt];
  if (kind > CACHECHAIN_KIND_LEASE) return Flaw::kKind;
  const uint8_t flags = header[kFlagsAt];
  if ((flags & ~kKnownFlags) != 0) return Flaw::kFlags;

  Entry found;
  SectionReader sections(stored.subspan(header_size));
  if ((flags & kEnvelopeToken) != 0) found.token = sections.number();
  if ((flags & kEnvelopeOriginalSize) != 0) found.original_size = sections.number();
  if ((flags & kEnvelopeKeyEcho) != 0) {
    const std::span<const uint8_t> echo = sections.run();
    if (sections.fits() && !is_key(key, echo)) return Flaw::kSections;
  }
  if ((flags & kEnvelopeTags) != 0) (void)sections.run();
  if (!sections.fits()) return Flaw::kSections;
  found.payload = sections.rest();
  if (kind != CACHECHAIN_KIND_VALUE && !found.payload.empty()) return Flaw::kKind;

  found.version = load_big(header + kVersionAt);
  found.created = load_little<uint64_t>(header + kCreatedAt);
  if (found.version == 0 || found.version > kStampMax || found.created > kStampMax) return Flaw::kVersion;

  found.fresh_until_ms = std::bit_cast<int64_t>(load_little<uint64_t>(header + kFreshAt));
  found.expires_ms = std::bit_cast<int64_t>(load_little<uint64_t>(header + kExpiresAt));
  if (found.fresh_until_ms < 0 || found.expires_ms < 0) return Flaw::kTimes;
  if (found.expires_ms != 0 && found.created != 0 &&
      found.expires_ms < stamp_unix_ms(found.created) - kCreatedSlackMs) {
    return Flaw::kTimes;
  }

  found.flags = uint32_t{kind} | uint32_t{header[kCodecAt]} << kCodecShift;
  entry = found;
  return Flaw::kNone;
}

}  // namespace cachechain
