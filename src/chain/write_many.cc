// Mutations of many keys: those of different keys go in lockstep, those of one key one after the other.
#include <algorithm>
#include <cstring>
#include <deque>
#include <optional>
#include <tuple>
#include <vector>

#include "chain/bars.h"
#include "chain/write_path.h"

namespace cachechain {
namespace {

struct Item {
  cachechain_key key;
  uint32_t index = 0;  // in the batch
  uint32_t turn = 0;   // so many mutations of the same key come before it
};

int compare_keys(const Item &a, const Item &b) {
  if (a.key.hash != b.key.hash) return a.key.hash < b.key.hash ? -1 : 1;
  if (a.key.size != b.key.size) return a.key.size < b.key.size ? -1 : 1;
  return std::memcmp(a.key.data, b.key.data, a.key.size);
}

// Brings them into the order in which they are carried out: round by round, each as it stands in the batch. Returns how
// many different keys there are.
size_t order_by_turn(std::vector<Item> &items) {
  std::sort(items.begin(), items.end(), [](const Item &a, const Item &b) {
    const int order = compare_keys(a, b);
    return order != 0 ? order < 0 : a.index < b.index;
  });
  size_t keys = items.empty() ? 0 : 1;
  for (size_t i = 1; i < items.size(); ++i) {
    const bool same = compare_keys(items[i - 1], items[i]) == 0;
    items[i].turn = same ? items[i - 1].turn + 1 : 0;
    keys += same ? 0 : 1;
  }
  std::sort(items.begin(), items.end(),
            [](const Item &a, const Item &b) { return std::tie(a.turn, a.index) < std::tie(b.turn, b.index); });
  return keys;
}

void answer(const Told &told, size_t index, Batch &answers) {
  if (!told.outcome.ok()) return answers.fail(index, told.outcome);
  cachechain_value &value = answers.values()[index];
  value.version = told.put.version;
  value.layer = -1;
  if (told.owed != 0) value.flags = CACHECHAIN_FLAG_DEGRADED;
}

}  // namespace

Status WritePath::mutate_many(const Caller &caller, const Slices &keys, const Slices &values, const Mutation &common,
                              Batch &answers) {
  if (Status checked = check(common); !checked.ok()) return checked;
  if (common.cancel != nullptr && common.cancel->cancelled()) return cancelled();
  const int64_t deadline_ns = core_.deadline_after(common.timeout_ns);
  std::vector<Item> items;
  items.reserve(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    if (values.size() != 0) {
      Mutation one = common;
      one.data = values[i];
      if (const Status checked = check(one); !checked.ok()) {
        answers.fail(i, checked);
        continue;
      }
    }
    items.push_back({caller.space.key(keys[i]), static_cast<uint32_t>(i), 0});
  }

  // All room that the rounds need, before anything is changed.
  const size_t widest = order_by_turn(items);
  std::vector<std::optional<Hold>> holds(widest);
  std::vector<Told> told;
  std::vector<uint32_t> indexes;
  told.reserve(widest);
  indexes.reserve(widest);
  Round round({});
  round.reserve(widest);
  std::deque<Bars> bars;
  for (const Item &item : items) {
    if (core_.queues) bars.emplace_back(core_, item.key, deadline_ns);
  }
  for (size_t next = 0; next < items.size();) {
    const uint32_t turn = items[next].turn;
    told.clear();
    indexes.clear();
    for (; next < items.size() && items[next].turn == turn; ++next) {
      const Item &item = items[next];
      Hold &hold = holds[told.size()].emplace(core_.records);
      if (hold.enter(item.key, Hold::Wish::kHold) == Hold::Entered::kNoMemory) {
        answers.fail(item.index, CACHECHAIN_NO_MEMORY);
        continue;
      }
      Told &one = told.emplace_back(common, hold);
      if (Status begun = begin(caller, one, item.key); begun.code() != CACHECHAIN_OK) {
        answers.fail(item.index, begun);
        told.pop_back();
        continue;
      }
      one.deadline_ns = deadline_ns;
      if (!bars.empty()) one.busy = bars[next].busy();
      if (values.size() != 0) {
        one.put.data = values[item.index].data();
        one.put.size = values[item.index].size();
      }
      indexes.push_back(item.index);
    }
    round.told = told;
    if (!told.empty()) carry_out(caller, round);
    for (size_t i = 0; i < told.size(); ++i) answer(told[i], indexes[i], answers);
    for (std::optional<Hold> &hold : holds) hold.reset();
  }
  return answers.overall();
}

}  // namespace cachechain
