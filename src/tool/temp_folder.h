// TempFolder: a new empty folder, removed with all that is in it when the object goes.
#ifndef CACHECHAIN_TOOL_TEMP_FOLDER_H_
#define CACHECHAIN_TOOL_TEMP_FOLDER_H_

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

namespace cachechain::tool {

class TempFolder {
 public:
  TempFolder() {
    std::error_code error;
    std::string pattern = (std::filesystem::temp_directory_path(error) / "cachechain-XXXXXX").string();
    if (mkdtemp(pattern.data()) != nullptr) path_ = pattern;
  }
  ~TempFolder() {
    std::error_code error;
    if (!path_.empty()) std::filesystem::remove_all(path_, error);
  }
  TempFolder(const TempFolder &) = delete;
  TempFolder &operator=(const TempFolder &) = delete;

  // "" if none could be made; errno then tells why.
  const std::string &path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace cachechain::tool

#endif  // CACHECHAIN_TOOL_TEMP_FOLDER_H_
