// The form in which a store of bytes is given an entry: the header of the core's envelope before the value, because
// such a store may read the version from it and compare the token. The checksum stays zero: only the core looks at it.
#ifndef CACHECHAIN_CONFORMANCE_DRIVER_WIRE_H_
#define CACHECHAIN_CONFORMANCE_DRIVER_WIRE_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace cachechain::conformance {

// Header and token.
inline constexpr uint64_t kWireHeader = 64;

struct WireEntry {
  uint64_t version = 0;
  uint64_t created = 0;
  uint64_t token = 0;
  int64_t fresh_until_ms = 0;
  int64_t expires_ms = 0;
  uint32_t flags = 0;
  std::string_view data;
};

std::string to_wire(const WireEntry &entry);
// False if these bytes were not made by to_wire. `entry.data` points into `stored`.
bool from_wire(std::string_view stored, WireEntry &entry);

}  // namespace cachechain::conformance

#endif  // CACHECHAIN_CONFORMANCE_DRIVER_WIRE_H_
