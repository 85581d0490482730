// Debts: what one layer owes to keys that a mutation could not reach in it. A debt is the repair itself: the mark that
// must still be put there. One per key, the newest; until it is settled, what the layer holds of the key is not
// believed. Thread-safe; without debts, asking costs one relaxed load.
//
// The number of keys is bounded. Past the bound, or without memory, single debts are no longer kept and the whole layer
// is overdue: nothing that it holds is believed until it was emptied.
#ifndef CACHECHAIN_KEY_DEBTS_H_
#define CACHECHAIN_KEY_DEBTS_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "cachechain/plugin.h"

namespace cachechain {

struct Debt {
  uint64_t version = 0;
  uint64_t created = 0;
  uint32_t kind = 0;    // of the mark: a tombstone or an invalidation
  bool always = false;  // the mark is put whatever is stored, and nothing stored is believed before
  uint64_t turn = 0;    // when it was last added to; the debts' own
};

class Debts {
 public:
  static constexpr size_t kMostKeys = 65'536;
  static constexpr uint32_t kMostSpaces = 1'024;

  explicit Debts(size_t most_keys = kMostKeys) : most_keys_(most_keys) {}
  Debts(const Debts &) = delete;
  Debts &operator=(const Debts &) = delete;

  // Whether anything is owed at all.
  bool any() const { return any_.load(std::memory_order_relaxed); }
  bool overdue() const { return overdue_.load(std::memory_order_relaxed); }
  size_t size() const;

  // `now_ms` on the wall.
  void add(const cachechain_key &key, const Debt &debt, int64_t now_ms);
  int64_t last_added_ms() const;
  std::optional<Debt> find(const cachechain_key &key) const;
  // The mark of this debt was put. One that was added to since stays.
  void settle(const cachechain_key &key, const Debt &debt);
  // The layer was emptied, and what was owed before `turn` with it.
  uint64_t turn() const;
  void settle_all(uint64_t turn);
  // Of that namespace nothing counts that is not newer than `cleared`. If all that single debts are missing for is so
  // void, the layer is no longer overdue.
  void forgive(uint32_t space, uint64_t cleared);

  // Some keys that are owed to, as bytes of their own. Different ones in turn.
  struct Owed {
    std::string key;
    uint64_t hash = 0;
    const cachechain_space *space = nullptr;
    Debt debt;

    cachechain_key raw() const { return {reinterpret_cast<const uint8_t *>(key.data()), key.size(), hash, space}; }
  };
  std::vector<Owed> next(size_t most);

 private:
  struct Id {
    const cachechain_space *space;
    uint64_t hash;
    std::string key;
    bool operator==(const Id &other) const {
      return hash == other.hash && space->id == other.space->id && key == other.key;
    }
  };
  struct IdHash {
    size_t operator()(const Id &id) const { return id.hash; }
  };
  static Id id_of(const cachechain_key &key);
  void tell();
  // A debt that is not kept. Needs no memory.
  void lose(uint32_t space, uint64_t version);

  const size_t most_keys_;
  std::atomic<bool> any_{false};
  std::atomic<bool> overdue_{false};
  mutable std::mutex mutex_;
  std::unordered_map<Id, Debt, IdHash> debts_;
  uint64_t turn_ = 0;  // of additions
  int64_t last_added_ms_ = 0;
  size_t next_bucket_ = 0;
  std::array<uint64_t, kMostSpaces> lost_{};  // of each namespace the newest debt that is not kept
};

}  // namespace cachechain

#endif  // CACHECHAIN_KEY_DEBTS_H_
