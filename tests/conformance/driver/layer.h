// The table of one layer, driven as the core drives it. Whatever a slot answers is compared with the contract of
// plugin.h on every call (a value that was written past its buffer, a status that no slot may give ...), so that each
// check only looks at what it is about.
//
// Layer is one open instance. Caller is one thread's way into it: make one per thread. Both may be used after a failure
// and then do nothing. A layer without CAP_CONCURRENT is called by one Caller at a time.
#ifndef CACHECHAIN_CONFORMANCE_DRIVER_LAYER_H_
#define CACHECHAIN_CONFORMANCE_DRIVER_LAYER_H_

#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cachechain/plugin.h"
#include "driver/check.h"

namespace cachechain::conformance {

// Two namespaces of one chain, alive as long as the process.
const cachechain_space &first_space();
const cachechain_space &second_space();

// The report's text; one that says it is longer than it can be fails the check.
std::string report_text(Check &check, const cachechain_report &report);

// A key that owns its bytes.
struct Key {
  Key(std::string key_bytes, const cachechain_space &key_space = first_space());  // NOLINT: a text is a key
  Key(const char *key_text) : Key(std::string(key_text)) {}                       // NOLINT

  cachechain_key raw() const;

  std::string bytes;
  uint64_t hash;
  const cachechain_space *space;
};

struct Put {
  Key key;
  std::string data = {};
  uint64_t version = 1;
  uint64_t created = 0;  // 0: as the version
  uint64_t token = 0;
  int64_t fresh_until_ms = 0;
  int64_t expires_ms = 0;
  uint32_t flags = CACHECHAIN_KIND_VALUE;
  std::optional<uint32_t> condition = {};  // none: BUMP if the layer can, else NEWER
  uint64_t expect_version = 0;
  uint64_t expect_token = 0;
  uint64_t horizon = 0;
  uint64_t cleared = 0;
  const uint64_t *fence = nullptr;

  uint64_t created_or_version() const { return created == 0 ? version : created; }
};

struct Done {
  int32_t status = CACHECHAIN_INTERNAL;
  uint64_t version = 0;
};

// What a get answered. Owns the pin of a view.
class Got {
 public:
  Got() = default;
  Got(Got &&other) noexcept { *this = std::move(other); }
  Got &operator=(Got &&other) noexcept;
  ~Got() { release(); }

  bool hit() const { return status == CACHECHAIN_OK; }
  // The value's bytes, without the header that a store of bytes was given.
  std::string_view data() const;
  void release();

  int32_t status = CACHECHAIN_INTERNAL;
  uint64_t version = 0;
  uint64_t created = 0;
  int64_t fresh_until_ms = 0;
  int64_t expires_ms = 0;
  uint32_t flags = 0;
  bool copied = false;

 private:
  friend class Caller;
  cachechain_value value_{};
  std::vector<uint8_t> buffer_;
  uint64_t header_ = 0;
};

// What opening with these options answered; an instance that did open is closed again.
struct Refusal {
  int32_t status = CACHECHAIN_INTERNAL;
  std::string report;
  bool left_instance = false;
};
Refusal try_open(Check &check, const std::string &options);

class Layer {
 public:
  // Opens the subject. A layer that does not open fails the check.
  explicit Layer(Check &check);
  ~Layer() { close(); }
  Layer(const Layer &) = delete;
  Layer &operator=(const Layer &) = delete;

  explicit operator bool() const { return instance_ != nullptr; }
  // True if the layer is open and can all of these; else the check is skipped and says which it lacks.
  bool needs(uint64_t caps);
  bool can(uint64_t caps) const { return (info_.caps & caps) == caps; }
  // True if entries come back with their version, times and kind; else the check is skipped.
  bool needs_metadata();
  bool keeps_metadata() const { return can(CACHECHAIN_CAP_KINDS) || can(CACHECHAIN_CAP_BYTES); }

  const cachechain_layer_info &info() const { return info_; }
  uint64_t max_key_size() const { return info_.max_key_size == 0 ? CACHECHAIN_MAX_KEY_SIZE : info_.max_key_size; }
  // How much the layer stores for a value of `size` bytes.
  uint64_t stored_size(uint64_t size) const;
  // `full` repetitions for a layer that does not leave the process, fewer for others and in a quick run.
  int repeat(int full) const;

  // Tells every caller's thread_exit first. A second close does nothing.
  void close();

  Check &check() const { return check_; }

 private:
  friend class Caller;

  Check &check_;
  const cachechain_layer_api *api_ = nullptr;
  void *instance_ = nullptr;
  cachechain_layer_info info_{};
  std::mutex one_at_a_time_;
  std::mutex callers_mutex_;
  std::set<class Caller *> callers_;
};

class Caller {
 public:
  explicit Caller(Layer &layer);
  ~Caller();
  Caller(const Caller &) = delete;
  Caller &operator=(const Caller &) = delete;

  // Copies into `cap` bytes if the value fits.
  Got get(const Key &key, uint64_t cap = 0);
  // Nothing if the layer has no such slot. A batch that `may_fail` and does so as a whole has its status in each
  // answer.
  std::optional<std::vector<Got>> get_many(std::span<const Key> keys, bool may_fail = false);
  Done put(const Put &put);
  std::optional<std::vector<Done>> put_many(std::span<const Put> puts, bool may_fail = false);
  int32_t erase_many(std::span<const Key> keys);
  int32_t erase(const Key &key) { return erase_many({&key, 1}); }
  int32_t ping();
  int32_t maintain();
  int32_t sweep(const cachechain_space *space, uint64_t &removed);
  // The layer's numbers by the size query, or nothing if it has none.
  std::optional<std::string> stats();

  // The circumstances of the calls from now on.
  void set_deadline_ns(int64_t deadline_ns) { deadline_ns_ = deadline_ns; }
  void set_must_flags(uint32_t flags) { must_flags_ = flags; }

  // The text that the last failure left.
  const std::string &report() const { return report_text_; }

  // Expectations that most checks need.
  bool stores(const Put &put);
  bool finds(const Key &key, std::string_view data, std::string_view what);
  bool misses(const Key &key, std::string_view what);

 private:
  friend class Layer;

  // Runs a slot with a fresh call and looks at its report. `body` gets the table, the instance and the call.
  template <class Body>
  int32_t run(Body &&body);
  // True if the items of the batch were answered.
  bool accept_whole(int32_t status, bool may_fail, std::string_view slot);
  void accept(Got &got, uint64_t cap, std::string_view slot);
  void accept(Done &done, const cachechain_put_result &result);
  cachechain_put raw_put(const Put &put, const cachechain_key &key, std::string &wire) const;
  void leave();

  Layer &layer_;
  Check &check_;
  int64_t deadline_ns_ = 0;
  uint32_t must_flags_ = 0;
  uintptr_t word_ = 0;
  std::string report_text_;
};

}  // namespace cachechain::conformance

#endif  // CACHECHAIN_CONFORMANCE_DRIVER_LAYER_H_
