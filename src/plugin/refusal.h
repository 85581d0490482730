// The one form of a refusal: `FILE: what is wrong; what to do`. Every check of the loader answers with it.
#ifndef CACHECHAIN_PLUGIN_REFUSAL_H_
#define CACHECHAIN_PLUGIN_REFUSAL_H_

#include <string>
#include <string_view>

#include "base/status.h"

namespace cachechain {

inline Status refusal(std::string_view file, std::string_view what, std::string_view cure) {
  std::string text;
  text.append(file).append(": ").append(what).append("; ").append(cure);
  return Status(CACHECHAIN_PLUGIN_REFUSED, std::move(text));
}

// A path as one word of a shell command, for cures that can be pasted.
inline std::string shell_word(std::string_view path) {
  static constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+,:@%=";
  if (!path.empty() && path.find_first_not_of(kPlain) == std::string_view::npos) return std::string(path);
  std::string word = "'";
  for (char c : path) {
    if (c == '\'') {
      word += "'\\''";
    } else {
      word += c;
    }
  }
  return word += '\'';
}

}  // namespace cachechain

#endif  // CACHECHAIN_PLUGIN_REFUSAL_H_
