// KeyTemplate: how the keys of a layer in query mode are made up, as the option "key" says it: "user:{id:int}".
//
// Literal text stands for itself ({{ and }} for a brace), a capture {name:type} for at least one byte of the key. A
// capture ends where the text behind it first appears; the last one takes the rest. Of the types, `int` is a decimal
// number of 64 bits in its one canonical form, `text` is UTF-8 without NUL, `blob` is anything. So a key is what its
// captures put together again: two keys never have the same captures, and never mean one row by the template's fault.
// Constant once parsed; any thread may match.
#ifndef CACHECHAIN_PLUGINS_SQL_SQLITE_QUERY_KEY_H_
#define CACHECHAIN_PLUGINS_SQL_SQLITE_QUERY_KEY_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cachechain::sqlite {

class KeyTemplate {
 public:
  enum class Type { kInt, kText, kBlob };
  struct Capture {
    std::string name;
    Type type;
    std::string before;  // the literal text in front of it
  };
  static constexpr size_t kMostCaptures = 8;

  // What one key holds, in the order of the captures. The bytes are the key's.
  struct Part {
    std::string_view bytes;
    int64_t number = 0;  // of a capture of type int
  };
  using Parts = std::array<Part, kMostCaptures>;

  // Reads a template. Returns what is wrong with it, "" for nothing.
  std::string parse(std::string_view text);

  // False if the key does not fit.
  bool match(std::string_view key, Parts &parts) const;

  const std::vector<Capture> &captures() const { return captures_; }
  const std::string &text() const { return text_; }

 private:
  std::string text_;
  std::vector<Capture> captures_;
  std::string after_;  // the literal text at the end
};

}  // namespace cachechain::sqlite

#endif  // CACHECHAIN_PLUGINS_SQL_SQLITE_QUERY_KEY_H_
