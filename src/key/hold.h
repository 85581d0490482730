// Hold: one call's part in the record of its key. It lives on the calling thread's stack for the length of the call and
// is used by that thread alone; what threads do to each other goes through the record, under its stripe's lock.
//
// Three kinds of calls hold a record:
//   a read      enters wishing to lead. One leads at a time: it asks the layers and ends the flight with an answer for
//               all who follow. If it cannot, or just leaves, the next who waits leads.
//   a mutation  enters before its first put, and raises the fence when the level that arbitrates has acknowledged.
//   a load      takes its turn: it is granted the lease, or waits for who has it. The lease's end enters by its id.
//
// Every put into an inline layer carries fence(): a mutation raises the fence of all who hold the record, so whoever
// read before it cannot put what he read after it.
#ifndef CACHECHAIN_KEY_HOLD_H_
#define CACHECHAIN_KEY_HOLD_H_

#include <cstdint>

#include "base/cancel_token.h"
#include "key/record_table.h"

namespace cachechain {

class Hold : private Link {
 public:
  enum class Wish { kHold, kLead };
  enum class Entered { kNoMemory, kHeld, kLeads, kFollows };
  enum class Turn { kLeads, kAnswered, kOthersLoad, kLate, kCancelled, kClosed };

  explicit Hold(RecordTable &table) : table_(table) {}
  ~Hold() { leave(); }
  Hold(const Hold &) = delete;
  Hold &operator=(const Hold &) = delete;

  Entered enter(const cachechain_key &key, Wish wish);
  // Gives up what is left of this call's part. A leader that has not ended its flight hands it over.
  void leave();

  bool held() const { return record_ != nullptr; }
  // The bytes live as long as the hold.
  cachechain_key key() const { return record_->key(); }
  const uint64_t *fence() const { return &fence_; }
  // The version of the newest mutation that was acknowledged while this hold or one before it was there; 0: none, or
  // the hold is shut.
  uint64_t floor() const {
    const uint64_t fence = __atomic_load_n(&fence_, __ATOMIC_ACQUIRE);
    return fence == kShut ? 0 : fence;
  }

  // Flights. A follower waits for the answer, until it leads itself, until its deadline (0: none), or until it is
  // cancelled (NULL: never). One that `loads` does not lead while another call loads the key and had found nothing: to
  // look again would tell nothing new.
  Turn wait_for_answer(int64_t deadline_ns, CancelToken *cancel, bool loads, AnswerPtr &answer);
  // Ends the flight that this call leads. With followers the value is copied once; if there is no memory for that, one
  // of them leads.
  void end_flight(int32_t status, const cachechain_value &value, const Status *failure, const Seen &seen);
  // Leaves it without an answer: the next who waits leads.
  void stop_leading();
  bool leading() const { return leading_; }
  // Without waiting: leads if nobody does. kOthersLoad as above.
  enum class Free { kLeads, kOthersLead, kOthersLoad };
  Free lead_if_free(bool loads);

  // A mutation of this version was acknowledged: who holds the record may put no older version any more, nor be joined;
  // leases are void. With kShut he may put nothing at all: for where versions do not tell what was read before. True if
  // others have held the record since this call entered, and so may have put something since the arbiter's put.
  enum class Others { kFenced, kShut };
  bool raise(uint64_t version, Others others);
  // What others have read is void. Those who come later begin as before.
  void shut_others();
  // A mutation was acknowledged, and the levels are about to be told. No lease that is out stores anything from now on,
  // and what is being stored by one is waited for, because a level that forgets would take it for news. False at the
  // deadline (0: none).
  bool outlast_fulfilments(int64_t deadline_ns);
  // Whoever comes now does not join a flight that has begun: it may have met a level before this call's put did.
  void detach_flights();

