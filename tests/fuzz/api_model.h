// What a run of fuzz_api has open and knows: chains with what each key may hold, views and leases that are held; and
// what every answer is checked against.
#ifndef CACHECHAIN_TESTS_FUZZ_API_MODEL_H_
#define CACHECHAIN_TESTS_FUZZ_API_MODEL_H_

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <map>
#include <string_view>
#include <vector>

#include "cachechain/cachechain.h"
#include "fuzz/api_arguments.h"
#include "fuzz/api_outputs.h"
#include "fuzz/check.h"
#include "fuzz/input.h"

namespace cachechain::api_fuzz {

struct Config {
  std::string_view text;
  bool good;
  bool roomy;          // nothing that this target sets is ever evicted
  bool truth = false;  // the last layer is
};
inline constexpr Config kConfigs[] = {
    {R"({"chain": "f", "layers": [{"name": "L1", "plugin": "memory"}]})", true, true},
    {R"({"chain": "f", "layers": [{"name": "L1", "plugin": "memory"}, {"name": "L2", "plugin": "memory"}]})", true,
     true},
    {R"({"chain": "f", "source": "last_layer", "layers": [{"name": "L1", "plugin": "memory", "ttl_ms": 1},
         {"name": "L2", "plugin": "memory", "ttl_jitter": 0}]})",
     true, true, true},
    {R"({"chain": "f", "max_value_bytes": 1000, "layers": [{"name": "L1", "plugin": "memory",
         "options": {"max_entries": 2}}]})",
     true, false},
    {R"({"chain": "f", "source": "application", "layers": [{"name": "L1", "plugin": "memory", "write": "none"},
         {"name": "off", "plugin": "memory", "enabled": false}, {"name": "L3", "plugin": "memory", "max_ttl_ms": 1}]})",
     true, false},
    {"", false, false},
    {"{", false, false},
    {"{}", false, false},
    {R"({"chain": "f", "layers": [{"name": "L1", "plugin": "no_such_plugin"}]})", false, false},
    {R"({"chain": "f", "layers": [{"name": "L1", "plugin": "/etc/passwd"}]})", false, false},
    {R"({"chain": "f", "layers": [{"name": "L1", "plugin": "memory", "options": {"max_bites": 1}}]})", false, false},
    {R"({"chain": "f", "layers": [{"name": "L1", "plugin": "memory", "options": {"max_bytes": -1}}]})", false, false},
    {R"({"chain": "f", "max_loads": 2, "lease_ms": 1, "lease_wait_ms": 1, "refresh_ms": 60000,
         "layers": [{"name": "L1", "plugin": "memory"}, {"name": "L2", "plugin": "memory"}]})",
     true, true},
    {R"({"chain": "f", "serve_stale": false, "lease_ms": 86400000,
         "layers": [{"name": "L1", "plugin": "memory"}]})",
     true, false},
    {R"({"chain": "f", "layers": [{"name": "L1", "plugin": "memory", "write": "none"}]})", true, false},
    {R"({"chain": "f", "life": "decaying", "namespaces": {"a": {"schema": 7, "ttl_ms": 1}, "b": {"life": "uniform"},
         "default": {"max_ttl_ms": 60000}}, "layers": [{"name": "L1", "plugin": "memory"},
         {"name": "L2", "plugin": "memory"}]})",
     true, false},
};

// What a key may hold. After a mutation of unknown outcome that is more than one thing.
struct Known {
  std::vector<Bytes> possible;
  bool certain = false;  // it is there, for it has no life and no bound
};

// A mutation that answers so changed nothing.
inline bool changed_nothing(int32_t status) {
  switch (status) {
    case CACHECHAIN_INVALID_ARGUMENT:
    case CACHECHAIN_KEY_TOO_LONG:
    case CACHECHAIN_VALUE_TOO_LARGE:
    case CACHECHAIN_UNSUPPORTED:
    case CACHECHAIN_CLOSED:
    case CACHECHAIN_CONFLICT:
    case CACHECHAIN_FUTURE_VERSION:
    case CACHECHAIN_VOID:
      return true;
    default:
      return false;
  }
}

