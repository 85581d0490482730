// Values that describe themselves: key, writer, sequence, filler, checksum. Whoever reads one can tell a torn value and
// one of another key from a right one.
#ifndef CACHECHAIN_CONFORMANCE_DRIVER_WITNESS_H_
#define CACHECHAIN_CONFORMANCE_DRIVER_WITNESS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cachechain::conformance {

// `filler` bytes make values of different sizes.
std::string make_witness(std::string_view key, uint64_t sequence, size_t filler);
// The sequence, or nothing if these bytes were never made for this key.
std::optional<uint64_t> read_witness(std::string_view key, std::string_view bytes);

}  // namespace cachechain::conformance

#endif  // CACHECHAIN_CONFORMANCE_DRIVER_WITNESS_H_
