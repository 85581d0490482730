// The hash of keys: XXH3, seeded, so that who chooses the keys cannot choose the collisions. Never stored.
#ifndef CACHECHAIN_BASE_HASH_H_
#define CACHECHAIN_BASE_HASH_H_

#include <xxhash.h>

#include <cstdint>
#include <span>

namespace cachechain {

inline uint64_t hash_key(std::span<const uint8_t> key, uint64_t seed) {
  return XXH3_64bits_withSeed(key.data(), key.size(), seed);
}

}  // namespace cachechain

#endif  // CACHECHAIN_BASE_HASH_H_
