// Calls of many keys, in slices and packed.
#ifndef CACHECHAIN_TESTS_FUZZ_API_MANY_H_
#define CACHECHAIN_TESTS_FUZZ_API_MANY_H_

#include "fuzz/api_leases.h"

namespace cachechain::api_fuzz {

class Many : public Leases {
 protected:
  using Leases::Leases;

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
};

}  // namespace cachechain::api_fuzz

#endif  // CACHECHAIN_TESTS_FUZZ_API_MANY_H_
