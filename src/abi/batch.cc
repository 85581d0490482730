// Batches as C reads them.
#include "abi/batch.h"

#include <cstring>

namespace cachechain {
namespace {

int32_t item(const cachechain_batch *batch, uint64_t index, cachechain_value &value, cachechain_lease &lease) {
  if (batch == nullptr || index >= batch->answers->size()) return CACHECHAIN_INVALID_ARGUMENT;
  const Batch &answers = *batch->answers;
  value = answers.values()[index];
  value.release = nullptr;  // it is the batch's
  value.owner = nullptr;
  if (!answers.leases().empty()) lease = answers.leases()[index];
  return answers.statuses()[index];
}

int32_t copy(const Batch &answers, int32_t *statuses, uint64_t *offsets, uint8_t *buf, uint64_t cap, uint64_t &needed) {
  for (const cachechain_value &value : answers.values()) needed += value.size;
  if (buf == nullptr && cap != 0) return CACHECHAIN_INVALID_ARGUMENT;
  if (needed > cap) return CACHECHAIN_BUFFER_TOO_SMALL;
  if (statuses != nullptr && answers.size() != 0) {
    std::memcpy(statuses, answers.statuses().data(), answers.statuses().size_bytes());
  }
  uint64_t end = 0;
  if (offsets != nullptr) *offsets++ = 0;
  for (const cachechain_value &value : answers.values()) {
    if (value.size != 0) {
      std::memcpy(buf + end, value.data, value.size);
      end += value.size;
    }
    if (offsets != nullptr) *offsets++ = end;
  }
  return CACHECHAIN_OK;
}

}  // namespace
}  // namespace cachechain

extern "C" {

uint64_t cachechain_batch_size(const cachechain_batch *batch) { return batch == nullptr ? 0 : batch->answers->size(); }

int32_t cachechain_batch_item(const cachechain_batch *batch, uint64_t index, cachechain_value *value,
                              cachechain_lease *lease) {
  cachechain_value found_value{};
  cachechain_lease found_lease{};
  const int32_t status = cachechain::item(batch, index, found_value, found_lease);
  if (value != nullptr) *value = found_value;
  if (lease != nullptr) *lease = found_lease;
  return status;
}

const char *cachechain_batch_message(const cachechain_batch *batch, uint64_t index, uint64_t *size) {
  std::string_view text = "";
  if (batch != nullptr && index < batch->answers->size()) text = batch->answers->message(index);
  if (size != nullptr) *size = text.size();
  return text.data();
}

int32_t cachechain_batch_copy(const cachechain_batch *batch, int32_t *statuses, uint64_t *offsets, uint8_t *buf,
                              uint64_t cap, uint64_t *needed) {
  if (needed == nullptr) return CACHECHAIN_INVALID_ARGUMENT;
  *needed = 0;
  if (batch == nullptr) return CACHECHAIN_INVALID_ARGUMENT;
  return cachechain::copy(*batch->answers, statuses, offsets, buf, cap, *needed);
}

void cachechain_batch_free(cachechain_batch *batch) { delete batch; }

}  // extern "C"
