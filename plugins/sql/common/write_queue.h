// WriteQueue: many threads, one writing connection, one transaction for all who wait: group commit without a thread.
//
// A thread that has something to write makes a Job on its own stack and submits it. If nobody leads, it leads: it
// begins a transaction, runs its job and every job that queued up meanwhile, commits once, hands everyone their outcome
// and passes the lead on to the first who came too late. The leader has the writing connection to itself, from the
// moment that it leads until it passes the lead on.
//
// Who owns what: a job belongs to the thread that submitted it, and that thread does not return from submit() while the
// leader may still touch the job. While a job waits its owner may take it back (DEADLINE: not applied). While it runs
// the owner waits, for the length of one job. Once it ran and waits for the commit, the leader needs nothing of the
// owner's any more but the job itself, so the owner may take it out and leave (UNKNOWN_OUTCOME).
//
// A job that fails does not fail its neighbours. If it took the transaction down with it (a full disk, no memory), the
// neighbours are run again in a new transaction. Thread-safe; needs neither clock nor allocation when nobody waits.
#ifndef CACHECHAIN_PLUGINS_SQL_COMMON_WRITE_QUEUE_H_
#define CACHECHAIN_PLUGINS_SQL_COMMON_WRITE_QUEUE_H_

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include "cachechain/plugin.hpp"
#include "sql/common/failure.h"

namespace cachechain::sql {

class WriteQueue {
 public:
  // The writing connection, as the leader drives it. Called by one thread at a time; none of these may throw.
  class Transaction {
   public:
    virtual Failure begin(const plugin::Call &leader) = 0;
    // After a failure the transaction is rolled back. UNKNOWN_OUTCOME if that cannot be known.
    virtual Failure commit(const plugin::Call &leader) = 0;
    // False if the database has rolled the transaction back by itself.
    virtual bool alive() const = 0;
    // After the outcomes were handed out: house-keeping of bounded length.
    virtual void tidy(const plugin::Call &leader) = 0;

   protected:
    ~Transaction() = default;
  };

  class Job {
   public:
    enum class Company {
      kShared,  // runs inside a transaction, with others
      kAlone    // runs outside of a transaction, with the connection to itself
    };
    // `bytes` says how much it writes, to bound a transaction.
    explicit Job(Company company, uint64_t bytes) : company_(company), bytes_(bytes) {}
    Job(const Job &) = delete;
    Job &operator=(const Job &) = delete;

    // Called by the leader, on any thread, again if the transaction was lost. Must not throw.
    virtual Failure run() = 0;

   protected:
    ~Job() = default;

   private:
    friend class WriteQueue;
    enum class State { kWaiting, kRunning, kWritten, kLeads, kDone };

    const Company company_;
    const uint64_t bytes_;
    State state_ = State::kRunning;
    bool impatient_ = false;  // the owner wants to be woken when the job stops running
    Job *previous_ = nullptr;
    Job *next_ = nullptr;
    Failure failure_;
    std::condition_variable wake_;
  };

  explicit WriteQueue(Transaction &transaction) : transaction_(transaction) {}
  WriteQueue(const WriteQueue &) = delete;
  WriteQueue &operator=(const WriteQueue &) = delete;

  // Runs the job and returns when it is committed, has failed, or the caller's deadline is past.
  Failure submit(Job &job, const plugin::Call &call);

  struct Counts {
    uint64_t commits = 0;
    uint64_t jobs = 0;          // that were committed
    uint64_t largest = 0;       // most jobs in one commit
    uint64_t left_waiting = 0;  // owners who took a job back
    uint64_t left_unknown = 0;  // owners who did not see the commit
    uint64_t waiting = 0;       // now
  };
  Counts counts() const;

 private:
  // A list of jobs through their own links.
  class List {
   public:
    bool empty() const { return first_ == nullptr; }
    Job *first() const { return first_; }
    size_t size() const { return size_; }
    void push_back(Job *job);
    void remove(Job *job);
    // Puts all of `other` before what is here.
    void prepend(List &other);

   private:
    Job *first_ = nullptr;
    Job *last_ = nullptr;
    size_t size_ = 0;
  };

  // Functions that take the lock are called with it held and return with it held.
  using Lock = std::unique_lock<std::mutex>;
  void lead(Lock &lock, Job &own, const plugin::Call &call);
  void write_batch(Lock &lock, const plugin::Call &call);
  bool may_join(const Job &next, uint64_t bytes, const plugin::Call &leader) const;
  void finish(Job *job, const Failure &failure);
  void pass_on();

  Transaction &transaction_;
  mutable std::mutex mutex_;
  bool led_ = false;
  List waiting_;
  List written_;  // of the transaction under way
  Counts counts_;
};

}  // namespace cachechain::sql

#endif  // CACHECHAIN_PLUGINS_SQL_COMMON_WRITE_QUEUE_H_