struct Chain {
  cachechain_chain *handle = nullptr;
  const Config *config = nullptr;
  bool closed = false;
  std::map<Bytes, Known> known;
  uint64_t birth = 0;  // tells it from every other chain of the run
  // Of a namespace there is one handle in a run, so nobody else changes its keys.
  uint64_t family = 0;  // the same for all handles of a chain
  bool whole = true;
};

struct Lease {
  cachechain_lease lease{};
  uint64_t birth = 0;  // of its chain
  Bytes key;
  bool ended = false;
  bool overtaken = false;  // by a mutation of its key
};

// A view that is still held, and what it must hold to the end.
struct Held {
  cachechain_value value;
  Bytes expected;
};

inline Bytes copy_of(const cachechain_value &value) {
  return value.size == 0 ? Bytes() : Bytes(value.data, value.data + value.size);
}

class Model {
 protected:
  Model(const uint8_t *data, size_t size) : input_(data, size) {}

  Chain &any_chain() { return chains_[input_.pick(chains_.size())]; }

  // What every call with a key owes, whatever its other arguments were.
  void check_refusals(const Chain &chain, const Key &key, int32_t status) {
    if (!key.legal() || chain.handle == nullptr || chain.closed) CHECK(status < 0);
    if (chain.handle == nullptr) CHECK(status != CACHECHAIN_CLOSED);
  }

  cachechain_put_options put_wish() {
    cachechain_put_options wish{};
    if (input_.coin()) return wish;
    wish.timeout_ns = wild_number(input_);
    wish.ttl_ms = wild_number(input_);
    wish.fresh_ms = wild_number(input_);
    if (input_.pick(4) == 0) wish.must_flags = input_.byte();
    if (input_.pick(4) == 0) wish.hint_flags = input_.number();
    if (input_.pick(4) == 0) wish.expect_version = input_.coin() ? last_version_ : input_.number();
    if (input_.pick(8) == 0) wish.created = input_.number();
    if (input_.pick(16) == 0) wish.trace_size = input_.byte();
    return wish;
  }

  struct Data {
    Bytes bytes;
    const uint8_t *data = nullptr;
    uint64_t size = 0;
    bool legal() const { return size == bytes.size() && (data != nullptr || size == 0); }
  };

