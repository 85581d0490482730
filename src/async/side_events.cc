#include "async/side_events.h"

#include <algorithm>
#include <new>

namespace cachechain {

Status SideEvents::add_source(const void *source, uint32_t layers) {
  const auto known = [&](const Source &one) { return one.of == source; };
  if (std::any_of(sources_.begin(), sources_.end(), known)) return CACHECHAIN_INVALID_ARGUMENT;
  try {
    sources_.push_back({source, layers, std::make_unique<Layer[]>(layers)});
  } catch (const std::bad_alloc &) {
    return CACHECHAIN_NO_MEMORY;
  }
  return CACHECHAIN_OK;
}

uint64_t SideEvents::remove_source(const void *source, cachechain_event *left_over) {
  const auto found =
      std::find_if(sources_.begin(), sources_.end(), [&](const Source &one) { return one.of == source; });
  if (found == sources_.end()) return 0;
  uint64_t count = 0;
  for (uint32_t i = 0; i < found->count; ++i) {
    Layer &layer = found->layers[i];
    if (layer.alone()) continue;
    layer.leave();
    left_over[count++] = layer.event;
  }
  sources_.erase(found);
  return count;
}

std::optional<cachechain_event> SideEvents::put_layer(const void *source, uint32_t layer,
                                                      const cachechain_event &event) {
  const auto found =
      std::find_if(sources_.begin(), sources_.end(), [&](const Source &one) { return one.of == source; });
  if (found == sources_.end() || layer >= found->count) return event;
  Layer &place = found->layers[layer];
  std::optional<cachechain_event> replaced;
  if (place.alone()) {
    layers_.append(place);
  } else {
    replaced = place.event;
  }
  place.event = event;
  return replaced;
}

std::optional<cachechain_event> SideEvents::put_log(const cachechain_event &event) {
  const uint64_t number = log_number_++;
  if (logs_.empty()) {
    ++logs_lost_;
    return event;
  }
  std::optional<cachechain_event> lost;
  if (log_count_ == logs_.size()) {
    lost = logs_[log_first_].event;
    log_first_ = (log_first_ + 1) % logs_.size();
    --log_count_;
    ++logs_lost_;
  }
  logs_[(log_first_ + log_count_++) % logs_.size()] = {event, number};
  return lost;
}

uint64_t SideEvents::take_layers(cachechain_event *events, uint64_t cap) {
  uint64_t taken = 0;
  while (taken < cap && !layers_.alone()) {
    Layer &layer = *static_cast<Layer *>(layers_.next);
    layer.leave();
    events[taken++] = layer.event;
  }
  return taken;
}

uint64_t SideEvents::take_logs(cachechain_event *events, uint64_t cap) {
  uint64_t taken = 0;
  while (taken < cap && log_count_ != 0) {
    const Line &line = logs_[log_first_];
    log_first_ = (log_first_ + 1) % logs_.size();
    --log_count_;
    events[taken] = line.event;
    events[taken++].token = line.number - log_next_;
    log_next_ = line.number + 1;
  }
  return taken;
}

}  // namespace cachechain
