#include "sql/common/write_queue.h"

#include <algorithm>
#include <chrono>

namespace cachechain::sql {

namespace {

// Bounds of one transaction: what its leader, who could have left after its own job, does for others at most.
constexpr size_t kMostJobs = 256;
constexpr uint64_t kMostBytes = 8 << 20;

// A cancel token cannot be waited for, so it is looked at this often.
constexpr int64_t kCancelPollNs = 10'000'000;
// What a wait without a deadline is cut into.
constexpr int64_t kLongNs = 3'600'000'000'000;

}  // namespace

void WriteQueue::List::push_back(Job *job) {
  job->previous_ = last_;
  job->next_ = nullptr;
  (last_ == nullptr ? first_ : last_->next_) = job;
  last_ = job;
  ++size_;
}

void WriteQueue::List::remove(Job *job) {
  (job->previous_ == nullptr ? first_ : job->previous_->next_) = job->next_;
  (job->next_ == nullptr ? last_ : job->next_->previous_) = job->previous_;
  job->previous_ = job->next_ = nullptr;
  --size_;
}

void WriteQueue::List::prepend(List &other) {
  if (other.empty()) return;
  other.last_->next_ = first_;
  (first_ == nullptr ? last_ : first_->previous_) = other.last_;
  first_ = other.first_;
  size_ += other.size_;
  other = List();
}

Failure WriteQueue::submit(Job &job, const plugin::Call &call) {
  Lock lock(mutex_);
  if (!led_) {
    led_ = true;
    lead(lock, job, call);
    return job.failure_;
  }
  job.state_ = Job::State::kWaiting;
  waiting_.push_back(&job);
  const bool polls = call.cancellable();
  while (true) {
    if (job.state_ == Job::State::kDone) return job.failure_;
    if (job.state_ == Job::State::kLeads) {
      lead(lock, job, call);
      return job.failure_;
    }
    const int64_t left_ns = call.left_ns(kLongNs);
    const bool cancelled = polls && call.cancelled();
    if (left_ns > 0 && !cancelled) {
      job.wake_.wait_for(lock, std::chrono::nanoseconds(polls ? std::min(left_ns, kCancelPollNs) : left_ns));
      continue;
    }
    switch (job.state_) {
      case Job::State::kWaiting:
        waiting_.remove(&job);
        ++counts_.left_waiting;
        return Failure(cancelled ? CACHECHAIN_CANCELLED : CACHECHAIN_DEADLINE, 0, true,
                       "not written: %s behind %zu other writes", cancelled ? "cancelled" : "the deadline came",
                       waiting_.size());
      case Job::State::kWritten:
        written_.remove(&job);
        ++counts_.left_unknown;
        return Failure(CACHECHAIN_UNKNOWN_OUTCOME, 0, true,
                       "written, but the %s before the commit of %zu writes was done",
                       cancelled ? "call was cancelled" : "deadline came", written_.size() + 1);
      default:
        job.impatient_ = true;
        job.wake_.wait(lock);
    }
  }
}

void WriteQueue::lead(Lock &lock, Job &own, const plugin::Call &call) {
  if (own.company_ == Job::Company::kAlone) {
    own.state_ = Job::State::kRunning;
    lock.unlock();
    own.failure_ = own.run();
    lock.lock();
    own.state_ = Job::State::kDone;
    pass_on();
    return;
  }
  own.state_ = Job::State::kWaiting;
  List first;
  first.push_back(&own);
  waiting_.prepend(first);
  // More than once only if a neighbour took the transaction down.
  while (own.state_ != Job::State::kDone) {
    lock.unlock();
    const Failure failure = transaction_.begin(call);
    lock.lock();
    if (failure) {
      // The others may have more time than this leader had: they try on their own account.
      waiting_.remove(&own);
      finish(&own, failure);
      break;
    }
    write_batch(lock, call);
  }
  lock.unlock();
  transaction_.tidy(call);
  lock.lock();
  pass_on();
}

void WriteQueue::write_batch(Lock &lock, const plugin::Call &call) {
  uint64_t bytes = 0;
  while (!waiting_.empty() && (written_.empty() || may_join(*waiting_.first(), bytes, call))) {
    Job *job = waiting_.first();
    waiting_.remove(job);
    job->state_ = Job::State::kRunning;
    lock.unlock();
    const Failure failure = job->run();
    const bool alive = transaction_.alive();
    lock.lock();
    if (!alive) {
      finish(job, failure);
      for (Job *other = written_.first(); other != nullptr; other = other->next_) {
        other->state_ = Job::State::kWaiting;
      }
      waiting_.prepend(written_);
      return;
    }
    bytes += job->bytes_;
    job->failure_ = failure;
    job->state_ = Job::State::kWritten;
    written_.push_back(job);
    if (job->impatient_) job->wake_.notify_one();
  }
  lock.unlock();
  const Failure failure = transaction_.commit(call);
  lock.lock();
  if (!failure) {
    ++counts_.commits;
    counts_.jobs += written_.size();
    counts_.largest = std::max<uint64_t>(counts_.largest, written_.size());
  }
  while (!written_.empty()) {
    Job *job = written_.first();
    written_.remove(job);
    finish(job, failure && !job->failure_ ? failure : job->failure_);
  }
}

bool WriteQueue::may_join(const Job &next, uint64_t bytes, const plugin::Call &leader) const {
  return next.company_ == Job::Company::kShared && written_.size() < kMostJobs && bytes + next.bytes_ <= kMostBytes &&
         leader.left_ns(1) > 0;
}

// The owner is woken under the lock: it cannot return, and end the job's life, before notify_one() has.
void WriteQueue::finish(Job *job, const Failure &failure) {
  job->failure_ = failure;
  job->state_ = Job::State::kDone;
  job->wake_.notify_one();
}

void WriteQueue::pass_on() {
  led_ = !waiting_.empty();
  if (!led_) return;
  Job *next = waiting_.first();
  waiting_.remove(next);
  next->state_ = Job::State::kLeads;
  next->wake_.notify_one();
}

WriteQueue::Counts WriteQueue::counts() const {
  const std::lock_guard<std::mutex> guard(mutex_);
  Counts counts = counts_;
  counts.waiting = waiting_.size();
  return counts;
}

}  // namespace cachechain::sql
