// The functions whose shape is final and whose work is not in this release. Each zeroes its outputs and answers
// UNSUPPORTED with its name, so that a program learns at its first call what it cannot have yet.
#include <string>

#include "abi/error.h"

namespace {

template <class... Outputs>
int32_t later(const char *name, cachechain_error **error, Outputs *...outputs) {
  return cachechain::guard(error, [&] {
    ((outputs != nullptr ? void(*outputs = Outputs{}) : void()), ...);
    return cachechain::fail(error, CACHECHAIN_UNSUPPORTED, std::string(name) + " is not in this release");
  });
}

}  // namespace

extern "C" {

int32_t cachechain_clear(cachechain_chain *, const cachechain_put_options *, cachechain_write *result,
                         cachechain_error **error) {
  return later("cachechain_clear", error, result);
}

int32_t cachechain_queue_open(uint64_t, cachechain_queue **queue, cachechain_error **error) {
  return later("cachechain_queue_open", error, queue);
}

int32_t cachechain_queue_fd(cachechain_queue *) { return -1; }

int32_t cachechain_queue_wait(cachechain_queue *, int64_t, cachechain_event *, uint64_t, uint64_t *count,
                              cachechain_error **error) {
  return later("cachechain_queue_wait", error, count);
}

void cachechain_queue_free(cachechain_queue *) {}

int32_t cachechain_submit_get(cachechain_chain *, const cachechain_get_options *, const uint8_t *, uint64_t,
                              cachechain_queue *, uint64_t, cachechain_error **error) {
  return later("cachechain_submit_get", error);
}

int32_t cachechain_submit_load(cachechain_chain *, const cachechain_get_options *, const uint8_t *, uint64_t,
                               cachechain_queue *, uint64_t, cachechain_error **error) {
  return later("cachechain_submit_load", error);
}

int32_t cachechain_submit_set(cachechain_chain *, const cachechain_put_options *, const uint8_t *, uint64_t,
                              const uint8_t *, uint64_t, cachechain_queue *, uint64_t, cachechain_error **error) {
  return later("cachechain_submit_set", error);
}

int32_t cachechain_submit_delete(cachechain_chain *, const cachechain_put_options *, const uint8_t *, uint64_t,
                                 cachechain_queue *, uint64_t, cachechain_error **error) {
  return later("cachechain_submit_delete", error);
}

}  // extern "C"
