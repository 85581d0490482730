// Options: the reader of a layer's "options", one JSON object. It fills in defaults, checks types and ranges, and keeps
// every problem that it meets, so that a user learns of all of them at once:
//
//   Options options(opening.options());
//   const int64_t timeout = options.duration_ms("timeout_ms", 1000, 1, 60'000);
//   if (const std::string problems = options.problems(); !problems.empty()) {
//     return opening.fail(CACHECHAIN_CONFIG, 0, false, problems);
//   }
//
// Ask for every option that the plugin knows before problems(): a key that nobody asked for is one. A reader answers
// the fallback when the option is missing or wrong. What a text() holds is never repeated in a problem: it may be a
// secret. No exception of the JSON library leaves this class. For one thread.
#ifndef CACHECHAIN_PLUGINS_COMMON_OPTIONS_H_
#define CACHECHAIN_PLUGINS_COMMON_OPTIONS_H_

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cachechain/plugin.hpp"

namespace cachechain::plugin {

class Options {
 public:
  // No text at all counts as an empty object.
  explicit Options(std::string_view json) : object_(nlohmann::json::object()) {
    if (json.empty()) return;
    nlohmann::json parsed = nlohmann::json::parse(json, nullptr, /*allow_exceptions=*/false);
    if (parsed.is_discarded()) {
      problem("the options are not valid JSON");
    } else if (!parsed.is_object()) {
      problem(std::string("the options must be a JSON object, found ") + type_of(parsed));
    } else {
      object_ = std::move(parsed);
    }
  }

  // Milliseconds as an integer, or a text with its unit: "30s".
  int64_t duration_ms(std::string_view name, int64_t fallback, int64_t least, int64_t most) {
    return quantity(name, fallback, least, most, &parse_duration_ms, kDurations, "a duration like \"30s\"");
  }

  // Bytes as an integer, or a text with its unit: "256MiB".
  int64_t size_bytes(std::string_view name, int64_t fallback, int64_t least, int64_t most) {
    return quantity(name, fallback, least, most, &parse_size_bytes, kSizes, "a size like \"256MiB\"");
  }

  int64_t integer(std::string_view name, int64_t fallback, int64_t least, int64_t most) {
    return quantity(name, fallback, least, most, nullptr, {}, "an integer");
  }

  bool boolean(std::string_view name, bool fallback) {
    const nlohmann::json *found = ask(name);
    if (found == nullptr) return fallback;
    if (found->is_boolean()) return found->get<bool>();
    wrong(name, *found, "true or false");
    return fallback;
  }

  std::string text(std::string_view name, std::string_view fallback) {
    const nlohmann::json *found = ask(name);
    if (found == nullptr) return std::string(fallback);
    if (found->is_string()) return found->get<std::string>();
    problem(quoted(name) + " must be a text, found " + type_of(*found));
    return std::string(fallback);
  }

  // One of the texts of `allowed`.
  std::string choice(std::string_view name, std::string_view fallback, std::span<const std::string_view> allowed) {
    const nlohmann::json *found = ask(name);
    if (found == nullptr) return std::string(fallback);
    if (found->is_string()) {
      std::string given = found->get<std::string>();
      if (std::find(allowed.begin(), allowed.end(), given) != allowed.end()) return given;
    }
    std::string expected;
    for (size_t i = 0; i < allowed.size(); ++i) {
      if (i > 0) expected += i + 1 == allowed.size() ? " or " : ", ";
      expected += quoted(allowed[i]);
    }
    wrong(name, *found, expected);
    return std::string(fallback);
  }

  // True if the object has that key. To have looked is not to have asked: the key stays unknown until it is read.
  bool has(std::string_view name) const { return object_.contains(name); }

  // A finding of the caller's own.
  void problem(std::string text) { problems_.push_back(std::move(text)); }

  // "" if all is well; else every problem, joined by "; ", the keys that nobody asked for last.
  std::string problems() {
    std::vector<std::string_view> known(asked_.begin(), asked_.end());
    std::string all;
    const auto append = [&all](const std::string &text) { all += (all.empty() ? "" : "; ") + text; };
    for (const std::string &text : problems_) append(text);
    for (const auto &[key, unused] : object_.items()) {
      if (std::find(known.begin(), known.end(), key) != known.end()) continue;
      std::string text = "there is no option " + quoted(key);
      if (const std::string_view near = nearest_name(key, known); !near.empty()) {
        text += ", did you mean " + quoted(near) + "?";
      }
      append(text);
    }
    return all;
  }

 private:
  struct Unit {
    std::string_view name;
    int64_t scale;
  };
  // Largest first, for writing a limit as a user would.
  static constexpr Unit kDurations[] = {{"d", 86'400'000}, {"h", 3'600'000}, {"min", 60'000}, {"s", 1000}, {"ms", 1}};
  static constexpr Unit kSizes[] = {
      {"TiB", 1LL << 40}, {"GiB", 1LL << 30}, {"MiB", 1LL << 20}, {"KiB", 1LL << 10}, {"B", 1}};
  static constexpr size_t kLongestShown = 60;

  static std::string written(int64_t value, std::span<const Unit> units) {
    for (const Unit &unit : units) {
      if (value != 0 && value % unit.scale == 0) return std::to_string(value / unit.scale) + std::string(unit.name);
    }
    return std::to_string(value);
  }

  static std::string quoted(std::string_view text) { return shown(nlohmann::json(text)); }

  // JSON in ASCII, so that a cut never falls into a character; the type alone of what may be deep.
  static std::string shown(const nlohmann::json &value) {
    if (value.is_structured()) return type_of(value);
    std::string text = value.dump(-1, ' ', /*ensure_ascii=*/true, nlohmann::json::error_handler_t::replace);
    if (text.size() > kLongestShown) text.replace(kLongestShown, std::string::npos, "...");
    return text;
  }

  static std::string type_of(const nlohmann::json &value) {
    if (value.is_null()) return "null";
    if (value.is_object() || value.is_array()) return std::string("an ") + value.type_name();
    return std::string("a ") + value.type_name();
  }

  const nlohmann::json *ask(std::string_view name) {
    if (std::find(asked_.begin(), asked_.end(), name) == asked_.end()) asked_.emplace_back(name);
    const auto found = object_.find(name);
    return found == object_.end() ? nullptr : &*found;
  }

  void wrong(std::string_view name, const nlohmann::json &found, const std::string &expected) {
    problem(quoted(name) + " must be " + expected + ", found " + shown(found));
  }

  int64_t quantity(std::string_view name, int64_t fallback, int64_t least, int64_t most,
                   std::optional<int64_t> (*parse)(std::string_view), std::span<const Unit> units,
                   std::string_view what) {
    const nlohmann::json *found = ask(name);
    if (found == nullptr) return fallback;
    std::optional<int64_t> value;
    if (found->is_number_unsigned()) {
      if (found->get<uint64_t>() <= uint64_t{INT64_MAX}) value = found->get<int64_t>();
    } else if (found->is_number_integer()) {
      value = found->get<int64_t>();
    } else if (found->is_string() && parse != nullptr) {
      value = parse(found->get_ref<const std::string &>());
    }
    if (value.has_value() && *value >= least && *value <= most) return *value;
    wrong(name, *found, std::string(what) + " from " + written(least, units) + " to " + written(most, units));
    return fallback;
  }

  nlohmann::json object_;
  std::vector<std::string> asked_;
  std::vector<std::string> problems_;
};

}  // namespace cachechain::plugin

#endif  // CACHECHAIN_PLUGINS_COMMON_OPTIONS_H_
