#include "driver/layer.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "driver/wire.h"

namespace cachechain::conformance {
namespace {

std::string_view view(const uint8_t *data, uint64_t size) {
  return {reinterpret_cast<const char *>(data), static_cast<size_t>(size)};
}

const uint8_t *data_of(std::string_view text) { return reinterpret_cast<const uint8_t *>(text.data()); }

cachechain_space make_space(std::string_view prefix, std::string_view name, uint32_t id) {
  return {
      data_of(prefix), data_of(name), static_cast<uint32_t>(prefix.size()), static_cast<uint32_t>(name.size()), id, 0};
}

const cachechain_layers_service *layers_service() {
  return static_cast<const cachechain_layers_service *>(cachechain_service(CACHECHAIN_SERVICE_LAYERS));
}

struct CapName {
  uint64_t cap;
  const char *name;
};
constexpr CapName kCapNames[] = {
    {CACHECHAIN_CAP_INLINE, "INLINE"},     {CACHECHAIN_CAP_CONCURRENT, "CONCURRENT"},
    {CACHECHAIN_CAP_DEADLINE, "DEADLINE"}, {CACHECHAIN_CAP_NEWER, "NEWER"},
    {CACHECHAIN_CAP_BUMP, "BUMP"},         {CACHECHAIN_CAP_EXACT, "EXACT"},
    {CACHECHAIN_CAP_FENCE, "FENCE"},       {CACHECHAIN_CAP_KINDS, "KINDS"},
    {CACHECHAIN_CAP_BYTES, "BYTES"},       {CACHECHAIN_CAP_PERSISTENT, "PERSISTENT"},
    {CACHECHAIN_CAP_SHARED, "SHARED"},     {CACHECHAIN_CAP_NOTIFY, "NOTIFY"},
    {CACHECHAIN_CAP_SWEEP, "SWEEP"},       {CACHECHAIN_CAP_PLAIN, "PLAIN"},
};

struct Opened {
  int32_t status = CACHECHAIN_INTERNAL;
  const cachechain_layer_api *api = nullptr;
  void *instance = nullptr;
  cachechain_layer_info info{};
  cachechain_report report{};
};

Opened open_subject(Check &check, const std::string &options) {
  Opened opened;
  const cachechain_layers_service *service = layers_service();
  if (service == nullptr) {
    check.fail("the library has no service " CACHECHAIN_SERVICE_LAYERS);
    return opened;
  }
  const Subject &subject = check.subject();
  constexpr std::string_view kName = "layer";
  constexpr std::string_view kChain = "conformance";
  cachechain_layer_config config{};
  config.struct_size = sizeof(config);
  config.name = data_of(kName);
  config.name_size = kName.size();
  config.chain = data_of(kChain);
  config.chain_size = kChain.size();
  config.options = data_of(options);
  config.options_size = options.size();
  opened.info.struct_size = sizeof(opened.info);
  opened.status = service->open(service->self, subject.plugin.c_str(),
                                subject.plugin_path.empty() ? nullptr : subject.plugin_path.c_str(), &config,
                                &opened.api, &opened.instance, &opened.info, &opened.report);
  return opened;
}

void close_subject(Check &check, const cachechain_layer_api *api, void *instance) {
  cachechain_report report{};
  cachechain_call call{};
  call.struct_size = sizeof(call);
  call.report = &report;
  const cachechain_layers_service *service = layers_service();
  const int32_t status = service->close(service->self, api, instance, &call);
  if (status < 0) check.fail(text("close: found ", status_text(status), ": ", report_text(check, report)));
}

}  // namespace

std::string report_text(Check &check, const cachechain_report &report) {
  if (report.size > sizeof(report.text)) {
    check.fail(text("a report says ", report.size, " bytes of text, there is room for ", sizeof(report.text)));
    return "";
  }
  return std::string(view(report.text, report.size));
}

const cachechain_space &first_space() {
  static const cachechain_space space = make_space("conformance/first/0:", "first", 1);
  return space;
}

const cachechain_space &second_space() {
  static const cachechain_space space = make_space("conformance/second/0:", "second", 2);
  return space;
}

Key::Key(std::string key_bytes, const cachechain_space &key_space)
    : bytes(std::move(key_bytes)), hash(UINT64_C(0xcbf29ce484222325)), space(&key_space) {
  for (unsigned char c : bytes) hash = (hash ^ c) * UINT64_C(0x100000001b3);
  hash ^= key_space.id * UINT64_C(0x9e3779b97f4a7c15);
  hash ^= hash >> 32;  // FNV's low bits mix better than its high ones
}

cachechain_key Key::raw() const { return {data_of(bytes), bytes.size(), hash, space}; }

Got &Got::operator=(Got &&other) noexcept {
  if (this == &other) return *this;
  release();
  status = other.status;
  version = other.version;
  created = other.created;
  fresh_until_ms = other.fresh_until_ms;
  expires_ms = other.expires_ms;
  flags = other.flags;
  copied = other.copied;
  value_ = std::exchange(other.value_, {});
  buffer_ = std::move(other.buffer_);
  header_ = other.header_;
  return *this;
}

std::string_view Got::data() const {
  if (value_.size <= header_) return "";
  return view(value_.data + header_, value_.size - header_);
}

void Got::release() {
  const cachechain_value value = std::exchange(value_, {});
  if (value.release != nullptr) value.release(value.owner);
}

Refusal try_open(Check &check, const std::string &options) {
  Opened opened = open_subject(check, options);
  Refusal refusal{opened.status, report_text(check, opened.report), opened.status < 0 && opened.instance != nullptr};
  if (opened.status >= 0 && opened.instance != nullptr) close_subject(check, opened.api, opened.instance);
  return refusal;
}

Layer::Layer(Check &check) : check_(check) {
  const std::string options = check.options();
  if (!check.going()) return;
  const Opened opened = open_subject(check, options);
  if (opened.status == CACHECHAIN_OK && opened.instance != nullptr && opened.api != nullptr) {
    api_ = opened.api;
    instance_ = opened.instance;
    info_ = opened.info;
    return;
  }
  check.fail(text("open with ", options, ": expected OK, found ", status_text(opened.status), ": ",
                  report_text(check, opened.report)));
  if (opened.status > 0 && opened.instance != nullptr) close_subject(check, opened.api, opened.instance);
}

bool Layer::needs(uint64_t caps) {
  if (instance_ == nullptr) return false;
  if (can(caps)) return true;
  std::string lacks;
  for (const CapName &known : kCapNames) {
    if ((caps & ~info_.caps & known.cap) != 0) lacks += text(lacks.empty() ? "CAP_" : ", CAP_", known.name);
  }
  check_.skip(text("the layer does not declare ", lacks));
  return false;
}

bool Layer::needs_metadata() {
  if (instance_ == nullptr) return false;
  if (keeps_metadata()) return true;
  check_.skip("the layer declares CAP_PLAIN: it keeps values alone");
  return false;
}

uint64_t Layer::stored_size(uint64_t size) const { return can(CACHECHAIN_CAP_BYTES) ? size + kWireHeader : size; }

int Layer::repeat(int full) const {
  return check_.repeat(can(CACHECHAIN_CAP_INLINE) ? full : std::max(full / 10, std::min(full, 100)));
}

void Layer::close() {
  if (instance_ == nullptr) return;
  {
    const std::lock_guard lock(callers_mutex_);
    for (Caller *caller : callers_) caller->leave();
  }
  close_subject(check_, std::exchange(api_, nullptr), std::exchange(instance_, nullptr));
}

}  // namespace cachechain::conformance
