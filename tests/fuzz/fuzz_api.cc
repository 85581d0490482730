// A byte code of calls of the C API, in any order, with wild arguments, over real chains of memory layers. Whatever is
// called: nothing crashes, the contract at the top of cachechain.h holds for every answer, and a get gives what a
// simple model of the chain allows: the value that was set or loaded last, or a miss, and no miss where nothing can
// have been dropped. Leases are kept, and ended in any order, twice, in other chains and with garbage.
#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <map>
#include <set>
#include <string_view>
#include <vector>

#include "cachechain/cachechain.h"
#include "fuzz/api_arguments.h"
#include "fuzz/api_outputs.h"
#include "fuzz/check.h"
#include "fuzz/input.h"

namespace cachechain {
namespace {

struct Config {
  std::string_view text;
  bool good;
  bool roomy;          // nothing that this target sets is ever evicted
  bool truth = false;  // the last layer is
};
constexpr Config kConfigs[] = {
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
bool changed_nothing(int32_t status) {
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

Bytes copy_of(const cachechain_value &value) {
  return value.size == 0 ? Bytes() : Bytes(value.data, value.data + value.size);
}

class Machine {
 public:
  Machine(const uint8_t *data, size_t size) : input_(data, size) {}
  ~Machine() {
    if (input_.coin()) free_queue();
    for (Chain &chain : chains_) cachechain_chain_free(chain.handle);
    free_queue();
    for (cachechain_cancel *token : tokens_) cachechain_cancel_free(token);
    while (!held_.empty()) release();
  }

  void run() {
    // Enough for every order of calls that matters, and an end to a file that is only long.
    for (int steps = 0; steps < 400 && !input_.empty(); ++steps) step();
  }

 private:
  void step() {
    const size_t which = input_.pick(31);
    const bool may_overlap = which < 3 || which == 13;
    if (!may_overlap) await_all();
    switch (which) {
      case 0:
        return open();
      case 1:
        return close();
      case 2:
        return free();
      case 3:
      case 4:
      case 5:
        return set();
      case 6:
        return erase();
      case 7:
      case 8:
      case 9:
        return get();
      case 10:
        return exists();
      case 11:
        return describe();
      case 12:
        return check_config();
      case 13:
        return async();
      case 14:
        return release();
      case 15:
        return versions();
      case 16:
      case 17:
        return load();
      case 18:
        return fulfil();
      case 19:
        return end_lease();
      case 20:
        return invalidate();
      case 21:
        return touch();
      case 22:
        return reject();
      case 23:
        return load();
      case 24:
      case 25:
        return read_many();
      case 26:
        return fulfil_many();
      case 27:
        return mutate_many(true);
      case 28:
        return mutate_many(false);
      case 29:
        return open_space();
      default:
        return clear();
    }
  }

  Chain &any_chain() { return chains_[input_.pick(chains_.size())]; }

  static void ignore_log(void *context, int32_t level, const uint8_t *text, uint64_t size) {
    CHECK(context == nullptr && level >= CACHECHAIN_LOG_TRACE && level < CACHECHAIN_LOG_OFF);
    CHECK(text != nullptr && std::find(text, text + size, '\n') == text + size);
  }

  void open() {
    Chain &chain = any_chain();
    free_chain(chain);
    const Config &config = kConfigs[input_.pick(std::size(kConfigs))];
    cachechain_open_options wish{};
    wish.log = &Machine::ignore_log;
    wish.log_level = input_.pick(8) == 0 ? static_cast<int32_t>(input_.byte()) - 3 : CACHECHAIN_LOG_TRACE;
    if (input_.pick(8) == 0) wish.must_flags = input_.byte();
    if (input_.pick(8) == 0) wish.plugin_path_size = 5;
    const Options<cachechain_open_options> options(input_, wish);
    const bool no_text = input_.pick(16) == 0;
    Error error(input_);
    Output<cachechain_chain *> handle;
    const int32_t status =
        cachechain_chain_open(no_text ? nullptr : reinterpret_cast<const uint8_t *>(config.text.data()),
                              config.text.size(), options.get(), handle.out(), error.out());
    error.check(status);
    CHECK((handle.get() != nullptr) == (status >= 0));
    if (!config.good || no_text || options.must_be_refused()) CHECK(status < 0);
    if (config.good && !no_text && options.is_null()) CHECK(status == CACHECHAIN_OK);
    chain = {handle.get(), &config, false, {}, ++births_, births_, true};
    CHECK(cachechain_chain_open(nullptr, 0, nullptr, nullptr, nullptr) == CACHECHAIN_INVALID_ARGUMENT);
  }

  void close() {
    Chain &chain = any_chain();
    Error error(input_);
    Output<uint64_t> unwritten;
    const int64_t timeout = wild_number(input_);
    const int32_t status = cachechain_chain_close(chain.handle, timeout, unwritten.out(), error.out());
    error.check(status);
    CHECK(unwritten.get() == 0);
    if (chain.handle == nullptr) CHECK(status == CACHECHAIN_INVALID_ARGUMENT);
    // DEADLINE would mean that somebody is inside, and nobody is.
    if (chain.handle != nullptr && timeout >= 0) CHECK(status == CACHECHAIN_OK);
    if (status != CACHECHAIN_OK) return;
    chain.closed = true;
    if (!chain.whole) return;
    for (Chain &one : chains_) one.closed |= one.family == chain.family;
  }

  void free() { free_chain(any_chain()); }

  // A handle of a namespace takes another one's place. It begins empty if no handle of it was here before: one that was
  // has left entries behind that the model has forgotten, so its name is not asked for again.
  void open_space() {
    Chain &of = any_chain();
    Chain &place = any_chain();
    if (&of == &place) return;
    const Key key = make_key(input_);
    static constexpr std::string_view kNames[] = {"a", "b", "users", "x-y", "A_.-9"};
    const std::string_view chosen = kNames[input_.pick(std::size(kNames))];
    const Bytes name(chosen.begin(), chosen.end());
    const bool wild = input_.pick(4) == 0;
    if (!wild && !spaces_.insert({of.family, name}).second) return;
    Error error(input_);
    Output<cachechain_chain *> made;
    const int32_t status = cachechain_chain_namespace(of.handle, wild ? key.data : name.data(),
                                                      wild ? key.size : name.size(), made.out(), error.out());
    error.check(status);
    CHECK((made.get() != nullptr) == (status >= 0));
    if (of.handle == nullptr || of.closed) CHECK(status < 0);
    if (status < 0) {
      if (!wild) spaces_.erase({of.family, name});
      return;
    }
    if (wild) return cachechain_chain_free(made.get());
    const Chain parent = of;
    free_chain(place);
    place = {made.get(), parent.config, false, {}, ++births_, parent.family, false};
  }

  void clear() {
    Chain &chain = any_chain();
    const Options<cachechain_put_options> options(input_, put_wish());
    Error error(input_);
    Output<cachechain_write> write;
    const bool wants_result = input_.pick(8) != 0;
    const int32_t status =
        cachechain_clear(chain.handle, options.get(), wants_result ? write.out() : nullptr, error.out());
    error.check(status);
    if (chain.handle == nullptr || chain.closed || options.must_be_refused()) CHECK(status < 0);
    if (status < 0) {
      if (wants_result) write.check_zero();
      return;
    }
    if (wants_result) check_version(write.get());
    chain.known.clear();
    for (Lease &lease : leases_) lease.overtaken |= lease.birth == chain.birth;
  }

  void free_chain(Chain &chain) {
    cachechain_chain_free(chain.handle);
    chain = {};
  }

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

  void set() {
    Chain &chain = any_chain();
    const Key key = make_key(input_);
    const cachechain_put_options wish = put_wish();
    const Options<cachechain_put_options> options(input_, wish);

    Data value = make_data();
    Error error(input_);
    Output<cachechain_write> write;
    const bool wants_result = input_.pick(8) != 0;
    const int32_t status = cachechain_set(chain.handle, options.get(), key.data, key.size, value.data, value.size,
                                          wants_result ? write.out() : nullptr, error.out());
    error.check(status);
    check_refusals(chain, key, status);
    if (!value.legal() || options.must_be_refused()) CHECK(status < 0);
    if (status < 0 && wants_result && changed_nothing(status)) write.check_zero();
    if (!key.legal() || !value.legal() || chain.handle == nullptr) return;

    if (status == CACHECHAIN_VOID) {
      CHECK(!options.is_null() && wish.created != 0);
      if (wants_result) write.check_zero();
      return;
    }
    Known &known = chain.known[key.bytes];
    if (status >= 0) {
      if (wants_result) check_version(write.get());
      overtake(chain, key.bytes);
      known.possible = {std::move(value.bytes)};
      known.certain = chain.config->roomy && asks_for_no_life(options, wish) && status == CACHECHAIN_OK;
    } else if (!changed_nothing(status)) {
      known.possible.push_back(std::move(value.bytes));
      known.certain = false;
    }
  }

  void erase() {
    Chain &chain = any_chain();
    const Key key = make_key(input_);
    const Options<cachechain_put_options> options(input_, put_wish());
    Error error(input_);
    Output<cachechain_write> write;
    const bool wants_result = input_.pick(8) != 0;
    const int32_t status = cachechain_delete(chain.handle, options.get(), key.data, key.size,
                                             wants_result ? write.out() : nullptr, error.out());
    error.check(status);
    check_refusals(chain, key, status);
    if (status < 0 && wants_result && changed_nothing(status)) write.check_zero();
    if (!key.legal() || chain.handle == nullptr) return;
    Known &known = chain.known[key.bytes];
    if (status >= 0) {
      if (wants_result) check_version(write.get());
      overtake(chain, key.bytes);
      known.possible.clear();
    }
    if (status >= 0 || !changed_nothing(status)) known.certain = false;
  }

  // Slices or packed, keys that come more than once, and offsets that cannot be.
  void mutate_many(bool sets) {
    Chain &chain = any_chain();
    const cachechain_put_options wish = put_wish();
    const Options<cachechain_put_options> options(input_, wish);
    const bool packed = input_.coin();
    std::vector<Key> keys(input_.pick(6));
    std::vector<Data> values(keys.size());
    bool legal = true;
    for (size_t i = 0; i < keys.size(); ++i) {
      keys[i] = make_key(input_);
      if (sets) values[i] = make_data();
      // One that is only larger than the chain takes is refused by itself.
      legal &= keys[i].legal() && (values[i].legal() || (values[i].data != nullptr && values[i].size <= UINT32_MAX));
    }
    Error error(input_);
    Output<cachechain_batch *> batch;
    const int32_t status = packed ? send_packed(chain, options.get(), keys, values, sets, legal, batch, error)
                                  : send_slices(chain, options.get(), keys, values, sets, batch, error);
    error.check(status);
    CHECK((batch.get() != nullptr) == (status >= 0));
    CHECK(status < 0 || status == CACHECHAIN_OK || status == CACHECHAIN_PARTIAL);
    if (!legal || options.must_be_refused() || chain.handle == nullptr || chain.closed) CHECK(status < 0);
    if (status < 0) {
      CHECK(changed_nothing(status) || status == CACHECHAIN_DEADLINE);
      return;
    }
    CHECK(cachechain_batch_size(batch.get()) == keys.size());
    bool all_done = true;
    for (size_t i = 0; i < keys.size(); ++i) {
      cachechain_value value;
      const int32_t one = cachechain_batch_item(batch.get(), i, &value, nullptr);
      CHECK(value.data == nullptr && value.size == 0 && value.release == nullptr);
      CHECK((one != CACHECHAIN_OK) == (value.version == 0));
      if (one > 0) CHECK(one == CACHECHAIN_VOID && sets && !options.is_null() && wish.created != 0);
      CHECK(packed || values[i].legal() || one < 0);
      all_done &= one == CACHECHAIN_OK;
      if (one == CACHECHAIN_OK) last_version_ = value.version;
      note_mutation(chain, keys[i].bytes, sets ? &values[i].bytes : nullptr, one,
                    chain.config->roomy && asks_for_no_life(options, wish));
    }
    CHECK((status == CACHECHAIN_OK) == all_done);
    cachechain_batch_free(batch.get());
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

  // One run of bytes in an allocation of exactly their size.
  struct Packed {
    Bytes bytes;
    std::vector<uint64_t> offsets{0};
    void add(const Bytes &item) {
      bytes.insert(bytes.end(), item.begin(), item.end());
      offsets.push_back(bytes.size());
    }
  };

  int32_t send_packed(const Chain &chain, const cachechain_put_options *options, std::vector<Key> &keys,
                      std::vector<Data> &values, bool sets, bool &legal, Output<cachechain_batch *> &batch,
                      Error &error) {
    Packed all_keys;
    Packed all_values;
    legal = true;
    for (size_t i = 0; i < keys.size(); ++i) {
      // What is packed has neither a pointer nor a size of its own that could be wrong.
      if (keys[i].size == 0) keys[i].bytes.clear();
      all_keys.add(keys[i].bytes);
      all_values.add(values[i].bytes);
      legal &= !keys[i].bytes.empty() && keys[i].bytes.size() <= CACHECHAIN_MAX_KEY_SIZE;
    }
    const bool twisted = input_.pick(8) == 0 && keys.size() > 1;
    if (twisted) {
      std::vector<uint64_t> &offsets = sets && input_.coin() ? all_values.offsets : all_keys.offsets;
      offsets[1] = offsets.back() + 1 + input_.byte();
      legal = false;
    }
    return sets ? cachechain_set_many_packed(chain.handle, options, all_keys.bytes.data(), all_keys.offsets.data(),
                                             all_values.bytes.data(), all_values.offsets.data(), keys.size(),
                                             batch.out(), error.out())
                : cachechain_delete_many_packed(chain.handle, options, all_keys.bytes.data(), all_keys.offsets.data(),
                                                keys.size(), batch.out(), error.out());
  }

  void invalidate() {
    Chain &chain = any_chain();
    const Key key = make_key(input_);
    const Options<cachechain_put_options> options(input_, put_wish());
    Error error(input_);
    Output<cachechain_write> write;
    const int32_t status =
        cachechain_invalidate(chain.handle, options.get(), key.data, key.size, write.out(), error.out());
    error.check(status);
    check_refusals(chain, key, status);
    if (status < 0 && changed_nothing(status)) write.check_zero();
    if (!key.legal() || chain.handle == nullptr) return;
    if (status >= 0) check_version(write.get());
    if (chain.config->truth || changed_nothing(status)) return;  // the truth still has what it had
    Known &known = chain.known[key.bytes];
    known.certain = false;
    if (status < 0) return;
    overtake(chain, key.bytes);
    known.possible.clear();
  }

  void touch() {
    Chain &chain = any_chain();
    const Key key = make_key(input_);
    const cachechain_put_options wish = put_wish();
    const Options<cachechain_put_options> options(input_, wish);
    Error error(input_);
    Output<cachechain_write> write;
    const int32_t status = cachechain_touch(chain.handle, options.get(), key.data, key.size, write.out(), error.out());
    error.check(status);
    check_refusals(chain, key, status);
    if (status != CACHECHAIN_OK && changed_nothing(status)) write.check_zero();
    if (!key.legal() || chain.handle == nullptr || changed_nothing(status)) return;
    Known &known = chain.known[key.bytes];
    if (status == CACHECHAIN_OK) {
      CHECK(!known.possible.empty());
      check_version(write.get());
      overtake(chain, key.bytes);
      known.certain = chain.config->roomy && asks_for_no_life(options, wish);
    } else if (status > 0) {
      CHECK(status == (chain.config->truth ? CACHECHAIN_NOT_FOUND : CACHECHAIN_MISS));
      CHECK(!known.certain);
      write.check_zero();
    } else if (status != CACHECHAIN_DEADLINE) {
      known.certain = false;
    }
  }

  void reject() {
    Chain &chain = any_chain();
    const Key key = make_key(input_);
    const Options<cachechain_put_options> options(input_, put_wish());
    const uint64_t version = input_.pick(4) != 0 ? last_version_ : static_cast<uint64_t>(wild_number(input_));
    Error error(input_);
    const int32_t status = cachechain_reject(chain.handle, options.get(), key.data, key.size, version, error.out());
    error.check(status);
    check_refusals(chain, key, status);
    if (version == 0 || version >> 63 != 0) CHECK(status < 0);
    if (!key.legal() || chain.handle == nullptr || changed_nothing(status)) return;
    // It may have been that version, and the truth keeps even that.
    if (!chain.config->truth) chain.known[key.bytes].certain = false;
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

  void get() {
    Chain &chain = any_chain();
    const Key key = make_key(input_);
    const cachechain_get_options wish = get_wish();
    const Options<cachechain_get_options> options(input_, wish);
    Bytes buffer = make_buffer();
    const bool no_buffer = input_.pick(16) == 0;
    Error error(input_);
    Output<cachechain_value> value;
    const int32_t status = cachechain_get(chain.handle, options.get(), key.data, key.size,
                                          no_buffer ? nullptr : buffer.data(), buffer.size(), value.out(), error.out());
    error.check(status);
    if (status < 0) value.check_zero();
    if (no_buffer && !buffer.empty()) CHECK(status < 0);
    if (options.must_be_refused()) CHECK(status < 0);
    const bool plain = options.is_null() && !(no_buffer && !buffer.empty());
    const Bytes content = status < 0 ? Bytes() : copy_of(value.get());
    check_read(chain, key, plain, !options.is_null() && wish.min_version != 0, status, value.get(), &content);
    if (status >= 0) keep(value, buffer, content);
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

  void load() {
    Chain &chain = any_chain();
    const Key key = make_key(input_);
    // Who waits for a lease that is out here waits in vain, so he does not wait long.
    const bool may_wait = leases_out_[chain.family] != 0;
    cachechain_get_options wish = get_wish();
    const Options<cachechain_get_options> wild(input_, wish);
    static constexpr int64_t kTimeouts[] = {1, 20'000, 500'000, -1};
    const int64_t timeout_ns = kTimeouts[input_.pick(std::size(kTimeouts))];
    if (may_wait) {
      wish.struct_size = sizeof(wish);
      wish.timeout_ns = timeout_ns;
    }
    const cachechain_get_options *options = may_wait ? &wish : wild.get();
    Bytes buffer = make_buffer();
    const bool no_buffer = input_.pick(16) == 0 && !buffer.empty();
    Error error(input_);
    Output<cachechain_value> value;
    Output<cachechain_lease> lease;
    const int32_t status =
        cachechain_get_load(chain.handle, options, key.data, key.size, no_buffer ? nullptr : buffer.data(),
                            buffer.size(), value.out(), lease.out(), error.out());
    error.check(status);
    if (status < 0) {
      value.check_zero();
      lease.check_zero();
    }
    if (no_buffer || (!may_wait && wild.must_be_refused())) CHECK(status < 0);
    const bool picky = options != nullptr && wish.min_version != 0;
    if (status == CACHECHAIN_LOAD_PENDING || status == CACHECHAIN_OVERLOADED) CHECK(may_wait);
    const bool no_load =
        status == CACHECHAIN_LOAD_FAILED || status == CACHECHAIN_LOAD_PENDING || status == CACHECHAIN_OVERLOADED;
    if (no_load && chain.known[key.bytes].certain) CHECK(picky);
    const Bytes content = status < 0 ? Bytes() : copy_of(value.get());
    check_read(chain, key, options == nullptr && !no_buffer && !no_load, picky, status, value.get(), &content);
    if (status < 0) return;
    keep(value, buffer, content);
    if (status == CACHECHAIN_MISS) CHECK(lease.get().id != 0);
    if (lease.get().id == 0) return lease.check_zero();
    keep_lease(chain, key, lease.get(), may_wait);
  }

  void keep_lease(Chain &chain, const Key &key, const cachechain_lease &lease, bool may_be_side) {
    CHECK(lease.version != 0 && lease.version >> 63 == 0 && lease.expires_ms > 0);
    CHECK((lease.flags & ~CACHECHAIN_LEASE_SIDE) == 0 && lease.reserved == 0);
    if (lease.flags != 0) CHECK(may_be_side);
    ++leases_out_[chain.family];
    leases_.push_back({lease, chain.birth, key.bytes, false, false});
    if (leases_.size() > 16) leases_.pop_front();
  }

  // Keys as they are handed in, in slices and packed, mostly legal ones.
  struct Keys {
    std::vector<Key> keys;
    std::vector<cachechain_slice> slices;
    Bytes bytes;
    std::vector<uint64_t> offsets{0};
    bool packed = false;
    bool legal = true;
    uint64_t count = 0;
  };

  Keys make_keys() {
    static constexpr size_t kCounts[] = {0, 1, 2, 3, 5, 9};
    Keys made;
    made.packed = input_.coin();
    const size_t count = kCounts[input_.pick(std::size(kCounts))];
    for (size_t i = 0; i < count; ++i) {
      Key key = make_key(input_);
      if (made.packed && key.data != nullptr && key.size <= key.bytes.size()) {
        made.bytes.insert(made.bytes.end(), key.data, key.data + key.size);
      }
      // A packed key has no pointer of its own, and its end is where it says.
      const bool odd = made.packed && (key.data == nullptr || key.size > key.bytes.size());
      made.legal &= key.legal() && !odd;
      made.slices.push_back({key.data, key.size});
      made.offsets.push_back(odd ? made.offsets.back() - 1 : made.bytes.size());
      made.keys.push_back(std::move(key));
    }
    made.count = count;
    if (input_.pick(32) == 0) {
      made.count = input_.coin() ? UINT64_MAX : CACHECHAIN_MAX_BATCH + 1;
      made.legal = false;
    }
    return made;
  }

  void check_batch(cachechain_batch *batch, int32_t status, uint64_t count) {
    CHECK((batch != nullptr) == (status >= 0));
    CHECK(cachechain_batch_size(batch) == (batch == nullptr ? 0 : count));
    if (status >= 0) CHECK(status == CACHECHAIN_OK || status == CACHECHAIN_PARTIAL);
    uint64_t needed = 0;
    const int32_t sized = cachechain_batch_copy(batch, nullptr, nullptr, nullptr, 0, &needed);
    if (batch == nullptr) CHECK(sized == CACHECHAIN_INVALID_ARGUMENT && needed == 0);
    Output<cachechain_value> value;
    Output<cachechain_lease> lease;
    const uint64_t beyond = input_.coin() ? count : input_.number() | uint64_t{1} << 63;
    CHECK(cachechain_batch_item(batch, beyond, value.out(), lease.out()) == CACHECHAIN_INVALID_ARGUMENT);
    value.check_zero();
    lease.check_zero();
    uint64_t size = kPoison;
    CHECK(*cachechain_batch_message(batch, beyond, &size) == 0 && size == 0);
    if (batch == nullptr) return;
    std::vector<int32_t> statuses(count + 1, INT32_MIN);
    std::vector<uint64_t> offsets(count + 2, UINT64_MAX);
    Bytes bytes(needed + 1, kPoison);
    CHECK(cachechain_batch_copy(batch, statuses.data(), offsets.data(), bytes.data(), needed, &needed) == 0);
    CHECK(bytes[needed] == kPoison && statuses[count] == INT32_MIN && offsets[count + 1] == UINT64_MAX);
    CHECK(offsets[0] == 0 && offsets[count] == needed);
    for (uint64_t i = 0; i < count; ++i) {
      CHECK(cachechain_batch_item(batch, i, value.out(), nullptr) == statuses[i]);
      CHECK(value.get().release == nullptr && value.get().size == offsets[i + 1] - offsets[i]);
      CHECK(value.get().size == 0 || std::memcmp(value.get().data, &bytes[offsets[i]], value.get().size) == 0);
      if (status == CACHECHAIN_OK) CHECK(statuses[i] == CACHECHAIN_OK);
      const char *text = cachechain_batch_message(batch, i, &size);
      CHECK(std::strlen(text) == size && (size == 0 || statuses[i] < 0));
    }
  }

  // Gets, or loads, of many keys.
  void read_many() {
    Chain &chain = any_chain();
    const Keys keys = make_keys();
    const bool loads = input_.coin();
    // Who waits for a lease that is out here waits in vain, so he does not wait long.
    const bool may_wait = loads && leases_out_[chain.family] != 0;
    cachechain_get_options wish = get_wish();
    const Options<cachechain_get_options> wild(input_, wish);
    if (may_wait) {
      wish.struct_size = sizeof(wish);
      wish.timeout_ns = 20'000;
    }
    const cachechain_get_options *options = may_wait ? &wish : wild.get();
    Error error(input_);
    Output<cachechain_batch *> batch;
    const int32_t status =
        keys.packed
            ? (loads ? &cachechain_load_many_packed : &cachechain_get_many_packed)(
                  chain.handle, options, keys.bytes.data(), keys.offsets.data(), keys.count, batch.out(), error.out())
            : (loads ? &cachechain_load_many : &cachechain_get_many)(chain.handle, options, keys.slices.data(),
                                                                     keys.count, batch.out(), error.out());
    error.check(status);
    if (!keys.legal || (!may_wait && wild.must_be_refused()) || chain.handle == nullptr || chain.closed) {
      CHECK(status < 0);
    }
    if (options == nullptr && keys.legal && chain.handle != nullptr && !chain.closed) CHECK(status >= 0);
    check_batch(batch.get(), status, keys.count);
    if (status < 0) return;
    const bool picky = options != nullptr && wish.min_version != 0;
    for (size_t i = 0; i < keys.keys.size(); ++i) {
      Output<cachechain_value> value;
      Output<cachechain_lease> lease;
      const int32_t one = cachechain_batch_item(batch.get(), i, value.out(), lease.out());
      const bool no_load =
          one == CACHECHAIN_LOAD_FAILED || one == CACHECHAIN_LOAD_PENDING || one == CACHECHAIN_OVERLOADED;
      if (no_load) CHECK(loads);
      if (no_load && chain.known[keys.keys[i].bytes].certain) CHECK(picky);
      const Bytes content = one < 0 ? Bytes() : copy_of(value.get());
      check_read(chain, keys.keys[i], options == nullptr && !no_load, picky, one, value.get(), &content);
      if (lease.get().id == 0) {
        lease.check_zero();
        if (loads) CHECK(one != CACHECHAIN_MISS);
      } else {
        CHECK(loads);
        keep_lease(chain, keys.keys[i], lease.get(), may_wait);
      }
    }
    cachechain_batch_free(batch.get());
  }

  // Ends leases of any chain in one, together, whether they are its own or not.
  void fulfil_many() {
    Chain &chain = any_chain();
    std::vector<cachechain_lease> leases;
    std::vector<Lease *> own;  // NULL where it is not this chain's
    for (Lease &lease : leases_) {
      if (input_.pick(4) == 0) continue;
      leases.push_back(lease.lease);
      own.push_back(chain.handle != nullptr && lease.birth == chain.birth ? &lease : nullptr);
    }
    std::vector<Data> values;
    std::vector<cachechain_slice> slices;
    bool legal = true;
    for (size_t i = 0; i < leases.size(); ++i) {
      values.push_back(make_data());
      if (values.back().size > values.back().bytes.size() || values.back().data == nullptr) values.back() = {};
      slices.push_back({values.back().data, values.back().size});
    }
    Bytes bytes;
    std::vector<uint64_t> offsets{0};
    for (const Data &value : values) {
      bytes.insert(bytes.end(), value.bytes.begin(), value.bytes.end());
      offsets.push_back(bytes.size());
    }
    const bool packed = input_.coin();
    if (!leases.empty() && input_.pick(16) == 0) {
      legal = false;
      slices.back() = {nullptr, 1};
      offsets.back() = offsets[offsets.size() - 2] - 1;
    }
    const cachechain_put_options wish = put_wish();
    const Options<cachechain_put_options> options(input_, wish);
    Error error(input_);
    Output<cachechain_batch *> batch;
    const int32_t status =
        packed ? cachechain_fulfil_many_packed(chain.handle, leases.data(), bytes.data(), offsets.data(), leases.size(),
                                               options.get(), batch.out(), error.out())
               : cachechain_fulfil_many(chain.handle, leases.data(), slices.data(), leases.size(), options.get(),
                                        batch.out(), error.out());
    error.check(status);
    if (!legal || options.must_be_refused() || chain.handle == nullptr || chain.closed) CHECK(status < 0);
    check_batch(batch.get(), status, leases.size());
    for (size_t i = 0; i < leases.size() && status >= 0; ++i) {
      Output<cachechain_value> written;
      const int32_t one = cachechain_batch_item(batch.get(), i, written.out(), nullptr);
      if (own[i] == nullptr || own[i]->ended || own[i]->overtaken) CHECK(one == CACHECHAIN_VOID || one < 0);
      if (own[i] == nullptr) continue;
      if (one >= 0 && own[i]->lease.flags != 0) CHECK(one == CACHECHAIN_VOID);
      Known &known = chain.known[own[i]->key];
      if (one == CACHECHAIN_OK || one == CACHECHAIN_LOCAL_ONLY) {
        CHECK(written.get().version != 0);
        known.possible = {values[i].bytes};
        known.certain = chain.config->roomy && asks_for_no_life(options, wish) && one == CACHECHAIN_OK;
      } else if (one != CACHECHAIN_VOID && !changed_nothing(one)) {
        known.possible.push_back(values[i].bytes);
        known.certain = false;
      }
      if (one < 0 || own[i]->ended) continue;
      own[i]->ended = true;
      --leases_out_[chain.family];
    }
    cachechain_batch_free(batch.get());
  }

  // A lease as it is handed in: one that was granted, mostly, and mostly in its own chain.
  struct Given {
    Chain &chain;
    Lease *lease;  // NULL if it never was one of this chain
    Output<cachechain_lease> bytes;
    bool null = false;
    const cachechain_lease *get() { return null ? nullptr : bytes.out(); }
    // Whatever it answers, it must not be more than VOID.
    bool worthless() const { return lease == nullptr || lease->ended || lease->overtaken; }
  };

  Given give_lease() {
    Lease *lease = leases_.empty() ? nullptr : &leases_[input_.pick(leases_.size())];
    Chain *chain = &any_chain();
    if (lease != nullptr && input_.pick(8) != 0) {
      for (Chain &one : chains_) {
        if (one.handle != nullptr && one.birth == lease->birth) chain = &one;
      }
    }
    Given given{*chain, lease, {}};
    if (lease != nullptr) given.bytes.get() = lease->lease;
    switch (input_.pick(16)) {
      case 0:
        given.bytes = {};
        given.lease = nullptr;
        break;
      case 1:
        given.bytes.get().id = 0;
        given.lease = nullptr;
        break;
      case 2:
        given.bytes.get().id += 1 + input_.byte();
        given.lease = nullptr;
        break;
      case 3:
        given.null = true;
        given.lease = nullptr;
        break;
      default:
        break;
    }
    if (chain->handle == nullptr || (lease != nullptr && lease->birth != chain->birth)) given.lease = nullptr;
    return given;
  }

  void check_ending(const Given &given, int32_t status) {
    if (given.null || given.chain.handle == nullptr || given.chain.closed) CHECK(status < 0);
    if (status >= 0 && given.worthless()) CHECK(status == CACHECHAIN_VOID);
  }

  void note_end(const Given &given, int32_t status) {
    if (status < 0 || given.lease == nullptr || given.lease->ended) return;
    given.lease->ended = true;
    --leases_out_[given.chain.family];
  }

  void fulfil() {
    Given given = give_lease();
    const cachechain_put_options wish = put_wish();
    const Options<cachechain_put_options> options(input_, wish);
    Data value = make_data();
    Error error(input_);
    Output<cachechain_write> write;
    const int32_t status = cachechain_lease_fulfil(given.chain.handle, given.get(), options.get(), value.data,
                                                   value.size, write.out(), error.out());
    error.check(status);
    check_ending(given, status);
    if (options.must_be_refused()) CHECK(status < 0);
    // A value that only claims to be large is looked at last.
    if (!value.legal()) CHECK(status < 0 || (status == CACHECHAIN_VOID && value.size == UINT32_MAX));
    if (status == CACHECHAIN_VOID || (status < 0 && changed_nothing(status))) write.check_zero();
    if (status >= 0 && given.lease != nullptr && given.lease->lease.flags != 0) CHECK(status == CACHECHAIN_VOID);
    if (given.lease != nullptr && status != CACHECHAIN_VOID && !changed_nothing(status)) {
      Known &known = given.chain.known[given.lease->key];
      if (status >= 0) {
        CHECK(status == CACHECHAIN_OK || status == CACHECHAIN_LOCAL_ONLY);
        check_version(write.get());
        known.possible = {std::move(value.bytes)};
        known.certain = given.chain.config->roomy && asks_for_no_life(options, wish) && status == CACHECHAIN_OK;
      } else {
        known.possible.push_back(std::move(value.bytes));
        known.certain = false;
      }
    }
    note_end(given, status);
  }

  void end_lease() {
    Given given = give_lease();
    Error error(input_);
    const int64_t span_ms = wild_number(input_);
    int32_t status;
    switch (input_.pick(5)) {
      case 0:
        status = cachechain_lease_absent(given.chain.handle, given.get(), span_ms, error.out());
        if (status == CACHECHAIN_OK && given.lease != nullptr && !given.chain.config->truth) {
          CHECK(given.lease->lease.flags == 0);
          given.chain.known[given.lease->key] = {};
        }
        break;
      case 1:
        status = cachechain_lease_unchanged(given.chain.handle, given.get(), span_ms, error.out());
        if (status == CACHECHAIN_OK && given.lease != nullptr) {
          CHECK(given.lease->lease.seen_version != 0 && !given.chain.known[given.lease->key].possible.empty());
        }
        break;
      case 2: {
        const std::span<const uint8_t> message = input_.bytes(input_.byte());
        const bool no_message = input_.pick(8) == 0;
        status = cachechain_lease_fail(given.chain.handle, given.get(), no_message ? nullptr : message.data(),
                                       message.size(), span_ms, error.out());
        if (no_message && !message.empty()) CHECK(status < 0);
        break;
      }
      case 3:
        status = cachechain_lease_abandon(given.chain.handle, given.get(), error.out());
        error.check(status);
        check_ending(given, status);
        return note_end(given, status);
      default: {
        cachechain_lease renewed = given.bytes.get();
        status = cachechain_lease_renew(given.chain.handle, given.null ? nullptr : &renewed, span_ms, error.out());
        error.check(status);
        check_ending(given, status);
        if (span_ms < 0) CHECK(status < 0);
        if (status == CACHECHAIN_OK) CHECK(renewed.expires_ms > 0);
        renewed.expires_ms = status == CACHECHAIN_OK ? given.bytes.get().expires_ms : renewed.expires_ms;
        CHECK(std::memcmp(&renewed, given.bytes.out(), sizeof(renewed)) == 0);
        return;
      }
    }
    error.check(status);
    check_ending(given, status);
    if (span_ms < 0) CHECK(status < 0);
    note_end(given, status);
  }

  void exists() {
    Chain &chain = any_chain();
    const Key key = make_key(input_);
    const cachechain_get_options wish = get_wish();
    const Options<cachechain_get_options> options(input_, wish);
    const bool wants_value = input_.pick(8) != 0;
    Error error(input_);
    Output<cachechain_value> value;
    const int32_t status = cachechain_exists(chain.handle, options.get(), key.data, key.size,
                                             wants_value ? value.out() : nullptr, error.out());
    error.check(status);
    if (!wants_value) return check_refusals(chain, key, status);
    if (status < 0) value.check_zero();
    CHECK(value.get().data == nullptr && value.get().release == nullptr && value.get().owner == nullptr);
    check_read(chain, key, options.is_null(), !options.is_null() && wish.min_version != 0, status, value.get(),
               nullptr);
  }

  // A function with a size query: asks for the size, then for the text with room to grow.
  template <class Call>
  void query(Call &&call) {
    Error error(input_);
    Output<uint64_t> needed;
    const int32_t status = call(nullptr, 0, needed.out(), error.out());
    error.check(status);
    CHECK(call(nullptr, 0, nullptr, nullptr) < 0);
    if (status != CACHECHAIN_BUFFER_TOO_SMALL) {
      CHECK(status < 0 && needed.get() == 0);
      return;
    }
    Bytes text(needed.get() + 256, kPoison);
    Output<uint64_t> size;
    CHECK(call(text.data(), 1, size.out(), nullptr) == CACHECHAIN_BUFFER_TOO_SMALL && text[0] == kPoison);
    CHECK(call(text.data(), text.size(), size.out(), nullptr) == CACHECHAIN_OK && size.get() <= text.size());
    CHECK(text[0] == '{' && text[size.get() - 1] == '}');
  }

  void describe() {
    Chain &chain = any_chain();
    if (input_.coin()) {
      return query([&](uint8_t *buf, uint64_t cap, uint64_t *needed, cachechain_error **error) {
        return cachechain_chain_stats(chain.handle, buf, cap, needed, error);
      });
    }
    const Key key = make_key(input_);
    query([&](uint8_t *buf, uint64_t cap, uint64_t *needed, cachechain_error **error) {
      return cachechain_chain_explain(chain.handle, key.data, key.size, buf, cap, needed, error);
    });
  }

  void check_config() {
    const std::span<const uint8_t> text = input_.bytes(input_.byte());
    const Config &config = kConfigs[input_.pick(std::size(kConfigs))];
    const bool own = input_.coin();
    query([&](uint8_t *buf, uint64_t cap, uint64_t *needed, cachechain_error **error) {
      return own ? cachechain_config_check(text.data(), text.size(), buf, cap, needed, error)
                 : cachechain_config_check(reinterpret_cast<const uint8_t *>(config.text.data()), config.text.size(),
                                           buf, cap, needed, error);
    });
  }

  // Calls over a queue. Whatever else is done awaits first what is under way, so that what a key may hold is known.
  struct Pending {
    uint32_t kind = 0;
    Chain *chain = nullptr;
    uint64_t birth = 0;
    uint64_t family = 0;
    Bytes key;
  };

  void async() {
    switch (input_.pick(10)) {
      case 0:
        return open_queue();
      case 1:
        return free_queue();
      case 2:
      case 3:
        return take();
      case 4:
        return cancel();
      case 5:
        return watch();
      default:
        return submit();
    }
  }

  void open_queue() {
    static constexpr uint64_t kCapacities[] = {1, 2, 3, 64, 0, (1 << 20) + 1, UINT64_MAX};
    const uint64_t capacity = kCapacities[input_.pick(std::size(kCapacities))];
    Error error(input_);
    Output<cachechain_queue *> queue;
    const int32_t status = cachechain_queue_open(capacity, queue.out(), error.out());
    error.check(status);
    CHECK((status == CACHECHAIN_OK) == (capacity >= 1 && capacity <= 64));
    CHECK((queue.get() != nullptr) == (status == CACHECHAIN_OK));
    if (queue.get() == nullptr) return;
    free_queue();
    queue_ = queue.get();
    capacity_ = capacity;
  }

  // A lease that nobody took stays out until its time.
  void free_queue() {
    for (auto &[token, one] : pending_) {
      if (one.kind == CACHECHAIN_EVENT_LOAD) ++leases_out_[one.family];
    }
    pending_.clear();
    cachechain_queue_free(queue_);
    queue_ = nullptr;
    if (input_.coin()) CHECK(cachechain_queue_fd(queue_) < 0);
  }

  void cancel() {
    cachechain_cancel *&token = tokens_[input_.pick(tokens_.size())];
    if (token == nullptr) {
      Error error(input_);
      const int32_t status = cachechain_cancel_create(&token, error.out());
      error.check(status);
      CHECK(status == CACHECHAIN_OK && token != nullptr);
    } else if (input_.coin()) {
      cachechain_cancel_fire(token);
    } else {
      cachechain_cancel_free(token);
      token = nullptr;
    }
  }

  void watch() {
    Chain &chain = any_chain();
    const uint32_t kinds = input_.byte() % 5;
    const int32_t level = static_cast<int32_t>(input_.byte() % 8) - 1;
    Error error(input_);
    const int32_t status = cachechain_queue_watch(queue_, chain.handle, kinds, level, error.out());
    error.check(status);
    const bool good = kinds < 4 && level >= CACHECHAIN_LOG_TRACE && level <= CACHECHAIN_LOG_OFF;
    CHECK((status == CACHECHAIN_OK) == (good && queue_ != nullptr && chain.handle != nullptr && !chain.closed));
  }

  void submit() {
    Chain &chain = any_chain();
    const Key key = make_key(input_);
    const uint32_t kind = CACHECHAIN_EVENT_GET + static_cast<uint32_t>(input_.pick(4));
    const uint64_t token = ++submitted_;
    const size_t which = input_.pick(tokens_.size() + 1);
    cachechain_cancel *const cancel = which == tokens_.size() ? nullptr : tokens_[which];
    Data value;
    Error error(input_);
    int32_t status;
    if (kind == CACHECHAIN_EVENT_LOAD) {
      cachechain_get_options options = get_wish();
      options.struct_size = sizeof(options);
      options.cancel = cancel;
      options.timeout_ns = 1'000'000;  // who waits for a lease that is out here waits in vain
      status = cachechain_submit_load(chain.handle, &options, key.data, key.size, queue_, token, error.out());
    } else if (kind == CACHECHAIN_EVENT_GET) {
      cachechain_get_options wish = get_wish();
      wish.cancel = cancel;
      const Options<cachechain_get_options> options(input_, wish);
      status = cachechain_submit_get(chain.handle, options.get(), key.data, key.size, queue_, token, error.out());
      if (options.must_be_refused()) CHECK(status < 0);
    } else {
      cachechain_put_options wish = put_wish();
      wish.cancel = cancel;
      const Options<cachechain_put_options> options(input_, wish);
      if (kind == CACHECHAIN_EVENT_SET) value = make_data();
      status = kind == CACHECHAIN_EVENT_SET ? cachechain_submit_set(chain.handle, options.get(), key.data, key.size,
                                                                    value.data, value.size, queue_, token, error.out())
                                            : cachechain_submit_delete(chain.handle, options.get(), key.data, key.size,
                                                                       queue_, token, error.out());
      if (options.must_be_refused() || !value.legal()) CHECK(status < 0);
    }
    error.check(status);
    check_refusals(chain, key, status);
    if (queue_ == nullptr || pending_.size() == capacity_) CHECK(status < 0);
    if (status < 0) return;
    CHECK(status == CACHECHAIN_OK);
    pending_[token] = {kind, &chain, chain.birth, chain.family, key.bytes};
    if (kind == CACHECHAIN_EVENT_GET || kind == CACHECHAIN_EVENT_LOAD) return;
    Known &known = chain.known[key.bytes];
    known.certain = false;
    if (kind == CACHECHAIN_EVENT_SET) known.possible.push_back(std::move(value.bytes));
    overtake(chain, key.bytes);
  }

  void take() {
    const int64_t timeout_ns = pending_.empty() ? static_cast<int64_t>(input_.byte()) - 10 : CACHECHAIN_TIMEOUT_NONE;
    take(timeout_ns, input_.byte() % 8);
  }
  void take(int64_t timeout_ns, uint64_t cap) {
    std::vector<cachechain_event> events(cap);
    Error error(input_);
    Output<uint64_t> count;
    const int32_t status = cachechain_queue_wait(queue_, timeout_ns, events.data(), cap, count.out(), error.out());
    error.check(status);
    CHECK((status == CACHECHAIN_OK) == (queue_ != nullptr && timeout_ns >= 0 && cap != 0));
    CHECK(count.get() <= cap && (status == CACHECHAIN_OK || count.get() == 0));
    for (uint64_t i = 0; i < count.get(); ++i) settle(events[i]);
  }
  void await_all() {
    while (!pending_.empty()) take(CACHECHAIN_TIMEOUT_NONE, 8);
  }

  void settle(cachechain_event &event) {
    const bool told = event.kind == CACHECHAIN_EVENT_LAYER || event.kind == CACHECHAIN_EVENT_LOG;
    if (!told) {
      CHECK((event.error != nullptr) == (event.status < 0));
      CHECK(cachechain_error_status(event.error) == (event.status < 0 ? event.status : CACHECHAIN_OK));
      settle_call(event);
    }
    cachechain_value_release(&event.value);
    cachechain_error_free(event.error);
  }

  void settle_call(cachechain_event &event) {
    const auto found = pending_.find(event.token);
    CHECK(found != pending_.end());
    const Pending one = std::move(found->second);
    pending_.erase(found);
    CHECK(event.kind == one.kind);
    const bool reads = one.kind == CACHECHAIN_EVENT_GET || one.kind == CACHECHAIN_EVENT_LOAD;
    const bool hit = reads && (event.status == CACHECHAIN_OK || event.status == CACHECHAIN_STALE);
    if (!hit) CHECK(event.value.data == nullptr && event.value.size == 0 && event.value.release == nullptr);
    if (!reads) CHECK((event.write.version != 0) == (event.status >= 0));
    CHECK(event.lease.id == 0 || (one.kind == CACHECHAIN_EVENT_LOAD && event.status >= 0));
    Chain &chain = *one.chain;
    if (chain.birth != one.birth) {
      if (event.lease.id != 0) ++leases_out_[one.family];
      return;
    }
    if (hit) {
      const std::vector<Bytes> &possible = chain.known[one.key].possible;
      CHECK(std::find(possible.begin(), possible.end(), copy_of(event.value)) != possible.end());
    }
    if (event.lease.id != 0) (void)cachechain_lease_abandon(chain.handle, &event.lease, nullptr);
  }

  void release() {
    if (held_.empty()) return cachechain_value_release(nullptr);
    Held held = std::move(held_.front());
    held_.pop_front();
    CHECK(copy_of(held.value) == held.expected);
    cachechain_value_release(&held.value);
    const cachechain_value zero{};
    CHECK(std::memcmp(&held.value, &zero, sizeof(zero)) == 0);
    cachechain_value_release(&held.value);
  }

  void versions() {
    const int32_t status = static_cast<int32_t>(input_.number());
    CHECK(cachechain_status_name(status) != nullptr && cachechain_version() != nullptr);
    CHECK(cachechain_abi_check(CACHECHAIN_ABI_MAJOR, CACHECHAIN_ABI_MINOR) == CACHECHAIN_OK);
    CHECK(cachechain_abi_check(CACHECHAIN_ABI_MAJOR + 1, 0) == CACHECHAIN_UNSUPPORTED);
    CHECK(cachechain_service(nullptr) == nullptr && cachechain_service("") == nullptr);
    cachechain_error_free(nullptr);
    cachechain_chain_free(nullptr);
  }

  Input input_;
  std::array<Chain, 3> chains_;
  std::deque<Held> held_;
  std::deque<Lease> leases_;
  cachechain_queue *queue_ = nullptr;
  uint64_t capacity_ = 0;
  std::map<uint64_t, Pending> pending_;  // by token
  std::array<cachechain_cancel *, 2> tokens_{};
  uint64_t submitted_ = 0;
  std::set<std::pair<uint64_t, Bytes>> spaces_;  // by family and name
  std::map<uint64_t, uint64_t> leases_out_;      // by family, at most; while there are none, no call waits for a load
  uint64_t births_ = 0;
  uint64_t sets_ = 0;
  uint64_t last_version_ = 0;
};

}  // namespace
}  // namespace cachechain

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  cachechain::Machine(data, size).run();
  return 0;
}
