// A host table for plugin tests: a clock that is turned by hand, the last reported text, and memory that is counted and
// can be made to fail. Thread-safe but for `fail_at` and the clock, which are set between calls.
#ifndef CACHECHAIN_TESTS_UNIT_PLUGINS_FAKE_HOST_H_
#define CACHECHAIN_TESTS_UNIT_PLUGINS_FAKE_HOST_H_

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include "cachechain/plugin.h"

namespace cachechain::plugin {

class FakeHost {
 public:
  FakeHost() {
    table_.struct_size = sizeof(table_);
    table_.abi_minor = CACHECHAIN_ABI_MINOR;
    table_.self = this;
    table_.log_enabled = [](const cachechain_host *, int32_t) { return int32_t{0}; };
    table_.log = [](const cachechain_host *, int32_t, const char *, uint64_t) {};
    table_.report = [](const cachechain_host *, cachechain_report *report, int64_t native, uint32_t retryable,
                       const char *text, uint64_t size) {
      if (report == nullptr) return;
      report->native_code = native;
      report->retryable = retryable;
      report->size = static_cast<uint32_t>(std::min<uint64_t>(size, sizeof(report->text)));
      std::memcpy(report->text, text, report->size);
    };
    table_.now_mono_ns = [](const cachechain_host *host) { return self(host).mono_ns.load(); };
    table_.now_unix_ms = [](const cachechain_host *host) { return self(host).unix_ms.load(); };
    table_.alloc = [](const cachechain_host *host, uint64_t size, uint64_t align) {
      return self(host).alloc(size, align);
    };
    table_.free = [](const cachechain_host *host, void *memory, uint64_t size, uint64_t) {
      self(host).free(memory, size);
    };
    table_.cancelled = [](const cachechain_host *, const cachechain_cancel *) { return int32_t{0}; };
    table_.cancel_fd = [](const cachechain_host *, cachechain_cancel *) { return int32_t{-1}; };
    table_.service = [](const cachechain_host *, const char *) -> const void * { return nullptr; };
  }
  FakeHost(const FakeHost &) = delete;
  FakeHost &operator=(const FakeHost &) = delete;

  const cachechain_host *table() const { return &table_; }

  std::atomic<int64_t> mono_ns{1'000'000'000};
  std::atomic<int64_t> unix_ms{1'800'000'000'000};

  std::atomic<int64_t> outstanding{0};  // bytes
  std::atomic<int64_t> peak{0};
  std::atomic<uint64_t> allocations{0};
  // The allocation of that number (from 0) fails, and every later one if fail_on.
  uint64_t fail_at = UINT64_MAX;
  bool fail_on = false;

 private:
  static FakeHost &self(const cachechain_host *host) { return *static_cast<FakeHost *>(host->self); }

  void *alloc(uint64_t size, uint64_t align) {
    const uint64_t number = allocations.fetch_add(1);
    if (number == fail_at || (fail_on && number > fail_at)) return nullptr;
    const int64_t now = outstanding.fetch_add(static_cast<int64_t>(size)) + static_cast<int64_t>(size);
    int64_t highest = peak.load();
    while (now > highest && !peak.compare_exchange_weak(highest, now)) {
    }
    return align <= alignof(std::max_align_t) ? std::malloc(size)
                                              : std::aligned_alloc(align, (size + align - 1) / align * align);
  }
  void free(void *memory, uint64_t size) {
    std::free(memory);
    outstanding.fetch_sub(static_cast<int64_t>(size));
  }

  cachechain_host table_{};
};

}  // namespace cachechain::plugin

#endif  // CACHECHAIN_TESTS_UNIT_PLUGINS_FAKE_HOST_H_
