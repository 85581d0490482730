// Sha256: FIPS 180-4, for comparing a plugin file with the sum that a configuration pins. Not constant-time: it is
// given no secrets.
#ifndef CACHECHAIN_BASE_SHA256_H_
#define CACHECHAIN_BASE_SHA256_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace cachechain {

class Sha256 {
 public:
  using Digest = std::array<uint8_t, 32>;

  void update(std::span<const uint8_t> bytes);
  // Ends the message; the object is used up.
  Digest finish();

 private:
  void compress(const uint8_t *block);

  std::array<uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<uint8_t, 64> block_{};
  size_t filled_ = 0;
  uint64_t total_ = 0;
};

// 64 lower-case hex digits.
std::string hex(const Sha256::Digest &digest);

}  // namespace cachechain

#endif  // CACHECHAIN_BASE_SHA256_H_