  // No two of them are alike, if they are not empty.
  Data make_data() {
    static constexpr uint64_t kSizes[] = {0, 1, 13, 64, 1000, 1001, 70'000};
    Data made;
    made.bytes.resize(kSizes[input_.pick(std::size(kSizes))]);
    for (size_t i = 0; i < made.bytes.size(); ++i) made.bytes[i] = static_cast<uint8_t>(sets_ * 31 + i);
    ++sets_;
    made.data = made.bytes.data();
    made.size = made.bytes.size();
    switch (input_.pick(16)) {
      case 0:
        made.data = nullptr;
        break;
      case 1:
        made.size = SIZE_MAX;
        break;
      case 2:
        made.size = UINT32_MAX;
        break;
      default:
        break;
    }
    return made;
  }

  // Lives of the layers' own, or for ever: the options asked for nothing that could shorten them.
  static bool asks_for_no_life(const Options<cachechain_put_options> &options, const cachechain_put_options &wish) {
    return options.is_null() || (options.is_whole() && wish.ttl_ms <= 0 && wish.must_flags == 0);
  }

  void overtake(const Chain &chain, const Bytes &key) {
    for (Lease &lease : leases_) lease.overtaken |= lease.birth == chain.birth && lease.key == key;
  }

  // What the model knows of a key after a mutation; `value` is NULL for a delete.
  void note_mutation(Chain &chain, const Bytes &key, const Bytes *value, int32_t status, bool stays) {
    if (changed_nothing(status)) return;
    Known &known = chain.known[key];
    if (status >= 0) {
      overtake(chain, key);
      known.possible.clear();
    }
    if (value != nullptr) known.possible.push_back(*value);
    known.certain = status >= 0 && value != nullptr && stays;
  }

  static int32_t send_slices(const Chain &chain, const cachechain_put_options *options, const std::vector<Key> &keys,
                             const std::vector<Data> &values, bool sets, Output<cachechain_batch *> &batch,
                             Error &error) {
    std::vector<cachechain_slice> key_slices;
    std::vector<cachechain_slice> value_slices;
    for (size_t i = 0; i < keys.size(); ++i) {
      key_slices.push_back({keys[i].data, keys[i].size});
      value_slices.push_back({values[i].data, values[i].size});
    }
    return sets ? cachechain_set_many(chain.handle, options, key_slices.data(), value_slices.data(), keys.size(),
                                      batch.out(), error.out())
                : cachechain_delete_many(chain.handle, options, key_slices.data(), keys.size(), batch.out(),
                                         error.out());
  }

  void check_version(const cachechain_write &write) {
    CHECK(write.version != 0 && write.version >> 63 == 0);
    CHECK(write.owed == 0 && write.reserved == 0);
    last_version_ = write.version;
  }

  cachechain_get_options get_wish() {
    cachechain_get_options wish{};
    if (input_.coin()) return wish;
    wish.timeout_ns = wild_number(input_);
    if (input_.pick(8) == 0) wish.must_flags = input_.byte();
    if (input_.pick(4) == 0) wish.hint_flags = input_.number();
    if (input_.pick(8) == 0) wish.min_version = input_.number();
    if (input_.pick(16) == 0) wish.trace_size = input_.byte();
    return wish;
  }

  // What a read may answer. `content` is NULL if it was not handed out. A `picky` one asks for a least version.
  void check_read(Chain &chain, const Key &key, bool plain, bool picky, int32_t status, const cachechain_value &value,
                  const Bytes *content) {
    check_refusals(chain, key, status);
    if (status < 0 || !key.legal() || chain.handle == nullptr) {
      const bool asked = key.legal() && chain.handle != nullptr && !chain.closed;
      CHECK(!(asked && plain));
      return;
    }
    const Known &known = chain.known[key.bytes];
    if (status != CACHECHAIN_OK && status != CACHECHAIN_STALE) {
      CHECK(status == CACHECHAIN_MISS || status == CACHECHAIN_NOT_FOUND);
      CHECK(!known.certain || (picky && !chain.config->truth));
      CHECK(value.size == 0 && value.data == nullptr && value.release == nullptr);
      return;
    }
    CHECK(value.version != 0 && value.version >> 63 == 0 && value.layer >= 0);
    CHECK((value.flags & CACHECHAIN_FLAG_KIND_MASK) == CACHECHAIN_KIND_VALUE);
    CHECK(std::any_of(known.possible.begin(), known.possible.end(), [&](const Bytes &one) {
      return content == nullptr ? one.size() == value.size : one == *content;
    }));
  }

  Bytes make_buffer() {
    static constexpr size_t kCaps[] = {0, 1, 64, 1000, 70'000};
    return Bytes(kCaps[input_.pick(std::size(kCaps))]);
  }

  // Views are held for a time.
  void keep(Output<cachechain_value> &value, const Bytes &buffer, const Bytes &content) {
    const bool copied = value.get().size != 0 && value.get().data == buffer.data();
    CHECK(!copied || value.get().size <= buffer.size());
    CHECK(!copied || value.get().release == nullptr);
    if (!copied && held_.size() < 64) {
      held_.push_back({value.get(), content});
    } else {
      cachechain_value_release(value.out());
      value.check_zero();
    }
  }

  void keep_lease(Chain &chain, const Key &key, const cachechain_lease &lease, bool may_be_side) {
    CHECK(lease.version != 0 && lease.version >> 63 == 0 && lease.expires_ms > 0);
    CHECK((lease.flags & ~CACHECHAIN_LEASE_SIDE) == 0 && lease.reserved == 0);
    if (lease.flags != 0) CHECK(may_be_side);
    ++leases_out_[chain.family];
    leases_.push_back({lease, chain.birth, key.bytes, false, false});
    if (leases_.size() > 16) leases_.pop_front();
  }

  Input input_;
  std::array<Chain, 3> chains_;
  std::deque<Held> held_;
  std::deque<Lease> leases_;
  std::map<uint64_t, uint64_t> leases_out_;  // by family, at most; while there are none, no call waits for a load
  uint64_t births_ = 0;
  uint64_t sets_ = 0;
  uint64_t last_version_ = 0;
};

}  // namespace cachechain::api_fuzz

#endif  // CACHECHAIN_TESTS_FUZZ_API_MODEL_H_
