// Calls of whole chains: open, close, namespaces, clear, and what can be asked about them.
#ifndef CACHECHAIN_TESTS_FUZZ_API_CHAINS_H_
#define CACHECHAIN_TESTS_FUZZ_API_CHAINS_H_

#include <set>
#include <string_view>
#include <utility>

#include "fuzz/api_model.h"

namespace cachechain::api_fuzz {

class Chains : public Model {
 protected:
  using Model::Model;

  static void ignore_log(void *context, int32_t level, const uint8_t *text, uint64_t size) {
    CHECK(context == nullptr && level >= CACHECHAIN_LOG_TRACE && level < CACHECHAIN_LOG_OFF);
    CHECK(text != nullptr && std::find(text, text + size, '\n') == text + size);
  }

  void open() {
    Chain &chain = any_chain();
    free_chain(chain);
    const Config &config = kConfigs[input_.pick(std::size(kConfigs))];
    cachechain_open_options wish{};
    wish.log = &Chains::ignore_log;
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

  void versions() {
    const int32_t status = static_cast<int32_t>(input_.number());
    CHECK(cachechain_status_name(status) != nullptr && cachechain_version() != nullptr);
    CHECK(cachechain_abi_check(CACHECHAIN_ABI_MAJOR, CACHECHAIN_ABI_MINOR) == CACHECHAIN_OK);
    CHECK(cachechain_abi_check(CACHECHAIN_ABI_MAJOR + 1, 0) == CACHECHAIN_UNSUPPORTED);
    CHECK(cachechain_service(nullptr) == nullptr && cachechain_service("") == nullptr);
    cachechain_error_free(nullptr);
    cachechain_chain_free(nullptr);
  }

  std::set<std::pair<uint64_t, Bytes>> spaces_;  // by family and name
};

}  // namespace cachechain::api_fuzz

#endif  // CACHECHAIN_TESTS_FUZZ_API_CHAINS_H_
