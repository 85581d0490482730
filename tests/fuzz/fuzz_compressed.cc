// Any stored bytes under any codec are a value or CORRUPT, and nothing of them stays behind; what was compressed comes
// back; a frame that was changed gives at most as much as it claims. The input is read twice: as what lies in a store,
// as it is and behind the head of a frame (so that the blocks are reached), and as a value to be put.
#include <algorithm>
#include <string>
#include <vector>

#include "fuzz/check.h"
#include "fuzz/input.h"
#include "plugin/compress_layer.h"
#include "support/counting_allocator.h"
#include "support/fake_layer.h"

namespace cachechain {
namespace {

constexpr uint64_t kMost = 1 << 16;
constexpr uint32_t kZstd = CACHECHAIN_CODEC_ZSTD << 8;

const cachechain_key kKey = {reinterpret_cast<const uint8_t *>("k"), 1, 0, nullptr};

struct Store {
  explicit Store(const CompressRule &rule)
      : fake(new FakeLayer("L2", kFakeShared)), layer(std::unique_ptr<Layer>(fake), rule, allocator, Clock::system()) {}
  ~Store() { CHECK(allocator.live == 0); }

  // The status, and what was found.
  int32_t get(size_t cap, std::string &found) {
    std::vector<uint8_t> buffer(cap);
    cachechain_report report{};
    const cachechain_call call = {sizeof call, 0, 0, 0, nullptr, &report, nullptr, nullptr, 0};
    cachechain_value value{};
    const int32_t status = layer.get(call, kKey, buffer, value);
    CHECK(status == CACHECHAIN_OK || status == CACHECHAIN_CORRUPT);
    if (status == CACHECHAIN_CORRUPT) {
      CHECK(value.data == nullptr && value.size == 0 && value.release == nullptr && report.size != 0);
      return status;
    }
    CHECK((value.flags & CACHECHAIN_FLAG_CODEC_MASK) == 0 && value.version == 5);
    CHECK(value.size == 0 || (value.size <= cap) == (value.data == buffer.data()));
    found.assign(reinterpret_cast<const char *>(value.data), value.size);
    if (value.release != nullptr) value.release(value.owner);
    return status;
  }

  CountingAllocator allocator;
  FakeLayer *fake;
  CompressLayer layer;
};

void read_anything(std::string stored, uint32_t flags, size_t cap) {
  Store store({0, 3, kMost});
  const std::string plain = stored;
  store.fake->entries["k"] = {std::move(stored), 5, 0, 0, 0, flags};
  std::string found;
  const int32_t status = store.get(cap, found);
  std::string again;
  CHECK(store.get(0, again) == status && again == found);
  if (status != CACHECHAIN_OK) return;
  const bool compressed = (flags & CACHECHAIN_FLAG_CODEC_MASK) != 0 && (flags & CACHECHAIN_FLAG_KIND_MASK) == 0;
  CHECK(compressed ? flags == kZstd && !found.empty() && found.size() <= kMost : found == plain);
}

// A frame of a single segment that claims `size` bytes, with these as its blocks.
std::string with_head(std::span<const uint8_t> blocks, uint32_t size) {
  std::string frame = "\x28\xb5\x2f\xfd\xa0";
  for (int i = 0; i < 4; ++i) frame += static_cast<char>(size >> (8 * i));
  return frame.append(reinterpret_cast<const char *>(blocks.data()), blocks.size());
}

void write_anything(Input input) {
  const int level = 1 + static_cast<int>(input.pick(19));
  const size_t repeats = 1 + input.pick(64);
  const uint64_t above = 1 + input.byte();
  const size_t cap = static_cast<size_t>(input.number() % (2 * kMost));
  const size_t changed_at = static_cast<size_t>(input.number());
  const uint8_t change = input.byte();
  const std::string part(reinterpret_cast<const char *>(input.rest().data()), input.rest().size());
  std::string value;
  for (size_t i = 0; i < repeats && value.size() + part.size() <= kMost; ++i) value += part;

  Store store({above, level, kMost});
  cachechain_put put{};
  put.key = &kKey;
  put.data = reinterpret_cast<const uint8_t *>(value.data());
  put.size = value.size();
  put.version = 5;
  cachechain_put_result result{};
  const cachechain_call call = {sizeof call, 0, 0, 0, nullptr, nullptr, nullptr, nullptr, 0};
  CHECK(store.layer.put(call, put, result) == CACHECHAIN_OK);
  FakeLayer::Entry &stored = store.fake->entries.at("k");
  CHECK(stored.flags == 0 ? stored.data == value : stored.data.size() < value.size() && value.size() > above);
  std::string found;
  CHECK(store.get(cap, found) == CACHECHAIN_OK && found == value);

  if (stored.flags == 0) return;
  stored.data[changed_at % stored.data.size()] ^= static_cast<char>(change);
  if (store.get(cap, found) == CACHECHAIN_OK) CHECK(found.size() <= kMost && (change != 0 || found == value));
}

}  // namespace
}  // namespace cachechain

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  using namespace cachechain;
  Input input(data, size);
  const uint32_t flags =
      input.coin() ? kZstd : static_cast<uint32_t>(input.pick(5)) | static_cast<uint32_t>(input.byte()) << 8;
  const size_t cap = static_cast<size_t>(input.number() % (2 * kMost));
  const std::span<const uint8_t> rest = input.rest();
  read_anything(std::string(rest.begin(), rest.end()), flags, cap);
  read_anything(with_head(rest, static_cast<uint32_t>(cap)), kZstd, cap);
  write_anything(input);
  return 0;
}
