// Opening, closing and describing chains and plugins; versions.
#include <nlohmann/json.hpp>

#include "abi/copy_out.h"
#include "abi/error.h"
#include "abi/handle.h"
#include "abi/options.h"
#include "config/parse.h"
#include "plugin/layers_service.h"
#include "plugin/registry.h"

#define CACHECHAIN_TEXT_OF(x) #x
#define CACHECHAIN_TEXT(x) CACHECHAIN_TEXT_OF(x)

namespace cachechain {
namespace {

std::string_view text(const uint8_t *data, uint64_t size) {
  return {reinterpret_cast<const char *>(data), static_cast<size_t>(size)};
}

Status check_open_options(const cachechain_open_options *given, cachechain_open_options &options) {
  if (Status bad = read_options(given, 0, options); !bad.ok()) return bad;
  if (options.plugin_path == nullptr && options.plugin_path_size != 0) {
    return Status(CACHECHAIN_INVALID_ARGUMENT, "options: plugin_path is NULL, but plugin_path_size is not 0");
  }
  if (options.log_level < CACHECHAIN_LOG_TRACE || options.log_level > CACHECHAIN_LOG_OFF) {
    return Status(CACHECHAIN_INVALID_ARGUMENT, "options: log_level is none of the levels");
  }
  return CACHECHAIN_OK;
}

Status open(std::string_view json, const cachechain_open_options *given, cachechain_chain **out) {
  cachechain_open_options options;
  if (Status bad = check_open_options(given, options); !bad.ok()) return bad;
  Result<ParsedConfig> parsed = parse_config(json);
  if (!parsed.ok()) return parsed.status();
  ChainParts parts;
  parts.clock = &Clock::system();
  parts.random = &Random::system();
  parts.log = Logger::from_options(&options, "cachechain");
  parts.make_error = &cachechain::fail;
  parts.plugin_path =
      plugin_search_path({parsed->settings.plugin_path, text(options.plugin_path, options.plugin_path_size)});
  Result<std::unique_ptr<Chain>> chain =
      Chain::open(std::move(parsed->settings), std::move(parts), std::move(parsed->warnings));
  if (!chain.ok()) return chain.status();
  std::shared_ptr<Chain> shared = chain.take();
  Namespace &home = shared->home();
  *out = new cachechain_chain(std::move(shared), home, true);
  return CACHECHAIN_OK;
}

std::string list_plugins(const cachechain_open_options &options) {
  const std::shared_ptr<Logger> log = Logger::from_options(&options, "cachechain");
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  const std::vector<std::string> path = plugin_search_path({text(options.plugin_path, options.plugin_path_size)});
  for (const PluginListing &one : Registry::instance().list(path, *log)) {
    nlohmann::ordered_json entry{{"file", one.file}, {"status", status_name(one.status.code())}};
    if (one.plugin == nullptr) {
      entry["message"] = one.status.message();
    } else {
      entry["name"] = one.plugin->name;
      entry["version"] = one.plugin->version;
      entry["layer"] = one.plugin->has_layer;
      entry["exporter"] = one.plugin->has_exporter;
      entry["description"] = one.plugin->description;
    }
    list.push_back(std::move(entry));
  }
  return list.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace
}  // namespace cachechain

using cachechain::guard;

extern "C" {

uint32_t cachechain_abi_version(void) { return CACHECHAIN_ABI_MAJOR << 16 | CACHECHAIN_ABI_MINOR; }

int32_t cachechain_abi_check(uint32_t major, uint32_t minor) {
  return major == CACHECHAIN_ABI_MAJOR && minor <= CACHECHAIN_ABI_MINOR ? CACHECHAIN_OK : CACHECHAIN_UNSUPPORTED;
}

const char *cachechain_version(void) {
  return CACHECHAIN_TEXT(CACHECHAIN_VERSION_MAJOR) "." CACHECHAIN_TEXT(CACHECHAIN_VERSION_MINOR) "." CACHECHAIN_TEXT(
      CACHECHAIN_VERSION_PATCH);
}

const char *cachechain_status_name(int32_t status) { return cachechain::status_name(status); }

int32_t cachechain_chain_open(const uint8_t *json, uint64_t size, const cachechain_open_options *options,
                              cachechain_chain **chain, cachechain_error **error) {
  return guard(error, [&] {
    if (chain == nullptr) return cachechain::fail(error, CACHECHAIN_INVALID_ARGUMENT, "chain is NULL");
    *chain = nullptr;
    if (json == nullptr) return cachechain::fail(error, CACHECHAIN_INVALID_ARGUMENT, "json is NULL");
    return cachechain::answer(error, cachechain::open(cachechain::text(json, size), options, chain));
  });
}

int32_t cachechain_chain_close(cachechain_chain *chain, int64_t timeout_ns, uint64_t *unwritten,
                               cachechain_error **error) {
  return guard(error, [&] {
    if (unwritten != nullptr) *unwritten = 0;
    if (!cachechain::is_chain(chain)) return cachechain::no_chain(error);
    if (timeout_ns < 0) return cachechain::fail(error, CACHECHAIN_INVALID_ARGUMENT, "timeout_ns is below 0");
    if (chain->chain->forked()) return cachechain::refused(error, CACHECHAIN_FORKED);
    if (chain->whole) return cachechain::answer(error, chain->chain->close(timeout_ns));
    chain->closed.store(true, std::memory_order_relaxed);
    return cachechain::answer(error, CACHECHAIN_OK);
  });
}

void cachechain_chain_free(cachechain_chain *chain) {
  if (chain == nullptr || !cachechain::is_chain(chain)) return;
  (void)guard(nullptr, [&] {
    chain->magic = 0;
    // A child of a fork leaks what the parent's threads may have been in the middle of.
    if (!chain->chain->forked()) delete chain;
    return int32_t{CACHECHAIN_OK};
  });
}

int32_t cachechain_chain_namespace(cachechain_chain *chain, const uint8_t *name, uint64_t name_size,
                                   cachechain_chain **space, cachechain_error **error) {
  return guard(error, [&] {
    if (space == nullptr) return cachechain::fail(error, CACHECHAIN_INVALID_ARGUMENT, "space is NULL");
    *space = nullptr;
    if (name == nullptr) return cachechain::fail(error, CACHECHAIN_INVALID_ARGUMENT, "name is NULL");
    return cachechain::inside(chain, error, [&](cachechain::Chain &c, auto &) {
      const cachechain::Result<cachechain::Namespace *> made = c.space(cachechain::text(name, name_size));
      if (!made.ok()) return cachechain::fail(error, made.status());
      *space = new cachechain_chain(chain->chain, *made.value(), false);
      return cachechain::answer(error, CACHECHAIN_OK);
    });
  });
}

int32_t cachechain_chain_stats(cachechain_chain *chain, uint8_t *buf, uint64_t cap, uint64_t *needed,
                               cachechain_error **error) {
  return guard(error, [&] {
    if (needed != nullptr) *needed = 0;
    return cachechain::inside(chain, error, [&](cachechain::Chain &c, const cachechain::Caller &caller) {
      return cachechain::copy_out(chain->whole ? c.stats() : c.stats(caller.space), buf, cap, needed, error);
    });
  });
}

int32_t cachechain_chain_explain(cachechain_chain *chain, const uint8_t *key, uint64_t key_size, uint8_t *buf,
                                 uint64_t cap, uint64_t *needed, cachechain_error **error) {
  return guard(error, [&] {
    if (needed != nullptr) *needed = 0;
    if (key_size > CACHECHAIN_MAX_KEY_SIZE) {
      return cachechain::fail(error, CACHECHAIN_KEY_TOO_LONG, "a key has at most 1024 bytes");
    }
    if ((key == nullptr) != (key_size == 0)) {
      return cachechain::fail(error, CACHECHAIN_INVALID_ARGUMENT, "a key has at least one byte, and is not NULL");
    }
    return cachechain::inside(chain, error, [&](cachechain::Chain &c, const cachechain::Caller &caller) {
      const std::string text =
          key == nullptr ? c.explain(caller.space) : c.explain(caller, std::span(key, static_cast<size_t>(key_size)));
      return cachechain::copy_out(text, buf, cap, needed, error);
    });
  });
}

int32_t cachechain_config_check(const uint8_t *json, uint64_t size, uint8_t *buf, uint64_t cap, uint64_t *needed,
                                cachechain_error **error) {
  return guard(error, [&] {
    if (needed != nullptr) *needed = 0;
    if (json == nullptr) return cachechain::fail(error, CACHECHAIN_INVALID_ARGUMENT, "json is NULL");
    const cachechain::Result<cachechain::ParsedConfig> parsed = cachechain::parse_config(cachechain::text(json, size));
    if (!parsed.ok()) return cachechain::fail(error, parsed.status());
    return cachechain::copy_out(parsed->report, buf, cap, needed, error);
  });
}

int32_t cachechain_plugins(const cachechain_open_options *options, uint8_t *buf, uint64_t cap, uint64_t *needed,
                           cachechain_error **error) {
  return guard(error, [&] {
    if (needed != nullptr) *needed = 0;
    cachechain_open_options checked;
    if (const cachechain::Status bad = cachechain::check_open_options(options, checked); !bad.ok()) {
      return cachechain::fail(error, bad);
    }
    return cachechain::copy_out(cachechain::list_plugins(checked), buf, cap, needed, error);
  });
}

const void *cachechain_service(const char *name) { return name == nullptr ? nullptr : cachechain::core_service(name); }

}  // extern "C"
