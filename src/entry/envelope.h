// Envelope: how an entry lies in a store that keeps bytes only. The layout, little-endian but for the version:
//
//    0  version u64 big-endian      16 created u64           40 checksum, 16 bytes: XXH3-128 of prefix, 0, key, header
//    8  magic "CC"                  24 fresh-until i64          with these bytes zero, sections, payload
//   10  format u8 = 1               32 expires i64           56 sections by flag, then the payload
//   11  kind u8
//   12  header size / 8 u8 (a reader skips what it does not know)
//   13  codec u8, 14 checksum kind u8 = 1, 15 flags u8
//
// The checksum is written in its canonical form, big-endian, as every library's digest() gives it.
// Sections, each present if its flag is set, in this order: lease token u64; original size u64; key echo (u16 size and
// the bytes); tags (u16 size and the bytes, skipped).
// Decoding is total: any bytes give an entry or one Flaw, and nothing is allocated.
#ifndef CACHECHAIN_ENTRY_ENVELOPE_H_
#define CACHECHAIN_ENTRY_ENVELOPE_H_

#include <cstdint>
#include <span>
#include <vector>

#include "cachechain/plugin.h"

namespace cachechain {

inline constexpr size_t kEnvelopeHeader = 56;

enum EnvelopeFlag : uint8_t {
  kEnvelopeToken = 1,
  kEnvelopeOriginalSize = 2,
  kEnvelopeKeyEcho = 4,
  kEnvelopeTags = 8,
};

// Why bytes are no entry of this key. The names of these are counted and shown.
enum class Flaw { kNone, kShort, kMagic, kFormat, kHeader, kKind, kFlags, kSections, kTimes, kVersion, kChecksum };
const char *flaw_name(Flaw flaw);

struct Entry {
  uint64_t version = 0;
  uint64_t created = 0;
  uint64_t token = 0;
  uint64_t original_size = 0;
  int64_t fresh_until_ms = 0;
  int64_t expires_ms = 0;
  uint32_t flags = 0;  // kind and codec as in cachechain_value
  std::span<const uint8_t> payload;
};

// The bytes of an entry. `key` is bound into the checksum.
std::vector<uint8_t> encode_envelope(const cachechain_key &key, const Entry &entry);

// `entry.payload` points into `stored`.
Flaw decode_envelope(const cachechain_key &key, std::span<const uint8_t> stored, Entry &entry);

}  // namespace cachechain

#endif  // CACHECHAIN_ENTRY_ENVELOPE_H_
