#include "key/debts.h"

#include <algorithm>
#include <new>
#include <utility>

namespace cachechain {

Debts::Id Debts::id_of(const cachechain_key &key) {
  return {key.space, key.hash, std::string(reinterpret_cast<const char *>(key.data), key.size)};
}

size_t Debts::size() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return debts_.size();
}

void Debts::tell() { any_.store(overdue() || !debts_.empty(), std::memory_order_relaxed); }

int64_t Debts::last_added_ms() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return last_added_ms_;
}

void Debts::add(const cachechain_key &key, const Debt &debt, int64_t now_ms) {
  std::lock_guard<std::mutex> lock(mutex_);
  ++turn_;
  last_added_ms_ = now_ms;
  try {
    const Id id = id_of(key);
    const auto known = debts_.find(id);
    if (known != debts_.end()) {
      Debt &owed = known->second;
      const bool always = owed.always || debt.always;
      if (debt.version > owed.version) owed = debt;
      owed.always = always;
      owed.turn = turn_;
    } else if (debts_.size() < most_keys_) {
      debts_.emplace(id, debt).first->second.turn = turn_;
    } else {
      lose(key.space->id, debt.version);
    }
  } catch (const std::bad_alloc &) {
    lose(key.space->id, debt.version);
  }
  tell();
}

std::optional<Debt> Debts::find(const cachechain_key &key) const {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto known = debts_.find(id_of(key));
  if (known == debts_.end()) return std::nullopt;
  return known->second;
}

void Debts::settle(const cachechain_key &key, const Debt &debt) {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto known = debts_.find(id_of(key));
  if (known == debts_.end() || known->second.turn != debt.turn) return;
  debts_.erase(known);
  tell();
}

uint64_t Debts::turn() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return turn_;
}

void Debts::settle_all(uint64_t turn) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (turn != turn_) return;  // something was added while the layer was emptied: it must be emptied once more
  debts_.clear();
  lost_.fill(0);
  overdue_.store(false, std::memory_order_relaxed);
  tell();
}

void Debts::lose(uint32_t space, uint64_t version) {
  overdue_.store(true, std::memory_order_relaxed);
  uint64_t &newest = lost_[space % kMostSpaces];
  newest = std::max(newest, version);
}

void Debts::forgive(uint32_t space, uint64_t cleared) {
  if (!overdue()) return;
  std::lock_guard<std::mutex> lock(mutex_);
  uint64_t &newest = lost_[space % kMostSpaces];
  if (newest <= cleared) newest = 0;
  if (std::any_of(lost_.begin(), lost_.end(), [](uint64_t version) { return version != 0; })) return;
  overdue_.store(false, std::memory_order_relaxed);
  tell();
}

std::vector<Debts::Owed> Debts::next(size_t most) {
  std::lock_guard<std::mutex> lock(mutex_);
  std::vector<Owed> some;
  const size_t wanted = std::min(most, debts_.size());
  some.reserve(wanted);
  const size_t buckets = debts_.bucket_count();
  for (size_t i = 0; i < buckets && some.size() < wanted; ++i) {
    const size_t bucket = next_bucket_++ % buckets;
    for (auto one = debts_.cbegin(bucket); one != debts_.cend(bucket) && some.size() < wanted; ++one) {
      some.push_back({one->first.key, one->first.hash, one->first.space, one->second});
    }
  }
  return some;
}

}  // namespace cachechain
