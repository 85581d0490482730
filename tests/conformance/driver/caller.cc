#include <algorithm>
#include <cstring>
#include <utility>

#include "driver/layer.h"
#include "driver/wire.h"

namespace cachechain::conformance {
namespace {

// Behind a buffer that a layer may copy into.
constexpr size_t kGuardSize = 32;
constexpr uint8_t kGuard = 0xa5;

std::string_view view(const uint8_t *data, uint64_t size) {
  return {reinterpret_cast<const char *>(data), static_cast<size_t>(size)};
}

const uint8_t *data_of(std::string_view text) { return reinterpret_cast<const uint8_t *>(text.data()); }

}  // namespace

Caller::Caller(Layer &layer) : layer_(layer), check_(layer.check_) {
  const std::lock_guard lock(layer_.callers_mutex_);
  layer_.callers_.insert(this);
}

Caller::~Caller() {
  const std::lock_guard lock(layer_.callers_mutex_);
  leave();
  layer_.callers_.erase(this);
}

void Caller::leave() {
  if (word_ == 0 || layer_.instance_ == nullptr) return;
  layer_.api_->thread_exit(layer_.instance_, std::exchange(word_, 0));
}

template <class Body>
int32_t Caller::run(Body &&body) {
  if (layer_.instance_ == nullptr) return CACHECHAIN_INTERNAL;
  cachechain_report report{};
  cachechain_call call{};
  call.struct_size = sizeof(call);
  call.must_flags = must_flags_;
  call.deadline_ns = deadline_ns_;
  call.report = &report;
  call.thread_word = &word_;
  std::unique_lock<std::mutex> lock;
  if (!layer_.can(CACHECHAIN_CAP_CONCURRENT)) lock = std::unique_lock(layer_.one_at_a_time_);
  const int32_t status = body(*layer_.api_, layer_.instance_, &call);
  report_text_ = report_text(check_, report);
  return status;
}

bool Caller::accept_whole(int32_t status, bool may_fail, std::string_view slot) {
  if (status == CACHECHAIN_OK || status == CACHECHAIN_PARTIAL) return true;
  if (layer_) {
    check_.holds(may_fail && status < 0, text(slot, " answers OK or PARTIAL", may_fail ? " or a failure" : "", ", not ",
                                              status_text(status), ": ", report_text_));
  }
  return false;
}

void Caller::accept(Got &got, uint64_t cap, std::string_view slot) {
  const cachechain_value &value = got.value_;
  if (!got.buffer_.empty()) {
    const auto guard = got.buffer_.end() - static_cast<ptrdiff_t>(kGuardSize);
    check_.holds(std::all_of(guard, got.buffer_.end(), [](uint8_t byte) { return byte == kGuard; }),
                 text(slot, " writes nothing behind the ", cap, " bytes of its buffer"));
  }
  if (got.status != CACHECHAIN_OK) {
    check_.holds(got.status < 0 || got.status == CACHECHAIN_MISS,
                 text(slot, " answers OK, MISS or a failure, not ", status_text(got.status)));
    if (got.status == CACHECHAIN_MISS) {
      constexpr cachechain_value kNothing{};
      check_.holds(std::memcmp(&value, &kNothing, sizeof(value)) == 0, text("a MISS of ", slot, " leaves *value zero"));
    }
    return;
  }
  got.copied = value.size > 0 && value.data == got.buffer_.data();
  check_.holds(value.size == 0 || value.data != nullptr, text("a hit of ", slot, " has data"));
  if (value.size > 0 && value.data == nullptr) got.value_.size = 0;
  check_.holds(
      got.copied == (value.size > 0 && value.size <= cap),
      text(slot, " copies a value of ", value.size, " bytes into a buffer of ", cap, " if and only if it fits"));
  got.version = value.version;
  got.created = value.created;
  got.fresh_until_ms = value.fresh_until_ms;
  got.expires_ms = value.expires_ms;
  got.flags = value.flags;
  if (layer_.can(CACHECHAIN_CAP_PLAIN)) {
    check_.holds(value.version == 0 && value.created == 0 && value.flags == 0 && value.expires_ms == 0,
                 text(slot, " of a layer with CAP_PLAIN leaves version, `created`, flags and expires_ms zero"));
  }
  if (!layer_.can(CACHECHAIN_CAP_BYTES)) return;
  WireEntry entry;
  if (!from_wire(view(value.data, value.size), entry)) {
    check_.fail(text(slot, ": expected stored bytes as they were given, found ", quoted(view(value.data, value.size))));
    return;
  }
  got.header_ = kWireHeader;
  got.version = entry.version;
  got.created = entry.created;
  got.fresh_until_ms = entry.fresh_until_ms;
  got.expires_ms = entry.expires_ms;
  got.flags = entry.flags;
}

void Caller::accept(Done &done, const cachechain_put_result &result) {
  check_.equal(result.status, done.status, "the status in a put's result, which is also returned");
  check_.holds(done.status <= 0 || done.status == CACHECHAIN_SUPERSEDED || done.status == CACHECHAIN_FENCED,
               text("put answers OK, SUPERSEDED, FENCED or a failure, not ", status_text(done.status)));
  done.version = result.version;
  if (!layer_.can(CACHECHAIN_CAP_PLAIN)) return;
  check_.holds(done.status <= 0, text("put of a layer with CAP_PLAIN answers OK or a failure, because it compares "
                                      "nothing; found ",
                                      status_text(done.status)));
  check_.equal(result.version, 0u, "the version in the result of a put of a layer with CAP_PLAIN");
}

Got Caller::get(const Key &key, uint64_t cap) {
  Got got;
  if (cap > 0) got.buffer_.assign(cap + kGuardSize, kGuard);
  const cachechain_key raw = key.raw();
  got.status = run([&](const cachechain_layer_api &api, void *instance, const cachechain_call *call) {
    return api.get(instance, call, &raw, cap > 0 ? got.buffer_.data() : nullptr, cap, &got.value_);
  });
  if (layer_) accept(got, cap, "get");
  return got;
}

std::optional<std::vector<Got>> Caller::get_many(std::span<const Key> keys, bool may_fail) {
  std::vector<cachechain_key> raws;
  for (const Key &key : keys) raws.push_back(key.raw());
  std::vector<cachechain_value> values(keys.size());
  std::vector<int32_t> statuses(keys.size(), CACHECHAIN_INTERNAL);
  const int32_t status = run([&](const cachechain_layer_api &api, void *instance, const cachechain_call *call) {
    return api.get_many(instance, call, raws.data(), raws.size(), values.data(), statuses.data());
  });
  if (status == CACHECHAIN_UNSUPPORTED) return std::nullopt;
  const bool answered = accept_whole(status, may_fail, "get_many");
  std::vector<Got> answers(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    answers[i].status = answered ? statuses[i] : status;
    answers[i].value_ = values[i];
    if (answered) accept(answers[i], 0, "get_many");
  }
  constexpr cachechain_value kNothing{};
  if (!answered && layer_) {
    for (const cachechain_value &value : values) {
      check_.holds(std::memcmp(&value, &kNothing, sizeof(value)) == 0, "a get_many that fails leaves all values zero");
    }
  }
  return answers;
}

cachechain_put Caller::raw_put(const Put &put, const cachechain_key &key, std::string &wire) const {
  cachechain_put raw{};
  raw.key = &key;
  raw.version = put.version;
  raw.created = put.created_or_version();
  raw.token = put.token;
  raw.fresh_until_ms = put.fresh_until_ms;
  raw.expires_ms = put.expires_ms;
  raw.flags = put.flags;
  raw.condition = put.condition.value_or(layer_.can(CACHECHAIN_CAP_BUMP) ? CACHECHAIN_PUT_BUMP : CACHECHAIN_PUT_NEWER);
  raw.expect_version = put.expect_version;
  raw.expect_token = put.expect_token;
  raw.horizon = put.horizon;
  raw.cleared = put.cleared;
  raw.fence = put.fence;
  if (layer_.can(CACHECHAIN_CAP_BYTES)) {
    wire = to_wire({raw.version, raw.created, raw.token, raw.fresh_until_ms, raw.expires_ms, raw.flags,
                    std::string_view(put.data)});
  } else {
    wire = put.data;
  }
  raw.data = wire.empty() ? nullptr : data_of(wire);
  raw.size = wire.size();
  return raw;
}

Done Caller::put(const Put &put) {
  std::string wire;
  const cachechain_key key = put.key.raw();
  const cachechain_put raw = raw_put(put, key, wire);
  cachechain_put_result result{};
  Done done;
  done.status = run([&](const cachechain_layer_api &api, void *instance, const cachechain_call *call) {
    return api.put(instance, call, &raw, &result);
  });
  if (layer_) accept(done, result);
  return done;
}

std::optional<std::vector<Done>> Caller::put_many(std::span<const Put> puts, bool may_fail) {
  std::vector<std::string> wires(puts.size());
  std::vector<cachechain_key> keys(puts.size());
  std::vector<cachechain_put> raws(puts.size());
  std::vector<cachechain_put_result> results(puts.size(), {CACHECHAIN_INTERNAL, 0, 0});
  for (size_t i = 0; i < puts.size(); ++i) {
    keys[i] = puts[i].key.raw();
    raws[i] = raw_put(puts[i], keys[i], wires[i]);
  }
  const int32_t status = run([&](const cachechain_layer_api &api, void *instance, const cachechain_call *call) {
    return api.put_many(instance, call, raws.data(), raws.size(), results.data());
  });
  if (status == CACHECHAIN_UNSUPPORTED) return std::nullopt;
  const bool answered = accept_whole(status, may_fail, "put_many");
  std::vector<Done> answers(puts.size());
  for (size_t i = 0; i < puts.size(); ++i) {
    answers[i].status = answered ? results[i].status : status;
    if (answered) accept(answers[i], results[i]);
  }
  return answers;
}

int32_t Caller::erase_many(std::span<const Key> keys) {
  std::vector<cachechain_key> raws;
  for (const Key &key : keys) raws.push_back(key.raw());
  return run([&](const cachechain_layer_api &api, void *instance, const cachechain_call *call) {
    return api.erase_many(instance, call, raws.data(), raws.size());
  });
}

int32_t Caller::ping() {
  return run([](const cachechain_layer_api &api, void *instance, const cachechain_call *call) {
    return api.ping(instance, call);
  });
}

int32_t Caller::maintain() {
  return run([](const cachechain_layer_api &api, void *instance, const cachechain_call *call) {
    return api.maintain(instance, call);
  });
}

int32_t Caller::sweep(const cachechain_space *space, uint64_t &removed) {
  return run([&](const cachechain_layer_api &api, void *instance, const cachechain_call *call) {
    return api.sweep(instance, call, space, &removed);
  });
}

std::optional<std::string> Caller::stats() {
  std::vector<uint8_t> buffer;
  for (;;) {
    uint64_t needed = 0;
    const int32_t status = run([&](const cachechain_layer_api &api, void *instance, const cachechain_call *) {
      return api.stats(instance, buffer.empty() ? nullptr : buffer.data(), buffer.size(), &needed);
    });
    if (status == CACHECHAIN_OK) return std::string(view(buffer.data(), std::min<uint64_t>(needed, buffer.size())));
    if (status == CACHECHAIN_UNSUPPORTED || !layer_) return std::nullopt;
    if (!check_.status(status, CACHECHAIN_BUFFER_TOO_SMALL, "stats into a small buffer") ||
        !check_.holds(needed > buffer.size(), "stats needs more than the buffer that was too small")) {
      return std::nullopt;
    }
    buffer.resize(needed + 64);
  }
}

bool Caller::stores(const Put &what) {
  if (!check_.going()) return false;
  const Done done = put(what);
  if (done.status == CACHECHAIN_OK) return true;
  check_.fail(text("put of ", quoted(what.key.bytes), " with ", what.data.size(), " bytes: expected OK, found ",
                   status_text(done.status), ": ", report_text_));
  return false;
}

bool Caller::finds(const Key &key, std::string_view data, std::string_view what) {
  if (!check_.going()) return false;
  const Got got = get(key);
  if (got.hit()) return check_.bytes(got.data(), data, what);
  check_.fail(text(what, ": expected ", quoted(data), ", found ", status_text(got.status), " ", report_text_));
  return false;
}

bool Caller::misses(const Key &key, std::string_view what) {
  return check_.going() && check_.status(get(key).status, CACHECHAIN_MISS, what);
}

}  // namespace cachechain::conformance
