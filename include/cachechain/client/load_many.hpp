// get_or_load_many: one look for many keys, one call of the loader for those that it is this caller's turn to load, and
// one call that stores what it answered.
//
// A loader takes a std::span<const Bytes>, the missing keys, and answers a range with an answer for each of them in
// that order, each as a loader of one key may answer: bytes, a std::optional of bytes, a Result of either. Or a Result
// of such a range, whose Error is then the answer to every key. Keys that others were loading are looked for again
// afterwards, so the loader may be called more than once; the time-out is that of each look.
//
// What the loader throws goes on to the caller, and every load of that call counts as failed; so does what its range
// throws while it is walked. Where a value is at hand, an error is answered by that value. `refresh` of the options
// means nothing here.
#ifndef CACHECHAIN_CLIENT_LOAD_MANY_HPP_
#define CACHECHAIN_CLIENT_LOAD_MANY_HPP_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <new>
#include <numeric>
#include <ranges>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "cachechain/cachechain.h"
#include "cachechain/client/batch.hpp"
#include "cachechain/client/lease.hpp"
#include "cachechain/client/load.hpp"
#include "cachechain/client/result.hpp"
#include "cachechain/client/value.hpp"

namespace cachechain::client {

namespace internal {
template <class Loader>
class ManyLoads;
}

// The answers to get_or_load_many, in the order of the keys.
class LoadedBatch {
 public:
  // Of one key, borrowed from the LoadedBatch. The outcome may be a failure, which has a message.
  struct Answer : Loaded {
    std::string_view message;

    bool failed() const { return outcome < 0; }
  };

  size_t size() const { return answers_.size(); }
  bool empty() const { return answers_.empty(); }
  const Answer &operator[](size_t i) const { return answers_[i]; }  // REQUIRES i < size()
  auto begin() const { return answers_.begin(); }
  auto end() const { return answers_.end(); }

 private:
  template <class Loader>
  friend class internal::ManyLoads;

  // What the answers show is theirs, a batch's or an error's.
  std::vector<Answer> answers_;
  std::vector<Batch> batches_;
  std::deque<Error> errors_;
};

namespace internal {

// One call of get_or_load_many.
template <class Loader>
class ManyLoads {
 public:
  ManyLoads(cachechain_chain *chain, Loader &loader, const LoadOptions &options)
      : chain_(chain), loader_(loader), options_(options) {}

  template <KeyRange Keys>
  Result<LoadedBatch> run(Keys &keys) {
    try {
      keys_ = slices(keys);
      answer_.answers_.resize(keys_.size());
      std::vector<size_t> open(keys_.size());
      std::iota(open.begin(), open.end(), size_t{0});
      // A round that leaves a key open has loaded another, so this ends.
      do {
        Result<std::vector<size_t>> left = look(open);
        if (!left) return std::move(left).error();
        open = *std::move(left);
      } while (!open.empty());
      return std::move(answer_);
    } catch (const std::bad_alloc &) {
      if (loader_threw_) throw;
      return Error(CACHECHAIN_NO_MEMORY, nullptr);
    }
  }

 private:
  // Answers the keys that are to be looked for again: others loaded them while this call had loads of its own.
  Result<std::vector<size_t>> look(const std::vector<size_t> &open) {
    std::vector<cachechain_slice> keys;
    for (size_t at : open) keys.push_back(keys_[at]);
    Result<LeasedBatch> found =
        load_many(chain_, keys, get_options(options_.timeout, options_.min_version, options_.cancel, options_.trace));
    if (!found) return std::move(found).error();
    const bool loads = std::ranges::any_of(found->leases, &Lease::held);
    std::vector<size_t> again;
    turns_.clear();
    leases_.clear();
    for (size_t i = 0; i < open.size(); ++i) {
      Item item = (*found)[i];
      if (loads && (item.outcome == CACHECHAIN_LOAD_PENDING || item.outcome == CACHECHAIN_OVERLOADED)) {
        again.push_back(open[i]);
        continue;
      }
      LoadedBatch::Answer &answer = answer_.answers_[open[i]];
      answer.outcome = item.outcome;
      answer.value = std::move(item.value);
      answer.message = item.message;
      if (!found->leases[i]) continue;
      turns_.push_back(open[i]);
      leases_.push_back(std::move(found->leases[i]));
    }
    answer_.batches_.push_back(std::move(*found));
    if (loads) load();
    return again;
  }

  void load() {
    std::vector<Bytes> missing;
    for (size_t at : turns_) missing.emplace_back(keys_[at].data, static_cast<size_t>(keys_[at].size));
    try {
      settle(std::invoke(loader_, std::span<const Bytes>(missing)));
    } catch (const std::exception &thrown) {
      fail_all(thrown.what());
      throw;
    } catch (...) {
      fail_all("the loader threw what is no std::exception");
      throw;
    }
  }

