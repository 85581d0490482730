// Calls of one key.
#ifndef CACHECHAIN_TESTS_FUZZ_API_ONE_KEY_H_
#define CACHECHAIN_TESTS_FUZZ_API_ONE_KEY_H_

#include "fuzz/api_chains.h"

namespace cachechain::api_fuzz {

class OneKey : public Chains {
 protected:
  using Chains::Chains;

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
};

}  // namespace cachechain::api_fuzz

#endif  // CACHECHAIN_TESTS_FUZZ_API_ONE_KEY_H_
