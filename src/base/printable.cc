#include "base/printable.h"

#include <cstdint>

namespace cachechain {
namespace {

// The length of the character that begins here, 0 if none does. Overlong forms, surrogates and what is past the last
// plane are none.
size_t character(std::string_view rest) {
  const auto at = [rest](size_t i) { return i < rest.size() ? static_cast<uint8_t>(rest[i]) : 0; };
  const auto follows = [at](size_t i) { return (at(i) & 0xc0) == 0x80; };
  const uint8_t first = at(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first < 0xe0) return follows(1) ? 2 : 0;
  if (first >= 0xe0 && first < 0xf0) {
    if ((first == 0xe0 && at(1) < 0xa0) || (first == 0xed && at(1) >= 0xa0)) return 0;
    return follows(1) && follows(2) ? 3 : 0;
  }
  if (first >= 0xf0 && first < 0xf5) {
    if ((first == 0xf0 && at(1) < 0x90) || (first == 0xf4 && at(1) >= 0x90)) return 0;
    return follows(1) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

std::string printable(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    const size_t size = character(bytes);
    const auto first = static_cast<uint8_t>(bytes.front());
    if (size == 0) {
      text += '?';
    } else if (first < 0x20 || first == 0x7f) {
      text += ' ';
    } else {
      text.append(bytes.substr(0, size));
    }
    bytes.remove_prefix(size == 0 ? 1 : size);
  }
  return text;
}

}  // namespace cachechain