  void fail_all(std::string_view text) {
    loader_threw_ = true;
    for (Lease &lease : leases_) (void)lease.fail(text, options_.hold_off);
  }

  template <class Given>
  void settle(Given &&given) {
    if constexpr (std::ranges::input_range<Given>) {
      size_t at = 0;
      for (auto &&each : given) {
        if (at == turns_.size()) break;
        // A container that was handed over owns its elements; a view's are somebody else's.
        if constexpr (std::is_lvalue_reference_v<Given> || std::ranges::view<Given>) {
          take(at++, std::forward<decltype(each)>(each));
        } else {
          take(at++, std::move(each));
        }
      }
      while (at < turns_.size()) {
        refuse(at++, Error(CACHECHAIN_LOAD_FAILED, "the loader answered for fewer keys than it was asked for"));
      }
      store();
    } else {
      static_assert(ExpectedLike<std::remove_cvref_t<Given>>,
                    "a loader of many keys answers a range, or a Result of one");
      if (static_cast<bool>(given)) return settle(*std::forward<Given>(given));
      const Error error = take_error(std::forward<Given>(given));
      for (size_t at = 0; at < turns_.size(); ++at) refuse(at, Error(error.status(), error.message()));
    }
  }

  // What was loaded waits for store(); everything else ends its lease here.
  template <class Given>
  void take(size_t at, Given &&given) {
    using Plain = std::remove_cvref_t<Given>;
    if constexpr (BytesLike<Plain>) {
      Result<cachechain_value> kept = keep(std::forward<Given>(given));
      if (!kept) return refuse(at, std::move(kept).error());
      kept->version = kept->created = leases_[at].version();
      put(at, Loaded{{CACHECHAIN_OK, Value(*kept)}, true, CACHECHAIN_OK});
      loaded_.push_back(at);
    } else if constexpr (OptionalLike<Plain>) {
      if (given.has_value()) return take(at, *std::forward<Given>(given));
      const Result<int32_t> remembered = leases_[at].absent(options_.absent_ttl);
      put(at, Loaded{{CACHECHAIN_NOT_FOUND, Value()}, true, remembered ? *remembered : remembered.error().status()});
    } else {
      static_assert(ExpectedLike<Plain>, "the answer for a key is bytes, an optional of bytes, or a Result of either");
      if (static_cast<bool>(given)) return take(at, *std::forward<Given>(given));
      refuse(at, take_error(std::forward<Given>(given)));
    }
  }

  void refuse(size_t at, Error error) {
    (void)leases_[at].fail(error.message(), options_.hold_off);
    if (answer_.answers_[turns_[at]].hit()) return;
    const Error &kept = answer_.errors_.emplace_back(std::move(error));
    put(at, Loaded{{kept.status(), Value()}, false, CACHECHAIN_OK}, kept.message());
  }

  void put(size_t at, Loaded loaded, std::string_view message = {}) {
    LoadedBatch::Answer &answer = answer_.answers_[turns_[at]];
    static_cast<Loaded &>(answer) = std::move(loaded);
    answer.message = message;
  }

  void store() {
    std::vector<Lease> leases;
    std::vector<cachechain_slice> values;
    for (size_t at : loaded_) {
      leases.push_back(std::move(leases_[at]));
      const Value &value = answer_.answers_[turns_[at]].value;
      values.push_back({value.raw().data, value.size()});
    }
    const Result<Batch> stored = fulfil_many(chain_, leases, values, {options_.ttl, options_.fresh});
    for (size_t i = 0; i < loaded_.size(); ++i) {
      answer_.answers_[turns_[loaded_[i]]].stored = stored ? (*stored)[i].outcome : stored.error().status();
    }
    loaded_.clear();
  }

  cachechain_chain *chain_;
  Loader &loader_;
  const LoadOptions &options_;
  std::vector<cachechain_slice> keys_;
  std::vector<size_t> turns_;   // keys of this round that are to be loaded
  std::vector<Lease> leases_;   // of these
  std::vector<size_t> loaded_;  // which of these have a value
  bool loader_threw_ = false;
  LoadedBatch answer_;
};

template <KeyRange Keys, class Loader>
Result<LoadedBatch> get_or_load_many(cachechain_chain *chain, Keys &keys, Loader &loader, const LoadOptions &options) {
  if (!lives_are_right(options)) return wrong_lives();
  return ManyLoads<Loader>(chain, loader, options).run(keys);
}

}  // namespace internal

}  // namespace cachechain::client

#endif  // CACHECHAIN_CLIENT_LOAD_MANY_HPP_
