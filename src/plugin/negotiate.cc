#include "plugin/negotiate.h"

#include <algorithm>
#include <cstring>

#include "plugin/refusal.h"
#include "plugin/search_path.h"

namespace cachechain {
namespace {

// No table that means what it says is larger. A size beyond it is memory that was never set.
constexpr uint32_t kMaxTable = 4096;
// The first minor's tables end here; a table that ends earlier was never published.
constexpr uint32_t kDescriptorFloor = offsetof(cachechain_plugin, exporter) + sizeof(void *);
constexpr uint32_t kLayerFloor = offsetof(cachechain_layer_api, erase_many);
constexpr uint32_t kExporterFloor = offsetof(cachechain_exporter_api, close) + sizeof(void *);

constexpr const char *kRebuild = "rebuild the plugin against cachechain/plugin.h, with struct_size = sizeof";

Status check_size(const std::string &file, std::string_view table, uint32_t size, uint32_t floor) {
  if (size >= floor && size <= kMaxTable && size % 8 == 0) return CACHECHAIN_OK;
  return refusal(file,
                 "the struct_size of its " + std::string(table) + " is " + std::to_string(size) +
                     ", expected a multiple of 8 from " + std::to_string(floor) + " to " + std::to_string(kMaxTable),
                 kRebuild);
}

template <class Table>
Table copy_table(const Table *table, uint32_t size) {
  Table copy{};
  std::memcpy(&copy, table, std::min<size_t>(size, sizeof copy));
  copy.struct_size = sizeof copy;
  return copy;
}

int32_t no_get(void *, const cachechain_call *, const cachechain_key *, uint8_t *, uint64_t, cachechain_value *) {
  return CACHECHAIN_UNSUPPORTED;
}
int32_t no_get_many(void *, const cachechain_call *, const cachechain_key *, uint64_t, cachechain_value *, int32_t *) {
  return CACHECHAIN_UNSUPPORTED;
}
int32_t no_put(void *, const cachechain_call *, const cachechain_put *, cachechain_put_result *result) {
  return result->status = CACHECHAIN_UNSUPPORTED;
}
int32_t no_put_many(void *, const cachechain_call *, const cachechain_put *, uint64_t, cachechain_put_result *) {
  return CACHECHAIN_UNSUPPORTED;
}
int32_t no_erase_many(void *, const cachechain_call *, const cachechain_key *, uint64_t) {
  return CACHECHAIN_UNSUPPORTED;
}
int32_t no_call(void *, const cachechain_call *) { return CACHECHAIN_UNSUPPORTED; }
int32_t no_sweep(void *, const cachechain_call *, const cachechain_space *, uint64_t *removed) {
  if (removed != nullptr) *removed = 0;
  return CACHECHAIN_UNSUPPORTED;
}
int32_t no_notify(void *, const cachechain_call *, const cachechain_notice *, uint64_t) {
  return CACHECHAIN_UNSUPPORTED;
}
int32_t no_watch(void *, const cachechain_call *, cachechain_notice_fn, void *) { return CACHECHAIN_UNSUPPORTED; }
int32_t no_stats(void *, uint8_t *, uint64_t, uint64_t *needed) {
  if (needed != nullptr) *needed = 0;
  return CACHECHAIN_UNSUPPORTED;
}
void no_thread_exit(void *, uintptr_t) {}

// Notes which slots are the plugin's own and fills the others.
void complete(LoadedPlugin &plugin) {
  cachechain_layer_api &api = plugin.layer;
  const auto settle = [&plugin](auto *&slot, auto *missing, uint64_t bit) {
    if (slot == nullptr) {
      slot = missing;
    } else {
      plugin.layer_slots |= bit;
    }
  };
  plugin.layer_slots = CACHECHAIN_SLOT_BIT(open) | CACHECHAIN_SLOT_BIT(close);
  settle(api.get, &no_get, CACHECHAIN_SLOT_BIT(get));
  settle(api.get_many, &no_get_many, CACHECHAIN_SLOT_BIT(get_many));
  settle(api.put, &no_put, CACHECHAIN_SLOT_BIT(put));
  settle(api.put_many, &no_put_many, CACHECHAIN_SLOT_BIT(put_many));
  settle(api.erase_many, &no_erase_many, CACHECHAIN_SLOT_BIT(erase_many));
  settle(api.ping, &no_call, CACHECHAIN_SLOT_BIT(ping));
  settle(api.sweep, &no_sweep, CACHECHAIN_SLOT_BIT(sweep));
  settle(api.maintain, &no_call, CACHECHAIN_SLOT_BIT(maintain));
  settle(api.notify, &no_notify, CACHECHAIN_SLOT_BIT(notify));
  settle(api.watch, &no_watch, CACHECHAIN_SLOT_BIT(watch));
  settle(api.stats, &no_stats, CACHECHAIN_SLOT_BIT(stats));
  settle(api.thread_exit, &no_thread_exit, CACHECHAIN_SLOT_BIT(thread_exit));
}

Status take_layer(const std::string &file, const cachechain_layer_api *table, LoadedPlugin &plugin) {
  if (Status sized = check_size(file, "layer table", table->struct_size, kLayerFloor); !sized.ok()) return sized;
  plugin.layer = copy_table(table, table->struct_size);
  const cachechain_layer_api &api = plugin.layer;
  std::string missing;
  if (api.open == nullptr) missing = "open";
  if (missing.empty() && api.close == nullptr) missing = "close";
  if (missing.empty() && api.get == nullptr && api.get_many == nullptr) missing = "get nor get_many";
  if (missing.empty() && api.put == nullptr && api.put_many == nullptr) missing = "put nor put_many";
  if (!missing.empty()) {
    return refusal(
        file, "its layer table has " + std::string(missing.find(' ') == missing.npos ? "no " : "neither ") + missing,
        "a layer must have open, close, get or get_many, and put or put_many");
  }
  complete(plugin);
  plugin.has_layer = true;
  return CACHECHAIN_OK;
}

Status take_exporter(const std::string &file, const cachechain_exporter_api *table, LoadedPlugin &plugin) {
  if (Status sized = check_size(file, "exporter table", table->struct_size, kExporterFloor); !sized.ok()) return sized;
  plugin.exporter = copy_table(table, table->struct_size);
  if (plugin.exporter.open == nullptr || plugin.exporter.close == nullptr) {
    return refusal(file, std::string("its exporter table has no ") + (plugin.exporter.open ? "close" : "open"),
                   "an exporter must have open and close");
  }
  plugin.has_exporter = true;
  return CACHECHAIN_OK;
}

// A plugin's name as it may stand in a message: it may be anything.
std::string quoted(std::string_view name) {
  std::string text = "\"";
  for (char c : name) text += c >= ' ' && c <= '~' ? c : '?';
  return text += '"';
}

}  // namespace

Result<LoadedPlugin> negotiate(const std::string &file, std::string_view wanted, const cachechain_plugin *descriptor,
                               uint32_t host_minor) {
  if (descriptor == nullptr) {
    return refusal(file, "its entry function returned NULL, expected a descriptor", "ask who wrote the plugin");
  }
  if (Status sized = check_size(file, "descriptor", descriptor->struct_size, kDescriptorFloor); !sized.ok()) {
    return sized;
  }
  const cachechain_plugin found = copy_table(descriptor, descriptor->struct_size);
  if (found.min_host_minor > host_minor) {
    const std::string major = std::to_string(CACHECHAIN_ABI_MAJOR) + ".";
    return refusal(file,
                   "it needs plugin ABI " + major + std::to_string(found.min_host_minor) + ", and this is " + major +
                       std::to_string(host_minor),
                   "install a newer Cache-Chain or an older build of the plugin");
  }

  LoadedPlugin plugin;
  plugin.file = file;
  if (found.name == nullptr) return refusal(file, "its descriptor has no name", "set `name` to [a-z0-9_-]{1,32}");
  const std::string_view name(found.name, strnlen(found.name, 33));
  if (!is_plugin_name(name)) {
    return refusal(file, "it calls itself " + quoted(name) + ", expected [a-z0-9_-]{1,32}", "give it such a name");
  }
  if (!wanted.empty() && name != wanted) {
    return refusal(file, "it calls itself " + quoted(name) + ", expected " + quoted(wanted) + " as the file is called",
                   "name the file " + std::string(name) + ".so, or write \"plugin\": \"" + file + "\"");
  }
  plugin.name = name;
  if (found.version == nullptr || found.version[0] == '\0') {
    return refusal(file, "its descriptor has no version", "set `version`, such as \"1.0.0\"");
  }
  plugin.version = found.version;
  if (found.description != nullptr) plugin.description = found.description;

  if (found.layer == nullptr && found.exporter == nullptr) {
    return refusal(file, "it is neither a layer nor an exporter", "set `layer` or `exporter` of the descriptor");
  }
  if (found.layer != nullptr) {
    if (Status taken = take_layer(file, found.layer, plugin); !taken.ok()) return taken;
  }
  if (found.exporter != nullptr) {
    if (Status taken = take_exporter(file, found.exporter, plugin); !taken.ok()) return taken;
  }
  return plugin;
}

}  // namespace cachechain
