#include "chain/travellers.h"

#include <array>
#include <cstring>

namespace cachechain {
namespace {

bool same_key(const cachechain_key &a, const cachechain_key &b) {
  return a.hash == b.hash && a.size == b.size && std::memcmp(a.data, b.data, a.size) == 0;
}

// Which of the keys so far is this one? Open addressing, less than half full.
class Places {
 public:
  explicit Places(std::span<const Placed> places) : places_(places) {}

  // The index of the first one like it.
  size_t first_like(size_t i) {
    for (size_t slot = places_[i].key.hash % kSlots;; slot = (slot + 1) % kSlots) {
      if (taken_[slot] == 0) {
        taken_[slot] = static_cast<uint16_t>(i + 1);
        return i;
      }
      const size_t other = taken_[slot] - size_t{1};
      if (same_key(places_[other].key, places_[i].key)) return other;
    }
  }

 private:
  static constexpr size_t kSlots = 2 * Travellers::kMost + 1;

  const std::span<const Placed> places_;
  std::array<uint16_t, kSlots> taken_{};  // index + 1
};

}  // namespace

Travellers::Travellers(RecordTable &records, const ReadOptions &options, std::span<const Placed> places,
                       int64_t deadline_ns) {
  Places known(places);
  for (size_t i = 0; i < places.size(); ++i) {
    const size_t first = known.first_like(i);
    if (first == i) {
      all_.emplace_back(records, options, places[i], deadline_ns);
    } else {
      again_.push_back({places[i].place, places[first].place});
    }
  }
}

}  // namespace cachechain
