// Library: a trusted file mapped into this process, for good. Its code and data stay until the process ends, whatever
// becomes of the object: values, exceptions and threads of a plugin may outlive every chain.
#ifndef CACHECHAIN_PLUGIN_LIBRARY_H_
#define CACHECHAIN_PLUGIN_LIBRARY_H_

#include <memory>
#include <string>

#include "base/status.h"
#include "cachechain/plugin.h"
#include "plugin/trust.h"

namespace cachechain {

class Library {
 public:
  // Maps the file with all its symbols bound, none of them visible to others, and makes sure that what was mapped is
  // the file that was checked. Runs the plugin's constructors.
  static Result<std::unique_ptr<Library>> map(const TrustedFile &file);
  ~Library();

  // The entry function of this file and of this ABI. If there is none, the refusal tells which other one there is.
  Status find_entry(cachechain_plugin_entry_fn &entry) const;

  const std::string &path() const { return path_; }

 private:
  struct Handle;
  Library(std::string path, std::unique_ptr<Handle> handle);

  const std::string path_;
  const std::unique_ptr<Handle> handle_;
};

}  // namespace cachechain

#endif  // CACHECHAIN_PLUGIN_LIBRARY_H_
