// Opening and closing: what a layer says of itself, which options it refuses and how, what it leaves behind, and what
// another instance over the same options finds.
#include <algorithm>
#include <bit>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>
#include <thread>

#include "checks/checks.h"
#include "driver/layer.h"

namespace cachechain::conformance {
namespace {

using Json = nlohmann::json;

Json parse(const std::string &options) { return Json::parse(options, nullptr, /*allow_exceptions=*/false); }

std::string text_of(const Json &json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

void caps_are_coherent(Check &check) {
  Layer layer(check);
  if (!layer) return;
  const cachechain_layer_info &info = layer.info();
  if (layer.can(CACHECHAIN_CAP_INLINE)) {
    check.holds(
        layer.can(CACHECHAIN_CAP_CONCURRENT | CACHECHAIN_CAP_BUMP | CACHECHAIN_CAP_NEWER | CACHECHAIN_CAP_KINDS),
        "a layer with CAP_INLINE declares CONCURRENT, BUMP, NEWER and KINDS");
  }
  const uint64_t stores = info.caps & (CACHECHAIN_CAP_KINDS | CACHECHAIN_CAP_BYTES | CACHECHAIN_CAP_PLAIN);
  check.equal(std::popcount(stores), 1, "how many of KINDS, BYTES and PLAIN are declared");
  constexpr uint64_t kNotPlain = CACHECHAIN_CAP_INLINE | CACHECHAIN_CAP_NEWER | CACHECHAIN_CAP_BUMP |
                                 CACHECHAIN_CAP_EXACT | CACHECHAIN_CAP_FENCE | CACHECHAIN_CAP_SWEEP;
  check.holds(stores != CACHECHAIN_CAP_PLAIN || (info.caps & kNotPlain) == 0,
              "a layer with CAP_PLAIN declares nothing that needs versions, kinds or namespaces");
  check.equal(info.struct_size, sizeof(info), "struct_size in the layer's info, which is the core's");
  check.holds(info.max_key_size <= CACHECHAIN_MAX_KEY_SIZE, "max_key_size is at most 1,024");
  check.holds(info.endpoint_size == 0 || info.endpoint != nullptr, "an endpoint with a size has a text");
  Caller caller(layer);
  uint64_t removed = 0;
  const bool sweeps = caller.sweep(&first_space(), removed) != CACHECHAIN_UNSUPPORTED;
  check.equal(sweeps, layer.can(CACHECHAIN_CAP_SWEEP), "whether it has a sweep slot, as CAP_SWEEP says");
}

// Opening with these options must fail and name `name`.
void refused(Check &check, const std::string &options, std::string_view name) {
  if (!check.going()) return;
  const Refusal refusal = try_open(check, options);
  const std::string what = text("open with ", options);
  check.status(refusal.status, CACHECHAIN_CONFIG, what);
  check.holds(!refusal.left_instance, text("a refused ", what, " leaves no instance"));
  check.holds(refusal.report.find(name) != std::string::npos,
              text("the report of ", what, " names ", name, "; found ", quoted(refusal.report)));
}

void unknown_option_is_refused(Check &check) {
  Json options = parse(check.options());
  if (!check.holds(options.is_object(), "the subject's options are a JSON object")) return;
  options["no_such_option"] = 1;
  refused(check, text_of(options), "no_such_option");
}

void wrong_types_are_refused(Check &check) {
  const Json options = parse(check.options());
  if (!check.holds(options.is_object(), "the subject's options are a JSON object")) return;
  if (options.empty()) return check.skip("the subject was given no option to spoil");
  for (const auto &[name, value] : options.items()) {
    for (const Json &wrong : {Json::array(), Json(nullptr), Json::object({{"no_such_member", 1}})}) {
      if (wrong.type() == value.type()) continue;
      Json spoilt = options;
      spoilt[name] = wrong;
      refused(check, text_of(spoilt), name);
    }
  }
}

// How many descriptors and threads this process has.
size_t entries(const char *folder) {
  std::error_code error;
  size_t count = 0;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) ++count;
  return count;
}

void leaves_nothing_behind(Check &check) {
  uint64_t version = 1;  // the store may outlive the instance
  const auto open_and_use = [&] {
    Layer layer(check);
    Caller caller(layer);
    caller.stores({.key = "k", .data = "v", .version = version += 2});
    caller.finds("k", "v", "get in an instance of many");
  };
  for (int i = 0; i < 2; ++i) open_and_use();  // whatever a library sets up once
  const size_t descriptors = entries("/proc/self/fd");
  const size_t threads = entries("/proc/self/task");
  const int times = check.repeat(100);
  for (int i = 0; i < times && check.going(); ++i) open_and_use();
  check.equal(entries("/proc/self/fd"), descriptors,
              text("open descriptors after opening and closing ", times, " times"));
  // A thread that was joined may still be listed for a moment.
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  while (entries("/proc/self/task") > threads && std::chrono::steady_clock::now() < give_up) std::this_thread::yield();
  check.holds(entries("/proc/self/task") <= threads,
              text("no thread is left after opening and closing ", times, " times; there were ", threads, ", now ",
                   entries("/proc/self/task")));
}

void instances_are_apart(Check &check) {
  Layer first(check);
  if (!first) return;
  if (first.can(CACHECHAIN_CAP_SHARED) || first.can(CACHECHAIN_CAP_PERSISTENT)) {
    return check.skip("two instances over the same options share what they store");
  }
  Layer second(check);
  Caller one(first);
  Caller other(second);
  one.stores({.key = "k", .data = "of the first"});
  other.misses("k", "get from another instance");
  other.stores({.key = "k", .data = "of the second"});
  one.finds("k", "of the first", "get after the same key was put into another instance");
  second.close();
  one.finds("k", "of the first", "get after another instance was closed");
}

void instances_share(Check &check) {
  Layer first(check);
  if (!first.needs(CACHECHAIN_CAP_SHARED)) return;
  Layer second(check);
  Caller one(first);
  Caller other(second);
  one.stores({.key = "k", .data = "of the first", .version = 3});
  other.finds("k", "of the first", "get from a second instance over the same store");
  other.stores({.key = "k", .data = "of the second", .version = 5});
  one.finds("k", "of the second", "get after the second instance overwrote it");
  other.erase("k");
  one.misses("k", "get after the second instance erased it");
  if (first.can(CACHECHAIN_CAP_NEWER)) {
    one.stores({.key = "n", .data = "newer", .version = 9, .condition = CACHECHAIN_PUT_NEWER});
    check.status(other.put({.key = "n", .data = "older", .version = 7, .condition = CACHECHAIN_PUT_NEWER}).status,
                 CACHECHAIN_SUPERSEDED, "an older put through the second instance");
  }
  first.close();
  other.stores({.key = "k", .data = "still open", .version = 11});
  other.finds("k", "still open", "get from the second instance after the first was closed");
}

void persists(Check &check) {
  constexpr uint32_t kEntries = 200;
  const auto value_of = [](uint32_t i) { return i % 50 == 0 ? std::string() : std::string(i * 7, 'a' + i % 26); };
  {
    Layer layer(check);
    if (!layer.needs(CACHECHAIN_CAP_PERSISTENT)) return;
    Caller caller(layer);
    for (uint32_t i = 0; i < kEntries && check.going(); ++i) {
      caller.stores({.key = Key(text("key ", i)), .data = value_of(i), .version = 1001 + 2 * uint64_t{i}});
    }
  }
  Layer layer(check);
  Caller caller(layer);
  for (uint32_t i = 0; i < kEntries && check.going(); ++i) {
    const Got got = caller.get(text("key ", i));
    check.status(got.status, CACHECHAIN_OK, text("get of key ", i, " after the layer was closed and opened again"));
    check.bytes(got.data(), value_of(i), text("the value of key ", i, " after that"));
    if (layer.keeps_metadata()) {
      check.equal(got.version, 1001 + 2 * uint64_t{i}, text("the version of key ", i, " after that"));
    }
  }
}

constexpr Listed kChecks[] = {
    {"slots.caps_are_coherent", caps_are_coherent},
    {"slots.unknown_option_is_refused", unknown_option_is_refused},
    {"slots.wrong_types_are_refused", wrong_types_are_refused},
    {"slots.open_and_close_leave_nothing_behind", leaves_nothing_behind},
    {"slots.instances_are_apart", instances_are_apart},
    {"slots.instances_share", instances_share},
    {"slots.persists", persists},
};

}  // namespace

std::span<const Listed> opening_checks() { return kChecks; }

}  // namespace cachechain::conformance
