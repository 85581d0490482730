// Values that a workload can recognise: made from the key and the size alone, so that whoever gets one back can tell
// whether it is the whole value of this key and no other.
#ifndef CACHECHAIN_TOOL_PAYLOAD_H_
#define CACHECHAIN_TOOL_PAYLOAD_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace cachechain::tool {

// Writes the key's value of this size into `value`.
void make_payload(std::string_view key, size_t size, std::string &value);

// False if `value` is another key's, cut short or damaged.
bool is_payload(std::string_view key, std::string_view value);

}  // namespace cachechain::tool

#endif  // CACHECHAIN_TOOL_PAYLOAD_H_
