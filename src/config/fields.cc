#include "config/fields.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "cachechain/plugin.hpp"
#include "config/keys.h"

namespace cachechain {
namespace {

using nlohmann::json;

bool contains(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// `"a", "b" or "c"`
std::string listed(std::span<const std::string_view> words) {
  std::string list;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i != 0) list += i + 1 == words.size() ? " or " : ", ";
    list += in_quotes(words[i]);
  }
  return list;
}

}  // namespace

Fields::Fields(const json &object, std::string path, Reading reading)
    : object_(object), path_(std::move(path)), reading_(reading) {}

const json *Fields::find(std::string_view key) const {
  const auto found = object_.find(key);
  return found == object_.end() ? nullptr : &*found;
}

int64_t Fields::quantity(std::string_view key, const json &node, bool duration) {
  std::optional<int64_t> number;
  if (node.is_number_unsigned()) {
    const uint64_t given = node.get<uint64_t>();
    if (given <= INT64_MAX) number = static_cast<int64_t>(given);
  } else if (node.is_string()) {
    const std::string &given = node.get_ref<const std::string &>();
    number = duration ? plugin::parse_duration_ms(given) : plugin::parse_size_bytes(given);
  }
  if (number.has_value()) return *number;
  wrong(key, (duration ? R"(must be a duration such as 250, "30s" or "10min", and )"
                       : R"(must be a size such as 4096, "64KiB" or "256MiB", and )") +
                 is_shown(node));
  return -1;
}

int64_t Fields::duration_ms(std::string_view key, int64_t fallback, int64_t least, int64_t most) {
  int64_t value = fallback;
  if (const json *node = find(key)) {
    const int64_t given = quantity(key, *node, /*duration=*/true);
    if (given >= least && given <= most) {
      value = given;
    } else if (given >= 0) {
      wrong(key,
            "must be from " + std::to_string(least) + " to " + std::to_string(most) + " ms, and " + is_shown(*node));
    }
  }
  note(key, value);
  return value;
}

uint64_t Fields::size_bytes(std::string_view key, uint64_t fallback, uint64_t least, uint64_t most) {
  uint64_t value = fallback;
  if (const json *node = find(key)) {
    const int64_t given = quantity(key, *node, /*duration=*/false);
    if (given >= 0 && static_cast<uint64_t>(given) >= least && static_cast<uint64_t>(given) <= most) {
      value = static_cast<uint64_t>(given);
    } else if (given >= 0) {
      wrong(key,
            "must be from " + std::to_string(least) + " to " + std::to_string(most) + " bytes, and " + is_shown(*node));
    }
  }
  note(key, value);
  return value;
}

int64_t Fields::integer(std::string_view key, int64_t fallback, int64_t least, int64_t most) {
  int64_t value = fallback;
  if (const json *node = find(key)) {
    const bool fits = node->is_number_unsigned() ? node->get<uint64_t>() <= static_cast<uint64_t>(most)
                                                 : node->is_number_integer() && node->get<int64_t>() <= most;
    if (fits && node->get<int64_t>() >= least) {
      value = node->get<int64_t>();
    } else {
      wrong(key, "must be an integer from " + std::to_string(least) + " to " + std::to_string(most) + ", and " +
                     is_shown(*node));
    }
  }
  note(key, value);
  return value;
}

double Fields::share(std::string_view key, double fallback, double most) {
  double value = fallback;
  if (const json *node = find(key)) {
    const double given = node->is_number() ? node->get<double>() : -1;
    if (given >= 0 && given <= most) {
      value = given;
    } else {
      wrong(key, "must be a number from 0 to " + json(most).dump() + ", and " + is_shown(*node));
    }
  }
  note(key, value);
  return value;
}

bool Fields::flag(std::string_view key, bool fallback) {
  bool value = fallback;
  if (const json *node = find(key)) {
    if (node->is_boolean()) {
      value = node->get<bool>();
    } else {
      wrong(key, "must be true or false, and " + is_shown(*node));
    }
  }
  note(key, value);
  return value;
}

std::string Fields::text(std::string_view key, std::string_view fallback, bool (*fits)(std::string_view),
                         std::string_view rule) {
  std::string value(fallback);
  if (const json *node = find(key)) {
    if (node->is_string() && fits(node->get_ref<const std::string &>())) {
      value = node->get<std::string>();
    } else {
      wrong(key, "must be " + std::string(rule) + ", and " + is_shown(*node));
    }
  }
  note(key, value);
  return value;
}

std::string Fields::word(std::string_view key, std::string_view fallback, std::span<const std::string_view> words,
                         std::span<const std::string_view> later) {
  std::string value(fallback);
  if (const json *node = find(key)) {
    const std::string given = node->is_string() ? node->get<std::string>() : std::string();
    const bool secret = reading_.references.origin(*node) != nullptr;
    if (contains(words, given)) {
      value = given;
    } else if (contains(later, given) && !secret) {
      wrong(key, in_quotes(given) + " is not in this release; it can be " + listed(words));
    } else {
      wrong(key, "must be " + listed(words) + ", and " + is_shown(*node) +
                     suggestion(secret ? std::string_view() : plugin::nearest_name(given, words)));
    }
  }
  note(key, value);
  return value;
}

void Fields::require(std::string_view key) {
  if (find(key) == nullptr) wrong(key, "is missing");
}

void Fields::refuse_others(std::span<const std::string_view> known, std::span<const std::string_view> later,
                           std::span<const std::string_view> elsewhere, std::string_view place) {
  for (const auto &item : object_.items()) {
    const std::string &key = item.key();
    if (is_user_key(key) || contains(known, key)) continue;
    if (contains(later, key)) {
      wrong(key, "is not in this release");
    } else if (contains(elsewhere, key)) {
      wrong(key, "does not belong here but " + std::string(place));
    } else {
      wrong(key, "unknown key" + suggestion(plugin::nearest_name(key, known)));
    }
  }
}

void Fields::wrong(std::string_view key, std::string_view what) { reading_.problems.add(path_of(key), what); }

std::string Fields::is_shown(const json &node) const {
  if (reading_.references.origin(node) != nullptr) return "is ***";
  if (node.is_structured()) return std::string("is an ") + node.type_name();
  if (node.is_string()) return "is " + in_quotes(node.get_ref<const std::string &>());
  return "is " + node.dump();
}

void Fields::note(std::string_view key, json value) {
  const json *const node = find(key);
  if (node == nullptr) {
    reading_.report.add(path_of(key), std::move(value), "default");
  } else if (const std::string *from = reading_.references.origin(*node)) {
    reading_.report.add(path_of(key), "***", *from);
  } else {
    reading_.report.add(path_of(key), std::move(value), "configuration");
  }
}

}  // namespace cachechain
