#include "driver/wire.h"

#include "cachechain/cachechain.h"

namespace cachechain::conformance {
namespace {

constexpr size_t kCreated = 16;
constexpr size_t kFresh = 24;
constexpr size_t kExpires = 32;
constexpr size_t kToken = 56;
constexpr char kFormat = 1;
constexpr char kHeaderWords = 7;  // 56 bytes; the token is a section behind it
constexpr char kTokenFlag = 1;

void store(std::string &out, size_t at, uint64_t number) {
  for (int i = 0; i < 8; ++i) out[at + static_cast<size_t>(i)] = static_cast<char>(number >> (8 * i));
}

uint64_t load(std::string_view in, size_t at) {
  uint64_t number = 0;
  for (int i = 7; i >= 0; --i) number = number << 8 | static_cast<uint8_t>(in[at + static_cast<size_t>(i)]);
  return number;
}

}  // namespace

std::string to_wire(const WireEntry &entry) {
  std::string out(kWireHeader, '\0');
  store(out, 0, __builtin_bswap64(entry.version));  // big-endian: comparable as bytes
  out[8] = 'C';
  out[9] = 'C';
  out[10] = kFormat;
  out[11] = static_cast<char>(entry.flags & CACHECHAIN_FLAG_KIND_MASK);
  out[12] = kHeaderWords;
  out[13] = static_cast<char>((entry.flags & CACHECHAIN_FLAG_CODEC_MASK) >> 8);
  out[14] = 1;
  out[15] = kTokenFlag;
  store(out, kCreated, entry.created);
  store(out, kFresh, static_cast<uint64_t>(entry.fresh_until_ms));
  store(out, kExpires, static_cast<uint64_t>(entry.expires_ms));
  store(out, kToken, entry.token);
  out += entry.data;
  return out;
}

bool from_wire(std::string_view stored, WireEntry &entry) {
  if (stored.size() < kWireHeader || stored.substr(8, 2) != "CC") return false;
  entry.version = __builtin_bswap64(load(stored, 0));
  entry.created = load(stored, kCreated);
  entry.token = load(stored, kToken);
  entry.fresh_until_ms = static_cast<int64_t>(load(stored, kFresh));
  entry.expires_ms = static_cast<int64_t>(load(stored, kExpires));
  entry.flags = static_cast<uint8_t>(stored[11]) | static_cast<uint32_t>(static_cast<uint8_t>(stored[13])) << 8;
  entry.data = stored.substr(kWireHeader);
  return true;
}

}  // namespace cachechain::conformance
