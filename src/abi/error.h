// The error object behind cachechain_error, and the one place where a Status, or an exception, becomes a C answer.
#ifndef CACHECHAIN_ABI_ERROR_H_
#define CACHECHAIN_ABI_ERROR_H_

#include <cxxabi.h>

#include <cstdint>
#include <exception>
#include <new>
#include <string_view>

#include "base/status.h"

namespace cachechain {

// Gives `status` to the caller: its code is returned, and `*error` receives the object if there is room for one. If
// memory runs out, a static object for NO_MEMORY stands in.
int32_t fail(cachechain_error **error, const Status &status) noexcept;
int32_t fail(cachechain_error **error, int32_t code, std::string_view message) noexcept;

// Runs the body of a C function: nothing that C++ throws leaves it.
template <class Body>
int32_t guard(cachechain_error **error, Body &&body) {
  if (error != nullptr) *error = nullptr;
  try {
    return body();
  } catch (abi::__forced_unwind &) {
    throw;  // pthread_cancel: swallowing it would abort the process
  } catch (const std::bad_alloc &) {
    return fail(error, CACHECHAIN_NO_MEMORY, "out of memory");
  } catch (const std::exception &thrown) {
    return fail(error, CACHECHAIN_INTERNAL, thrown.what());
  } catch (...) {
    return fail(error, CACHECHAIN_INTERNAL, "an exception of unknown type");
  }
}

// A Status at the end of a body: failures become an error object, outcomes their code.
inline int32_t answer(cachechain_error **error, const Status &status) {
  return status.ok() ? status.code() : fail(error, status);
}

}  // namespace cachechain

#endif  // CACHECHAIN_ABI_ERROR_H_
