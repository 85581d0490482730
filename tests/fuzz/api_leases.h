// The endings of leases: in any order, twice, in other chains and with garbage.
#ifndef CACHECHAIN_TESTS_FUZZ_API_LEASES_H_
#define CACHECHAIN_TESTS_FUZZ_API_LEASES_H_

#include "fuzz/api_one_key.h"

namespace cachechain::api_fuzz {

class Leases : public OneKey {
 protected:
  using OneKey::OneKey;

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
};

}  // namespace cachechain::api_fuzz

#endif  // CACHECHAIN_TESTS_FUZZ_API_LEASES_H_
