// A chain of the subject, alone or under a layer of memory, through the public C functions. May be used after a failure
// and then does nothing. All functions but close() may be called by several threads.
#ifndef CACHECHAIN_CONFORMANCE_DRIVER_CHAIN_H_
#define CACHECHAIN_CONFORMANCE_DRIVER_CHAIN_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cachechain/cachechain.h"
#include "driver/check.h"

namespace cachechain::conformance {

// What cachechain_get answered. Owns the value.
class Found {
 public:
  Found() = default;
  Found(Found &&other) noexcept { *this = std::move(other); }
  Found &operator=(Found &&other) noexcept;
  ~Found() { cachechain_value_release(&value); }

  bool hit() const { return status == CACHECHAIN_OK; }
  std::string_view data() const;
  bool copied() const { return value.size > 0 && value.data == buffer_.data(); }

  int32_t status = CACHECHAIN_INTERNAL;
  cachechain_value value{};
  std::string message;

 private:
  friend class Chain;
  std::vector<uint8_t> buffer_;
};

// What a mutation answered.
struct Written {
  int32_t status = CACHECHAIN_INTERNAL;
  cachechain_write write{};
  std::string message;
};

enum class Above {
  kNothing,
  kMemory,
  kSmallMemory,  // for four entries: more keys than that are evicted all the time
};

class Chain {
 public:
  // A chain that does not open fails the check; one that finds no plugin "memory" to put above skips it. A layer with
  // CAP_PLAIN can only be the truth, so there the source is the last layer, whatever is asked for.
  explicit Chain(Check &check, Above above = Above::kNothing, std::string_view source = "application");
  ~Chain() { cachechain_chain_free(chain_); }
  Chain(const Chain &) = delete;
  Chain &operator=(const Chain &) = delete;

  explicit operator bool() const { return chain_ != nullptr; }
  // Whether the layer keeps versions and lives. One with CAP_PLAIN does not: each read of it is stamped anew.
  bool versioned() const { return versioned_; }

  Found get(std::string_view key, uint64_t cap = 0);
  Written set(std::string_view key, std::string_view data, const cachechain_put_options *options = nullptr);
  Written remove(std::string_view key);
  int32_t exists(std::string_view key, cachechain_value *value = nullptr);
  // As JSON text, "" on a failure.
  std::string stats();
  // An empty key explains the chain.
  std::string explain(std::string_view key);
  int32_t close();

  // Expectations that most checks need.
  bool sets(std::string_view key, std::string_view data);
  bool finds(std::string_view key, std::string_view data, std::string_view what);
  bool lacks(std::string_view key, std::string_view what);

 private:
  Check &check_;
  cachechain_chain *chain_ = nullptr;
  bool versioned_ = true;
};

// Options with everything at its default.
cachechain_put_options put_options();

}  // namespace cachechain::conformance

#endif  // CACHECHAIN_CONFORMANCE_DRIVER_CHAIN_H_
