#include "driver/witness.h"

#include <charconv>

namespace cachechain::conformance {
namespace {

constexpr size_t kDigits = 16;

std::string hex(uint64_t number) {
  std::string out(kDigits, '0');
  for (size_t i = kDigits; i-- > 0; number >>= 4) out[i] = "0123456789abcdef"[number & 15];
  return out;
}

std::optional<uint64_t> unhex(std::string_view digits) {
  uint64_t number = 0;
  const char *end = digits.data() + digits.size();
  const auto [rest, error] = std::from_chars(digits.data(), end, number, 16);
  if (error != std::errc() || rest != end) return std::nullopt;
  return number;
}

uint64_t checksum(std::string_view bytes) {
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  for (unsigned char byte : bytes) hash = (hash ^ byte) * UINT64_C(0x100000001b3);
  return hash;
}

}  // namespace

std::string make_witness(std::string_view key, uint64_t sequence, size_t filler) {
  std::string bytes = hex(sequence);
  bytes += key;
  bytes += ':';
  for (size_t i = 0; i < filler; ++i) bytes += static_cast<char>('a' + (sequence + i) % 26);
  return bytes + hex(checksum(bytes));
}

std::optional<uint64_t> read_witness(std::string_view key, std::string_view bytes) {
  if (bytes.size() < 2 * kDigits + key.size() + 1) return std::nullopt;
  const std::string_view body = bytes.substr(0, bytes.size() - kDigits);
  if (unhex(bytes.substr(body.size())) != checksum(body)) return std::nullopt;
  if (body.substr(kDigits, key.size()) != key || body[kDigits + key.size()] != ':') return std::nullopt;
  return unhex(body.substr(0, kDigits));
}

}  // namespace cachechain::conformance
