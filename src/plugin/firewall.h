// The core's side of the exception firewall: every call into a plugin goes through guarded(). What a plugin throws is
// turned into text inside the catch, because its type lives in the plugin; the end of a thread (pthread_cancel) goes on
// its way, because swallowing it would end the process.
#ifndef CACHECHAIN_PLUGIN_FIREWALL_H_
#define CACHECHAIN_PLUGIN_FIREWALL_H_

#include <cxxabi.h>

#include <array>
#include <cstdint>
#include <exception>
#include <string_view>
#include <typeinfo>

namespace cachechain {

// What was thrown, as text: `threw std::runtime_error: no such table`. Allocates nothing that outlives it and throws
// nothing: it is made while memory may be short.
class Thrown {
 public:
  explicit operator bool() const { return size_ != 0; }
  std::string_view text() const { return {text_.data(), size_}; }

  void record(const std::exception &thrown) noexcept;
  void record_unknown() noexcept;

 private:
  void write(const std::type_info *type, const char *text) noexcept;

  std::array<char, 240> text_;
  size_t size_ = 0;
};

// Runs `body`. True if it returned; else `thrown` tells what it threw.
// The end of a thread is no object of C++, so what is caught for it is bound to nothing. UBSan objects to that, and to
// tell it so takes a function that is not inlined into others.
template <class Body>
__attribute__((noinline, no_sanitize("null"))) bool guarded(Thrown &thrown, Body &&body) {
  try {
    body();
    return true;
  } catch (abi::__forced_unwind &) {
    throw;
  } catch (const std::exception &exception) {
    thrown.record(exception);
  } catch (...) {
    thrown.record_unknown();
  }
  return false;
}

}  // namespace cachechain

#endif  // CACHECHAIN_PLUGIN_FIREWALL_H_
