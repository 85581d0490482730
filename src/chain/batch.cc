#include "chain/batch.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace cachechain {

static_assert(sizeof(Batch) % alignof(cachechain_value) == 0 &&
              sizeof(cachechain_value) % alignof(cachechain_lease) == 0);

uint64_t Batch::bytes_for(size_t count, bool with_leases) {
  const uint64_t lease_size = with_leases ? sizeof(cachechain_lease) : 0;
  return sizeof(Batch) + count * (sizeof(cachechain_value) + lease_size + sizeof(int32_t));
}

Batch::Ptr Batch::create(Allocator &allocator, size_t count, bool with_leases) noexcept {
  const uint64_t size = bytes_for(count, with_leases);
  void *memory = allocator.alloc(size, alignof(Batch));
  if (memory == nullptr) return nullptr;
  auto *bytes = static_cast<uint8_t *>(memory) + sizeof(Batch);
  std::memset(bytes, 0, size - sizeof(Batch));
  Ptr batch(new (memory) Batch(allocator, count));
  batch->values_ = reinterpret_cast<cachechain_value *>(bytes);
  bytes += count * sizeof(cachechain_value);
  if (with_leases) {
    batch->leases_ = reinterpret_cast<cachechain_lease *>(bytes);
    bytes += count * sizeof(cachechain_lease);
  }
  batch->statuses_ = reinterpret_cast<int32_t *>(bytes);
  return batch;
}

Batch::~Batch() {
  for (const cachechain_value &value : values()) {
    if (value.release != nullptr) value.release(value.owner);
  }
}

void Batch::Free::operator()(Batch *batch) const noexcept {
  Allocator &allocator = batch->allocator_;
  const uint64_t size = bytes_for(batch->count_, batch->leases_ != nullptr);
  batch->~Batch();
  allocator.free(batch, size, alignof(Batch));
}

void Batch::fail(size_t index, const Status &failure) noexcept {
  statuses_[index] = failure.code();
  if (failure.message().empty()) return;
  try {
    failures_.insert_or_assign(index, failure);
  } catch (const std::bad_alloc &) {
    failures_.erase(index);
  }
}

void Batch::repeat(size_t index, size_t of) noexcept {
  values_[index] = values_[of];
  values_[index].release = nullptr;
  values_[index].owner = nullptr;
  statuses_[index] = statuses_[of];
  if (const auto failure = failures_.find(of); failure != failures_.end()) fail(index, failure->second);
}

std::string_view Batch::message(size_t index) const {
  const auto found = failures_.find(index);
  return found == failures_.end() ? std::string_view("") : found->second.message();
}

int32_t Batch::overall() const {
  const auto all = statuses();
  return std::all_of(all.begin(), all.end(), [](int32_t status) { return status == CACHECHAIN_OK; })
             ? CACHECHAIN_OK
             : CACHECHAIN_PARTIAL;
}

}  // namespace cachechain
