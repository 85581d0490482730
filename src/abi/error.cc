#include "abi/error.h"

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "abi/copy_out.h"

struct cachechain_error {
  int32_t status;
  int64_t native_code;
  bool retryable;
  std::string layer;
  std::string message;
};

namespace cachechain {
namespace {

// Never freed, so that an error can always be told.
cachechain_error *no_memory_error() {
  static cachechain_error *const error = new cachechain_error{CACHECHAIN_NO_MEMORY, 0, true, {}, "out of memory"};
  return error;
}

// Made while there is memory.
[[maybe_unused]] cachechain_error *const made_early = no_memory_error();

}  // namespace

int32_t fail(cachechain_error **error, const Status &status) noexcept {
  if (error == nullptr) return status.code();
  try {
    std::string message(status.message());
    if (message.empty()) message = status_name(status.code());
    *error = new cachechain_error{status.code(), status.native_code(), status.retryable(), std::string(status.layer()),
                                  std::move(message)};
    return status.code();
  } catch (...) {
    *error = no_memory_error();
    return CACHECHAIN_NO_MEMORY;
  }
}

int32_t fail(cachechain_error **error, int32_t code, std::string_view message) noexcept {
  if (error == nullptr) return code;
  try {
    *error = new cachechain_error{code, 0, status_retryable(code), {}, std::string(message)};
    return code;
  } catch (...) {
    *error = no_memory_error();
    return CACHECHAIN_NO_MEMORY;
  }
}

}  // namespace cachechain

using cachechain::guard;

extern "C" {

int32_t cachechain_error_status(const cachechain_error *error) {
  return error == nullptr ? CACHECHAIN_OK : error->status;
}

int64_t cachechain_error_native(const cachechain_error *error) { return error == nullptr ? 0 : error->native_code; }

int32_t cachechain_error_retryable(const cachechain_error *error) {
  return error != nullptr && error->retryable ? 1 : 0;
}

const char *cachechain_error_layer(const cachechain_error *error, uint64_t *size) {
  if (size != nullptr) *size = error == nullptr ? 0 : error->layer.size();
  return error == nullptr ? "" : error->layer.c_str();
}

const char *cachechain_error_message(const cachechain_error *error, uint64_t *size) {
  if (size != nullptr) *size = error == nullptr ? 0 : error->message.size();
  return error == nullptr ? "" : error->message.c_str();
}

int32_t cachechain_error_json(const cachechain_error *error, uint8_t *buf, uint64_t cap, uint64_t *needed) {
  return guard(nullptr, [&] {
    const nlohmann::ordered_json json{{"status", cachechain_error_status(error)},
                                      {"name", cachechain::status_name(cachechain_error_status(error))},
                                      {"layer", cachechain_error_layer(error, nullptr)},
                                      {"native", cachechain_error_native(error)},
                                      {"retryable", cachechain_error_retryable(error) == 1},
                                      {"message", cachechain_error_message(error, nullptr)}};
    return cachechain::copy_out(json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace), buf, cap,
                                needed, nullptr);
  });
}

void cachechain_error_free(cachechain_error *error) {
  if (error != cachechain::no_memory_error()) delete error;
}

}  // extern "C"
