#include "driver/chain.h"

#include <nlohmann/json.hpp>

#include "driver/layer.h"

namespace cachechain::conformance {
namespace {

const uint8_t *data_of(std::string_view text) { return reinterpret_cast<const uint8_t *>(text.data()); }

// The error's message; frees it.
std::string take_message(cachechain_error *error) {
  uint64_t size = 0;
  const char *message = cachechain_error_message(error, &size);
  std::string out(message, size);
  cachechain_error_free(error);
  return out;
}

// Lines of a chain that fails on purpose are not for the user of the suite.
void no_log(void *, int32_t, const uint8_t *, uint64_t) {}

std::string configuration(const Subject &subject, const std::string &options, Above above, std::string_view source) {
  using Json = nlohmann::json;
  Json layers = Json::array();
  if (above != Above::kNothing) {
    const Json room =
        above == Above::kMemory ? Json::object({{"max_bytes", "64MiB"}}) : Json::object({{"max_entries", 4}});
    layers.push_back({{"name", "above"}, {"plugin", "memory"}, {"options", room}});
  }
  layers.push_back({{"name", "layer"},
                    {"plugin", subject.plugin},
                    {"options", Json::parse(options, nullptr, /*allow_exceptions=*/false)}});
  const Json chain = {{"chain", "conformance"}, {"source", source}, {"layers", layers}};
  return chain.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// Asks for the size, then for the text; `ask` is a function with the size query of cachechain_chain_stats().
template <class Ask>
std::string by_size_query(Check &check, std::string_view what, Ask &&ask) {
  std::string out;
  for (int attempt = 0; attempt < 10; ++attempt) {
    uint64_t needed = 0;
    cachechain_error *error = nullptr;
    const int32_t status = ask(reinterpret_cast<uint8_t *>(out.data()), out.size(), &needed, &error);
    const std::string message = take_message(error);
    if (status == CACHECHAIN_OK) {
      out.resize(needed);
      return out;
    }
    if (!check.status(status, CACHECHAIN_BUFFER_TOO_SMALL, text(what, " into a small buffer, ", message))) return "";
    out.resize(needed + 256);  // the counts may grow
  }
  check.fail(text(what, " needs more room at each of ten calls"));
  return "";
}

}  // namespace

Found &Found::operator=(Found &&other) noexcept {
  if (this == &other) return *this;
  cachechain_value_release(&value);
  status = other.status;
  value = std::exchange(other.value, {});
  message = std::move(other.message);
  buffer_ = std::move(other.buffer_);
  return *this;
}

std::string_view Found::data() const {
  return {reinterpret_cast<const char *>(value.data), static_cast<size_t>(value.size)};
}

cachechain_put_options put_options() {
  cachechain_put_options options{};
  options.struct_size = sizeof(options);
  return options;
}

Chain::Chain(Check &check, Above above, std::string_view source) : check_(check) {
  const Subject &subject = check.subject();
  if (const Layer layer(check); layer) versioned_ = !layer.can(CACHECHAIN_CAP_PLAIN);
  const std::string json = configuration(subject, check.options(), above, versioned_ ? source : "last_layer");
  if (!check.going()) return;
  cachechain_open_options options{};
  options.struct_size = sizeof(options);
  options.plugin_path = subject.plugin_path.empty() ? nullptr : data_of(subject.plugin_path);
  options.plugin_path_size = subject.plugin_path.size();
  options.log = no_log;
  options.log_level = CACHECHAIN_LOG_OFF;
  cachechain_error *error = nullptr;
  const int32_t status = cachechain_chain_open(data_of(json), json.size(), &options, &chain_, &error);
  const std::string message = take_message(error);
  if (status == CACHECHAIN_OK) return;
  if (status == CACHECHAIN_PLUGIN_REFUSED && above != Above::kNothing) {
    check.skip(text("there is no plugin to put above: ", message));
  } else {
    check.fail(text("open of the chain ", json, ": expected OK, found ", status_text(status), ": ", message));
  }
}

Found Chain::get(std::string_view key, uint64_t cap) {
  Found found;
  if (chain_ == nullptr) return found;
  found.buffer_.resize(cap);
  cachechain_error *error = nullptr;
  found.status = cachechain_get(chain_, nullptr, data_of(key), key.size(), cap == 0 ? nullptr : found.buffer_.data(),
                                cap, &found.value, &error);
  found.message = take_message(error);
  return found;
}

Written Chain::set(std::string_view key, std::string_view data, const cachechain_put_options *options) {
  Written written;
  if (chain_ == nullptr) return written;
  cachechain_error *error = nullptr;
  written.status =
      cachechain_set(chain_, options, data_of(key), key.size(), data_of(data), data.size(), &written.write, &error);
  written.message = take_message(error);
  return written;
}

Written Chain::remove(std::string_view key) {
  Written written;
  if (chain_ == nullptr) return written;
  cachechain_error *error = nullptr;
  written.status = cachechain_delete(chain_, nullptr, data_of(key), key.size(), &written.write, &error);
  written.message = take_message(error);
  return written;
}

int32_t Chain::exists(std::string_view key, cachechain_value *value) {
  if (chain_ == nullptr) return CACHECHAIN_INTERNAL;
  return cachechain_exists(chain_, nullptr, data_of(key), key.size(), value, nullptr);
}

std::string Chain::stats() {
  if (chain_ == nullptr) return "";
  return by_size_query(check_, "stats", [this](uint8_t *buf, uint64_t cap, uint64_t *needed, cachechain_error **error) {
    return cachechain_chain_stats(chain_, buf, cap, needed, error);
  });
}

std::string Chain::explain(std::string_view key) {
  if (chain_ == nullptr) return "";
  return by_size_query(check_, "explain", [&](uint8_t *buf, uint64_t cap, uint64_t *needed, cachechain_error **error) {
    return cachechain_chain_explain(chain_, key.empty() ? nullptr : data_of(key), key.size(), buf, cap, needed, error);
  });
}

int32_t Chain::close() {
  if (chain_ == nullptr) return CACHECHAIN_INTERNAL;
  cachechain_error *error = nullptr;
  const int32_t status = cachechain_chain_close(chain_, CACHECHAIN_TIMEOUT_NONE, nullptr, &error);
  const std::string message = take_message(error);
  check_.status(status, CACHECHAIN_OK, text("close of the chain ", message));
  return status;
}

bool Chain::sets(std::string_view key, std::string_view data) {
  if (!check_.going()) return false;
  const Written written = set(key, data);
  return check_.status(written.status, CACHECHAIN_OK, text("set of ", quoted(key), " ", written.message));
}

bool Chain::finds(std::string_view key, std::string_view data, std::string_view what) {
  if (!check_.going()) return false;
  const Found found = get(key);
  return check_.status(found.status, CACHECHAIN_OK, text(what, " ", found.message)) &&
         check_.bytes(found.data(), data, what);
}

bool Chain::lacks(std::string_view key, std::string_view what) {
  if (!check_.going()) return false;
  const Found found = get(key);
  return check_.holds(found.status == CACHECHAIN_MISS || found.status == CACHECHAIN_NOT_FOUND,
                      text(what, ": the answer is MISS or NOT_FOUND; found ", status_text(found.status), " ",
                           quoted(found.data()), found.message)) &&
         check_.equal(found.value.flags & CACHECHAIN_FLAG_DEGRADED, 0u, text(what, ", the DEGRADED flag"));
}

}  // namespace cachechain::conformance
