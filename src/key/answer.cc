#include "key/answer.h"

#include <cstring>
#include <new>

namespace cachechain {

Answer *Answer::create(Allocator &allocator, int32_t status, const cachechain_value &value, const Status &failure,
                       const Seen &seen) noexcept {
  void *memory = allocator.alloc(sizeof(Answer) + value.size, alignof(Answer));
  if (memory == nullptr) return nullptr;
  auto *answer = new (memory) Answer(allocator, status, value, failure, seen);
  uint8_t *bytes = static_cast<uint8_t *>(memory) + sizeof(Answer);
  if (value.size != 0) std::memcpy(bytes, value.data, value.size);
  answer->value_.data = value.data == nullptr ? nullptr : bytes;
  answer->value_.release = nullptr;
  answer->value_.owner = nullptr;
  return answer;
}

void Answer::unref() noexcept {
  if (refs_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  Allocator &allocator = allocator_;
  const uint64_t size = sizeof(Answer) + value_.size;
  this->~Answer();
  allocator.free(this, size, alignof(Answer));
}

void Answer::hand_out(std::span<uint8_t> buffer, cachechain_value &value) {
  value = value_;
  if (value.data == nullptr || value.size == 0) return;
  if (value.size <= buffer.size()) {
    std::memcpy(buffer.data(), value_.data, value.size);
    value.data = buffer.data();
    return;
  }
  value.owner = ref();
  value.release = [](void *owner) { static_cast<Answer *>(owner)->unref(); };
}

}  // namespace cachechain
