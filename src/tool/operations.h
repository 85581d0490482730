// Operations on a chain, in blocks, and where they come from.
#ifndef CACHECHAIN_TOOL_OPERATIONS_H_
#define CACHECHAIN_TOOL_OPERATIONS_H_

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cachechain::tool {

struct Operation {
  enum class Kind : uint8_t {
    kRequest,  // get, and on a miss set: a get-or-load
    kSet,
    kDelete
  };
  uint32_t key_begin = 0;  // in the block's keys
  uint16_t key_size = 0;
  Kind kind = Kind::kRequest;
  uint32_t value_size = 0;
  int64_t ttl_ms = 0;  // 0: the layers' own
};

// A run of operations with their keys. Reused, so that a workload of any length takes constant memory.
struct Block {
  static constexpr size_t kOperations = 1024;

  std::string keys;
  std::vector<Operation> operations;

  void clear() {
    keys.clear();
    operations.clear();
  }
  bool full() const { return operations.size() >= kOperations; }
  void add(std::string_view key, Operation operation) {
    operation.key_begin = static_cast<uint32_t>(keys.size());
    operation.key_size = static_cast<uint16_t>(key.size());
    keys.append(key);
    operations.push_back(operation);
  }
  std::string_view key(const Operation &operation) const {
    return std::string_view(keys).substr(operation.key_begin, operation.key_size);
  }
};

// fill() belongs to one thread, the rest to any.
class OperationSource {
 public:
  virtual ~OperationSource() = default;
  // Fills an empty block up to full(); one that stays empty is the end, or a failure.
  virtual void fill(Block &block) = 0;
  // Why it ended early, or "". Valid once fill() left a block empty.
  virtual std::string failure() const { return ""; }
  // How much of it is handed out, 0 to 1; negative if that cannot be known.
  virtual double share_done() const = 0;
  // Ends it: a fill() that waits for input returns within a moment.
  void stop() { stopped_.store(true, std::memory_order_relaxed); }

 protected:
  bool stopped() const { return stopped_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> stopped_{false};
};

}  // namespace cachechain::tool

#endif  // CACHECHAIN_TOOL_OPERATIONS_H_
