// What can be said of a plugin file without mapping it. dlopen() of a file that is cut short can end the process
// (SIGBUS), and what it says of a text file or of another machine's library helps nobody.
#ifndef CACHECHAIN_PLUGIN_ELF_CHECK_H_
#define CACHECHAIN_PLUGIN_ELF_CHECK_H_

#include <string>

#include "base/status.h"

namespace cachechain {

// OK if the open file is a whole shared object for this machine, else a refusal. `path` is for its text.
Status check_shared_object(int descriptor, const std::string &path);

}  // namespace cachechain

#endif  // CACHECHAIN_PLUGIN_ELF_CHECK_H_
