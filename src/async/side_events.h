// SideEvents: what waits in a completion queue besides the answers of calls. Not counted against its capacity.
//
//   layers  the states of the layers of a chain: at most one that waits for each layer, always the newest. Its room is
//           made when the chain is added, so none is ever lost.
//   logs    a ring of lines that loses the oldest. The token of a line says how many were lost just before it.
//
// Guarded by the queue's lock. Nothing is released or freed in here: what is replaced, lost or left over is handed out.
#ifndef CACHECHAIN_ASYNC_SIDE_EVENTS_H_
#define CACHECHAIN_ASYNC_SIDE_EVENTS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/link.h"
#include "base/status.h"
#include "cachechain/cachechain.h"

namespace cachechain {

class SideEvents {
 public:
  // Throws std::bad_alloc.
  explicit SideEvents(uint32_t log_lines) : logs_(log_lines) {}

  bool any() const { return !layers_.alone() || log_count_ != 0; }

  // NO_MEMORY; INVALID_ARGUMENT if it was added before.
  Status add_source(const void *source, uint32_t layers);
  // What waited of it goes to `left_over`, which has room: at least as many as it has layers.
  uint64_t remove_source(const void *source, cachechain_event *left_over);

  // Both answer with the event that nobody will receive now, if there is one.
  std::optional<cachechain_event> put_layer(const void *source, uint32_t layer, const cachechain_event &event);
  std::optional<cachechain_event> put_log(const cachechain_event &event);

  // In the order in which the layers began to wait.
  uint64_t take_layers(cachechain_event *events, uint64_t cap);
  uint64_t take_logs(cachechain_event *events, uint64_t cap);

  uint64_t logs_lost() const { return logs_lost_; }

 private:
  // In `layers_` while its event waits.
  struct Layer : Link {
    cachechain_event event;
  };
  struct Source {
    const void *of;
    uint32_t count;
    std::unique_ptr<Layer[]> layers;
  };
  struct Line {
    cachechain_event event;
    uint64_t number;  // among all lines that ever came
  };

  std::vector<Source> sources_;
  Link layers_;
  std::vector<Line> logs_;
  uint64_t log_first_ = 0;
  uint64_t log_count_ = 0;
  uint64_t log_number_ = 0;
  uint64_t log_next_ = 0;  // the number after that of the last line that was taken
  uint64_t logs_lost_ = 0;
};

}  // namespace cachechain

#endif  // CACHECHAIN_ASYNC_SIDE_EVENTS_H_
