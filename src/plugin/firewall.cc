#include "plugin/firewall.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>

namespace cachechain {

void Thrown::write(const std::type_info *type, const char *text) noexcept {
  const char *name = type == nullptr ? "a foreign exception" : type->name();
  const std::unique_ptr<char, decltype(&std::free)> readable(
      type == nullptr ? nullptr : abi::__cxa_demangle(name, nullptr, nullptr, nullptr), &std::free);
  if (readable != nullptr) name = readable.get();
  const int written =
      std::snprintf(text_.data(), text_.size(), text == nullptr ? "threw %.80s" : "threw %.80s: %s", name, text);
  size_ = std::clamp<size_t>(written < 0 ? 0 : static_cast<size_t>(written), 1, text_.size() - 1);
}

void Thrown::record(const std::exception &thrown) noexcept { write(&typeid(thrown), thrown.what()); }

void Thrown::record_unknown() noexcept { write(abi::__cxa_current_exception_type(), nullptr); }

}  // namespace cachechain
