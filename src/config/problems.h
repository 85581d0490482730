// Problems: everything that is wrong with a configuration, gathered so that one run shows all of it. Also the way that
// places and texts of a configuration are written in messages: one line, printable, short, whatever the user wrote.
#ifndef CACHECHAIN_CONFIG_PROBLEMS_H_
#define CACHECHAIN_CONFIG_PROBLEMS_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace cachechain {

class Problems {
 public:
  // More lines than these help nobody; the rest is counted.
  static constexpr size_t kMaxLines = 50;

  // `where` is a path, "line 3, column 7", or empty for the whole.
  void add(std::string_view where, std::string_view what);

  bool empty() const { return lines_.empty(); }
  // One line per problem, without a newline at the end.
  std::string text() const;

 private:
  std::vector<std::string> lines_;
  size_t more_ = 0;
};

// `text` in double quotes, escaped, cut after `most` bytes.
std::string in_quotes(std::string_view text, size_t most = 60);

// `layers[0].options` and "url" give `layers[0].options.url`; a key that is no plain name is quoted.
std::string member_path(std::string_view path, std::string_view key);
std::string item_path(std::string_view path, size_t index);

// ` (did you mean "ttl_ms"?)`, or nothing.
std::string suggestion(std::string_view name);

}  // namespace cachechain

#endif  // CACHECHAIN_CONFIG_PROBLEMS_H_