  // Loads.
  struct LoadTerms {
    Seen seen;
    int64_t begin_ns = 0;
    int64_t deadline_ns = 0;  // 0: none
    int64_t lease_ns = 0;
    int64_t lease_wait_ns = 0;
    CancelToken *cancel = nullptr;
    bool looked = true;      // into the layers; else no lease is granted, only waited for
    bool has_value = false;  // something to answer with is at hand
    bool may_wait = true;
  };
  enum class LoadTurn {
    kGranted,   // `lease` is the caller's
    kSide,      // so it is, and stores nothing
    kAnswered,  // the load of another ended with `answer`
    kAgain,     // a mutation came: look into the layers again
    kPending,   // another loads, and this call may not wait any longer
    kBusy,      // too many loads
    kNoMemory,
    kCancelled,
    kClosed
  };
  LoadTurn turn_to_load(const LoadTerms &terms, cachechain_lease &lease, AnswerPtr &answer);

  // What the lease of this id is worth, for one of its endings. The first that asks is the one that ends it.
  enum class LeaseState { kGone, kPrimary, kSide, kVoid };
  struct LeaseTerms {
    LeaseState state = LeaseState::kGone;
    uint64_t version = 0;
    Seen seen;  // what was there before the lease
    uint64_t token = 0;
    bool marked = false;
    bool local = false;
  };
  // One of another namespace is gone, to this one.
  LeaseTerms enter_lease(const cachechain_space &space, const cachechain_lease &lease);
  // What was loaded is about to be stored; until this call leaves mutations wait. False if one has come first.
  bool begin_storing(uint64_t id);
  // The lease goes on: its ending could not be done.
  void resume_lease(uint64_t id);
  bool renew_lease(uint64_t id, int64_t expires_ns);
  // Whether the lease is now in the level that arbitrates, or could not be put there.
  void note_mark(uint64_t id, bool marked);
  // Instead of loading the key for all, the caller loads it for himself.
  void turn_into_side(uint64_t id, int64_t next_side_ns, cachechain_lease &lease);
  // Each of these ends it. All who wait get the answer, or look into the layers again if there is none; the next of
  // them loads; or until hold_off_ns every turn is answered with `failure`.
  void answer_lease(uint64_t id, AnswerPtr answer);
  void pass_lease_on(uint64_t id);
  void fail_lease(uint64_t id, AnswerPtr failure, int64_t hold_off_ns);

  // Nobody waits for a lease's end, or for a flight, any longer than the chain is open.
  static void close_waiters(Record &record);
  // A mutation of all keys, by nobody who holds the record.
  static void void_record(Record &record);
  static uint64_t followers(const Record &record);

 private:
  using Lock = std::unique_lock<std::mutex>;
  static constexpr uint64_t kShut = kStampMax;  // the fence that no version passes
  friend struct Record;

  static Hold &of(Link *link) { return *static_cast<Hold *>(link); }

  RecordTable::Stripe &stripe() { return *stripe_; }
  // With the lock held.
  void join(Record &record);
  void begin_flight();
  bool others_load();
  void end_what_began();
  void hand_over();
  static void wake_load_waiters(Record &record, Waiter::State state, Answer *answer);
  LoadTurn grant(const LoadTerms &terms, int64_t now_ns, bool side, cachechain_lease &lease);
  Grant *own_grant(uint64_t id);
  bool drop_lease(uint64_t id);  // true if others wait for it

  RecordTable &table_;
  RecordTable::Stripe *stripe_ = nullptr;
  Record *record_ = nullptr;
  uint64_t fence_ = 0;
  uint64_t visit_ = 0;  // of the record; 0 if somebody was there before
  bool leading_ = false;
  bool storing_ = false;
  uint64_t looked_ = 0;  // Record::changes when the look into the layers began whose answer this call has
  uint64_t ends_ = 0;    // the lease that this call ends, which its own mutation does not void
  Link followers_;       // of Waiter, while leading
};

}  // namespace cachechain

#endif  // CACHECHAIN_KEY_HOLD_H_
