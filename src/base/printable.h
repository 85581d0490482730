// Text from strangers as one line for a human: control characters become spaces, and what is no UTF-8 becomes '?'.
#ifndef CACHECHAIN_BASE_PRINTABLE_H_
#define CACHECHAIN_BASE_PRINTABLE_H_

#include <string>
#include <string_view>

namespace cachechain {

std::string printable(std::string_view bytes);

}  // namespace cachechain

#endif  // CACHECHAIN_BASE_PRINTABLE_H_
