#include "plugin/layers_service.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>

#include "plugin/firewall.h"
#include "plugin/host.h"
#include "plugin/instance.h"
#include "plugin/registry.h"
#include "plugin/report.h"
#include "plugin/slot_bridge.h"

namespace cachechain {
namespace {

// What stands behind an `api` that was handed out: the table comes first, so one pointer serves as both.
struct Opened {
  cachechain_layer_api api;
  Instance instance;
  std::unique_ptr<SlotBridge> bridge;
};

std::string text(const uint8_t *data, uint64_t size) {
  return data == nullptr ? std::string() : std::string(reinterpret_cast<const char *>(data), size);
}

LayerOpening opening_of(const Host *host, const cachechain_layer_config &given) {
  cachechain_layer_config config{};
  std::memcpy(&config, &given, std::min<size_t>(given.struct_size, sizeof config));
  LayerOpening opening;
  opening.name = text(config.name, config.name_size);
  opening.chain = text(config.chain, config.chain_size);
  if (config.options != nullptr) opening.options = text(config.options, config.options_size);
  opening.log = host != nullptr ? host->logger() : Logger::to_stderr("cachechain", CACHECHAIN_LOG_WARN);
  opening.clock = host != nullptr ? &host->clock() : nullptr;
  opening.allocator = host != nullptr ? &host->allocator() : nullptr;
  return opening;
}

Status open_layer_of(const Host *host, const char *plugin, const char *plugin_path,
                     const cachechain_layer_config &config, const cachechain_layer_api **api, void **instance,
                     cachechain_layer_info &info) {
  const LayerOpening opening = opening_of(host, config);
  const std::vector<std::string> path = plugin_search_path({plugin_path == nullptr ? "" : plugin_path});
  Result<const LoadedPlugin *> loaded = Registry::instance().load(plugin, path, {}, *opening.log);
  if (!loaded.ok()) return loaded.status();
  Result<Instance> made = open_instance(*loaded.value(), opening);
  if (!made.ok()) return made.status();

  auto opened = std::make_unique<Opened>();
  opened->instance = made.take();
  opened->api = opened->instance.api;
  *instance = opened->instance.instance;
  if (SlotBridge::needed(loaded.value()->layer_slots, SlotBridge::kAll)) {
    opened->bridge = std::make_unique<SlotBridge>(opened->api, loaded.value()->layer_slots, *instance);
    opened->api = opened->bridge->api();
    *instance = opened->bridge.get();
  }
  const uint32_t room = std::min<uint32_t>(info.struct_size, sizeof info);
  std::memcpy(&info, &opened->instance.info, room);
  info.struct_size = room;
  const Status status = opened->instance.degraded;
  *api = &opened.release()->api;
  return status;
}

int32_t open_slot(void *self, const char *plugin, const char *plugin_path, const cachechain_layer_config *config,
                  const cachechain_layer_api **api, void **instance, cachechain_layer_info *info,
                  cachechain_report *report) {
  if (plugin == nullptr || config == nullptr || api == nullptr || instance == nullptr || info == nullptr ||
      config->struct_size < 8 || info->struct_size < 8) {
    fill_report(report, 0, false, "plugin, config, api, instance and info are required, with their struct_size set");
    return CACHECHAIN_INVALID_ARGUMENT;
  }
  *api = nullptr;
  *instance = nullptr;
  Status status;
  Thrown thrown;
  if (!guarded(thrown, [&] {
        status = open_layer_of(static_cast<const Host *>(self), plugin, plugin_path, *config, api, instance, *info);
      })) {
    fill_report(report, 0, true, thrown.text());
    return CACHECHAIN_NO_MEMORY;
  }
  if (!status.message().empty()) fill_report(report, status.native_code(), status.retryable(), status.message());
  return status.code();
}

int32_t close_slot(void *, const cachechain_layer_api *api, void *, const cachechain_call *call) {
  if (api == nullptr) return CACHECHAIN_INVALID_ARGUMENT;
  const std::unique_ptr<Opened> opened(reinterpret_cast<Opened *>(const_cast<cachechain_layer_api *>(api)));
  cachechain_call own{};
  if (call != nullptr) std::memcpy(&own, call, std::min<size_t>(call->struct_size, sizeof own));
  own.struct_size = sizeof own;
  Status closed;
  Thrown thrown;
  if (!guarded(thrown, [&] { closed = close_instance(opened->instance, own); })) return CACHECHAIN_NO_MEMORY;
  if (!closed.ok()) fill_report(own.report, closed.native_code(), false, closed.message());
  return closed.code();
}

}  // namespace

cachechain_layers_service layers_service(const Host *host) {
  return {sizeof(cachechain_layers_service), 0, const_cast<Host *>(host), &open_slot, &close_slot};
}

const void *core_service(std::string_view name) {
  static const cachechain_layers_service layers = layers_service(nullptr);
  return name == CACHECHAIN_SERVICE_LAYERS ? &layers : nullptr;
}

}  // namespace cachechain
