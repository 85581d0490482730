// RecordTable: the records of the keys that something is under way for, in stripes with a lock each. A record is made
// when the first call needs it and is gone when nobody does. Thread-safe; no plugin is ever called under a stripe's
// lock, and nothing waits under it but by its condition.
//
// Calls take part through a Hold. The table knows what outlives calls: leases that are out and loads that failed; those
// end by time when a later call passes by.
#ifndef CACHECHAIN_KEY_RECORD_TABLE_H_
#define CACHECHAIN_KEY_RECORD_TABLE_H_

#include <cstdint>
#include <memory>
#include <mutex>

#include "base/allocator.h"
#include "base/clock.h"
#include "base/random.h"
#include "entry/stamp.h"
#include "key/loads.h"
#include "key/record.h"

namespace cachechain {

class RecordTable {
 public:
  // All of these outlive the table, and the allocator every answer that it gave out.
  struct Parts {
    Clock &clock;
    Random &random;
    Allocator &allocator;
    StampClock &stamps;
    Loads &loads;
  };

  explicit RecordTable(const Parts &parts);
  ~RecordTable();
  RecordTable(const RecordTable &) = delete;
  RecordTable &operator=(const RecordTable &) = delete;

  // Drops every lease whose time is over, and gives its permit back.
  void expire_all();
  // Ends every wait, now and later.
  void close();
  // The keys of a namespace were cleared: whoever comes now joins nobody who began before, and leases are void.
  void void_all(const cachechain_space &space);

  // What is known of a key right now, for explain.
  struct Look {
    bool known = false;
    uint64_t fence = 0;
    bool traversed = false;
    uint64_t waiting = 0;
    uint64_t leases = 0;
    bool held_off = false;
  };
  Look look(const cachechain_key &key);

  // How many records there are.
  uint64_t size();

 private:
  friend class Hold;

  static constexpr uint32_t kStripes = 64;
  static constexpr uint32_t kBuckets = 64;

  struct alignas(128) Stripe {
    std::mutex mutex;
    bool closed = false;
    uint64_t records = 0;
    uint64_t next_lease = 0;
    Link timed;  // of Record::timed
    Record *buckets[kBuckets] = {};
  };

  Stripe &stripe_of(uint64_t hash) { return stripes_[(hash >> 32) % kStripes]; }
  static Record *&bucket_of(Stripe &stripe, uint64_t hash) { return stripe.buckets[(hash >> 26) % kBuckets]; }

  // All of these with the stripe's lock held.
  static Record *find(Stripe &stripe, const cachechain_key &key);
  Record *find_or_make(Stripe &stripe, const cachechain_key &key);
  Grant *find_grant(Stripe &stripe, uint64_t id, Record *&record);
  // Drops what time has ended.
  void expire(Record &record, int64_t now_ns);
  void expire_some(Stripe &stripe);
  void keep_for_a_time(Stripe &stripe, Record &record);
  void drop_grant(Record &record, Grant *grant);
  void free_unless_needed(Stripe &stripe, Record &record);
  void free(Record *record);

  const Parts parts_;
  std::unique_ptr<Stripe[]> stripes_;
};

}  // namespace cachechain

#endif  // CACHECHAIN_KEY_RECORD_TABLE_H_
