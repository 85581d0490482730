// Loads: a get that may come back with a lease, and the endings of leases.
#include "abi/arguments.h"
#include "abi/error.h"
#include "abi/handle.h"

namespace cachechain {
namespace {

int32_t no_lease(cachechain_error **error) { return fail(error, CACHECHAIN_INVALID_ARGUMENT, "lease is NULL"); }

int32_t check_span(int64_t span_ms, const char *name, cachechain_error **error) {
  if (span_ms >= 0) return CACHECHAIN_OK;
  return fail(error, CACHECHAIN_INVALID_ARGUMENT, std::string(name) + " is below 0");
}

// Ends a lease: body(chain, caller, lease) answers a Status.
template <class Body>
int32_t end(cachechain_chain *handle, const cachechain_lease *lease, cachechain_error **error, Body &&body) {
  return inside(handle, error,
                [&](Chain &chain, const Caller &caller) { return answer(error, body(chain, caller, *lease)); });
}

}  // namespace
}  // namespace cachechain

using namespace cachechain;  // NOLINT: each function below is one line over these

extern "C" {

int32_t cachechain_get_load(cachechain_chain *chain, const cachechain_get_options *options, const uint8_t *key,
                            uint64_t key_size, uint8_t *buf, uint64_t cap, cachechain_value *value,
                            cachechain_lease *lease, cachechain_error **error) {
  return guard(error, [&] {
    if (value != nullptr) *value = {};
    if (lease == nullptr) return no_lease(error);
    *lease = {};
    if (value == nullptr) return fail(error, CACHECHAIN_INVALID_ARGUMENT, "value is NULL");
    ReadOptions read;
    if (const int32_t bad = check_key(key, key_size, error); bad != 0) return bad;
    if (const int32_t bad = check_buffer(key, key_size, buf, cap, error); bad != 0) return bad;
    if (const int32_t bad = check_get_options(options, read, error); bad != 0) return bad;
    return inside(chain, error, [&](Chain &c, const Caller &caller) {
      Status failure;
      const int32_t status = c.loads().get(caller, {key, static_cast<size_t>(key_size)}, read,
                                           {buf, static_cast<size_t>(cap)}, *value, *lease, &failure);
      return status >= 0 ? status : fail(error, failure);
    });
  });
}

int32_t cachechain_lease_fulfil(cachechain_chain *chain, const cachechain_lease *lease,
                                const cachechain_put_options *options, const uint8_t *data, uint64_t data_size,
                                cachechain_write *result, cachechain_error **error) {
  return guard(error, [&] {
    cachechain_write ignored;
    cachechain_write &write = result == nullptr ? ignored : *result;
    write = {};
    if (lease == nullptr) return no_lease(error);
    Mutation loaded;
    if (const int32_t bad = check_data(data, data_size, error); bad != 0) return bad;
    if (const int32_t bad = check_put_options(options, loaded, error); bad != 0) return bad;
    if (loaded.expects) {
      return fail(error, CACHECHAIN_UNSUPPORTED, "options: CACHECHAIN_PUT_EXPECT means nothing to a fulfilment");
    }
    loaded.data = {data, static_cast<size_t>(data_size)};
    return end(chain, lease, error, [&](Chain &c, const Caller &caller, const cachechain_lease &l) {
      return c.loads().fulfilment().one(caller, l, loaded, write);
    });
  });
}

int32_t cachechain_lease_absent(cachechain_chain *chain, const cachechain_lease *lease, int64_t ttl_ms,
                                cachechain_error **error) {
  return guard(error, [&] {
    if (lease == nullptr) return no_lease(error);
    if (const int32_t bad = check_span(ttl_ms, "ttl_ms", error); bad != 0) return bad;
    Mutation absence;
    absence.kind = CACHECHAIN_KIND_ABSENT;
    absence.ttl_ms = ttl_ms;
    cachechain_write ignored{};
    return end(chain, lease, error, [&](Chain &c, const Caller &caller, const cachechain_lease &l) {
      return c.loads().fulfilment().one(caller, l, absence, ignored);
    });
  });
}

int32_t cachechain_lease_unchanged(cachechain_chain *chain, const cachechain_lease *lease, int64_t ttl_ms,
                                   cachechain_error **error) {
  return guard(error, [&] {
    if (lease == nullptr) return no_lease(error);
    if (const int32_t bad = check_span(ttl_ms, "ttl_ms", error); bad != 0) return bad;
    return end(chain, lease, error, [&](Chain &c, const Caller &caller, const cachechain_lease &l) {
      return c.loads().unchanged(caller, l, ttl_ms);
    });
  });
}

int32_t cachechain_lease_fail(cachechain_chain *chain, const cachechain_lease *lease, const uint8_t *message,
                              uint64_t message_size, int64_t hold_off_ms, cachechain_error **error) {
  return guard(error, [&] {
    if (lease == nullptr) return no_lease(error);
    if (message == nullptr && message_size != 0) {
      return fail(error, CACHECHAIN_INVALID_ARGUMENT, "message is NULL, but message_size is not 0");
    }
    if (const int32_t bad = check_span(hold_off_ms, "hold_off_ms", error); bad != 0) return bad;
    constexpr uint64_t kLongestMessage = 4096;
    const std::string_view text(reinterpret_cast<const char *>(message),
                                static_cast<size_t>(std::min(message_size, kLongestMessage)));
    return end(chain, lease, error, [&](Chain &c, const Caller &caller, const cachechain_lease &l) {
      return c.loads().fail(caller, l, text, hold_off_ms);
    });
  });
}

int32_t cachechain_lease_abandon(cachechain_chain *chain, const cachechain_lease *lease, cachechain_error **error) {
  return guard(error, [&] {
    if (lease == nullptr) return no_lease(error);
    return end(chain, lease, error,
               [&](Chain &c, const Caller &caller, const cachechain_lease &l) { return c.loads().abandon(caller, l); });
  });
}

int32_t cachechain_lease_renew(cachechain_chain *chain, cachechain_lease *lease, int64_t lease_ms,
                               cachechain_error **error) {
  return guard(error, [&] {
    if (lease == nullptr) return no_lease(error);
    if (const int32_t bad = check_span(lease_ms, "lease_ms", error); bad != 0) return bad;
    return inside(chain, error, [&](Chain &c, const Caller &caller) {
      return answer(error, c.loads().renew(caller, *lease, lease_ms));
    });
  });
}

}  // extern "C"
