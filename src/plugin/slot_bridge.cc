#include "plugin/slot_bridge.h"

#include <cstring>

#include "plugin/answers.h"
#include "plugin/negotiate.h"
#include "plugin/open_layer.h"

namespace cachechain {

const uint64_t SlotBridge::kSingle = CACHECHAIN_SLOT_BIT(get) | CACHECHAIN_SLOT_BIT(put);
const uint64_t SlotBridge::kAll = kSingle | CACHECHAIN_SLOT_BIT(get_many) | CACHECHAIN_SLOT_BIT(put_many);

struct SlotBridge::Slots {
  static const SlotBridge &of(void *self) { return *static_cast<const SlotBridge *>(self); }

  // What concerns no batch goes straight through.
  static int32_t close(void *self, const cachechain_call *call) {
    return of(self).own_.close(of(self).instance_, call);
  }
  static int32_t erase_many(void *self, const cachechain_call *call, const cachechain_key *keys, uint64_t count) {
    return of(self).own_.erase_many(of(self).instance_, call, keys, count);
  }
  static int32_t ping(void *self, const cachechain_call *call) { return of(self).own_.ping(of(self).instance_, call); }
  static int32_t sweep(void *self, const cachechain_call *call, const cachechain_space *space, uint64_t *removed) {
    return of(self).own_.sweep(of(self).instance_, call, space, removed);
  }
  static int32_t maintain(void *self, const cachechain_call *call) {
    return of(self).own_.maintain(of(self).instance_, call);
  }
  static int32_t notify(void *self, const cachechain_call *call, const cachechain_notice *notices, uint64_t count) {
    return of(self).own_.notify(of(self).instance_, call, notices, count);
  }
  static int32_t watch(void *self, const cachechain_call *call, cachechain_notice_fn fn, void *context) {
    return of(self).own_.watch(of(self).instance_, call, fn, context);
  }
  static int32_t stats(void *self, uint8_t *buf, uint64_t cap, uint64_t *needed) {
    return of(self).own_.stats(of(self).instance_, buf, cap, needed);
  }
  static void thread_exit(void *self, uintptr_t word) { of(self).own_.thread_exit(of(self).instance_, word); }
  static int32_t get(void *self, const cachechain_call *call, const cachechain_key *key, uint8_t *buf, uint64_t cap,
                     cachechain_value *value) {
    return of(self).own_.get(of(self).instance_, call, key, buf, cap, value);
  }
  static int32_t get_many(void *self, const cachechain_call *call, const cachechain_key *keys, uint64_t count,
                          cachechain_value *values, int32_t *statuses) {
    return of(self).own_.get_many(of(self).instance_, call, keys, count, values, statuses);
  }
  static int32_t put(void *self, const cachechain_call *call, const cachechain_put *put,
                     cachechain_put_result *result) {
    return of(self).own_.put(of(self).instance_, call, put, result);
  }
  static int32_t put_many(void *self, const cachechain_call *call, const cachechain_put *puts, uint64_t count,
                          cachechain_put_result *results) {
    return of(self).own_.put_many(of(self).instance_, call, puts, count, results);
  }

  static int32_t get_of_many(void *self, const cachechain_call *call, const cachechain_key *key, uint8_t *buf,
                             uint64_t cap, cachechain_value *value) {
    int32_t status = kUnwritten;
    const int32_t batch = get_many(self, call, key, 1, value, &status);
    if (batch != CACHECHAIN_OK && batch != CACHECHAIN_PARTIAL) return batch;
    if (status != CACHECHAIN_OK || value->size > cap || !check_value(status, *value, nullptr, 0)) return status;
    const cachechain_value view = *value;
    if (view.size != 0) std::memcpy(buf, view.data, view.size);
    value->data = buf;
    value->release = nullptr;
    value->owner = nullptr;
    if (view.release != nullptr) view.release(view.owner);
    return status;
  }
  static int32_t many_of_get(void *self, const cachechain_call *call, const cachechain_key *keys, uint64_t count,
                             cachechain_value *values, int32_t *statuses) {
    // What was handed out before a plugin threw is nobody's but ours.
    struct HandedOut {
      cachechain_value *values;
      uint64_t count = 0;
      ~HandedOut() {
        for (uint64_t i = 0; i < count; ++i) give_back(values[i]);
      }
    } given{values};
    int32_t status = CACHECHAIN_OK;
    for (uint64_t i = 0; i < count; ++i) {
      values[i] = {};
      statuses[i] = get(self, call, &keys[i], nullptr, 0, &values[i]);
      if (statuses[i] != CACHECHAIN_OK) values[i] = {};
      if (statuses[i] != statuses[0]) status = CACHECHAIN_PARTIAL;
      given.count = i + 1;
    }
    given.count = 0;
    return status;
  }
  static int32_t put_of_many(void *self, const cachechain_call *call, const cachechain_put *put,
                             cachechain_put_result *result) {
    *result = {kUnwritten, 0, 0};
    const int32_t batch = put_many(self, call, put, 1, result);
    if (batch != CACHECHAIN_OK && batch != CACHECHAIN_PARTIAL) result->status = batch;
    return result->status;
  }
  static int32_t many_of_put(void *self, const cachechain_call *call, const cachechain_put *puts, uint64_t count,
                             cachechain_put_result *results) {
    int32_t status = CACHECHAIN_OK;
    for (uint64_t i = 0; i < count; ++i) {
      results[i] = {};
      results[i].status = put(self, call, &puts[i], &results[i]);
      if (results[i].status != results[0].status) status = CACHECHAIN_PARTIAL;
    }
    return status;
  }
};

SlotBridge::SlotBridge(const cachechain_layer_api &own, uint64_t slots, void *instance)
    : own_(own), instance_(instance) {
  const auto has = [slots](uint64_t bit) { return (slots & bit) != 0; };
  api_.struct_size = sizeof api_;
  api_.open = own.open;
  api_.close = &Slots::close;
  api_.get = has(CACHECHAIN_SLOT_BIT(get)) ? &Slots::get : &Slots::get_of_many;
  api_.get_many = has(CACHECHAIN_SLOT_BIT(get_many)) ? &Slots::get_many : &Slots::many_of_get;
  api_.put = has(CACHECHAIN_SLOT_BIT(put)) ? &Slots::put : &Slots::put_of_many;
  api_.put_many = has(CACHECHAIN_SLOT_BIT(put_many)) ? &Slots::put_many : &Slots::many_of_put;
  api_.erase_many = &Slots::erase_many;
  api_.ping = &Slots::ping;
  api_.sweep = &Slots::sweep;
  api_.maintain = &Slots::maintain;
  api_.notify = &Slots::notify;
  api_.watch = &Slots::watch;
  api_.stats = &Slots::stats;
  api_.thread_exit = &Slots::thread_exit;
}

}  // namespace cachechain
