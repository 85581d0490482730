// How a column's bytes become the value that a get slot hands out.
#ifndef CACHECHAIN_PLUGINS_SQL_SQLITE_HAND_OUT_H_
#define CACHECHAIN_PLUGINS_SQL_SQLITE_HAND_OUT_H_

#include <cstddef>

#include "cachechain/plugin.hpp"
#include "sql/common/failure.h"

namespace cachechain::sqlite {

// Copies the bytes into the buffer if they fit, else into memory of the host's that outlives the instance, as its host
// does. Sets data, size, release and owner only.
sql::Failure hand_out(plugin::Host host, const void *data, size_t size, plugin::Buffer buffer, cachechain_value &value);

// Gives back what was handed out, if anything was, and leaves the value zero.
void take_back(cachechain_value &value);

}  // namespace cachechain::sqlite

#endif  // CACHECHAIN_PLUGINS_SQL_SQLITE_HAND_OUT_H_
