#include "config/references.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

namespace cachechain {
namespace {

using nlohmann::json;

constexpr std::string_view kHidden = "***";
constexpr std::string_view kEnvironment = "env:";
constexpr std::string_view kFile = "file:";
constexpr std::string_view kConfiguration = "configuration";

bool is_variable_name(std::string_view name) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !name.empty() && is_letter(name.front()) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

bool is_utf8(const std::string &text) {
  try {
    (void)json(text).dump();
    return true;
  } catch (const json::type_error &) {
    return false;
  }
}

void strip_newline(std::string &text) {
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
}

bool names_a_secret(std::string_view key) {
  std::string lower(key);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  for (std::string_view word : {"password", "passwd", "secret", "token"}) {
    if (lower.find(word) != lower.npos) return true;
  }
  return false;
}

// `redis://user:word@host` without who and what.
std::string without_userinfo(std::string text) {
  constexpr std::string_view kScheme = "://";
  for (size_t at = text.find(kScheme); at != text.npos; at = text.find(kScheme, at)) {
    at += kScheme.size();
    const size_t end = text.find_first_of("/?# \t\r\n\"'", at);
    const size_t sign = text.rfind('@', end);
    if (sign == text.npos || sign < at) continue;
    text.replace(at, sign - at, kHidden);
  }
  return text;
}

}  // namespace

void References::resolve(json &tree, const std::string &path) {
  if (tree.is_string()) {
    resolve_string(tree, path);
  } else if (tree.is_object()) {
    for (const auto &[key, member] : tree.items()) resolve(member, member_path(path, key));
  } else if (tree.is_array()) {
    for (size_t i = 0; i < tree.size(); ++i) resolve(tree[i], item_path(path, i));
  }
}

void References::resolve_string(json &node, const std::string &path) {
  const std::string_view given = node.get_ref<const std::string &>();
  if (given.find("${") == given.npos) return;
  Resolved resolved;
  for (size_t at = 0; at < given.size();) {
    const std::string_view rest = given.substr(at);
    if (rest.starts_with("$${")) {
      resolved.text += "${";
      at += 3;
    } else if (rest.starts_with("${")) {
      const size_t end = rest.find('}');
      if (end == rest.npos) {
        problems_.add(path, "a reference is not closed: write ${env:NAME} or ${file:PATH}, or $${ for a plain ${");
        return;
      }
      if (!append(rest.substr(2, end - 2), path, resolved)) return;
      at += end + 1;
    } else {
      resolved.text += rest.front();
      ++at;
    }
  }
  if (!resolved.from.empty()) origins_.emplace(&node, std::move(resolved.from));
  node = std::move(resolved.text);
}

bool References::append(std::string_view inside, const std::string &path, Resolved &resolved) {
  if (++count_ > kMaxReferences) {
    if (count_ == kMaxReferences + 1) {
      problems_.add(path, "more than " + std::to_string(kMaxReferences) + " references in one configuration");
    }
    return false;
  }
  std::string value;
  std::string from;
  if (inside.starts_with(kEnvironment)) {
    const std::string name(inside.substr(kEnvironment.size()));
    if (!is_variable_name(name)) {
      problems_.add(path, in_quotes(name) + " is no name of an environment variable");
      return false;
    }
    std::optional<std::string> found = surroundings_.environment(name);
    if (!found.has_value()) {
      problems_.add(path, "the environment variable " + in_quotes(name, 128) + " is not set");
      return false;
    }
    value = *std::move(found);
    from = "environment " + name;
  } else if (inside.starts_with(kFile)) {
    const std::string name(inside.substr(kFile.size()));
    if (!name.starts_with('/') || name.find('\0') != name.npos) {
      problems_.add(path, "the file " + in_quotes(name) + " must be given by its absolute path");
      return false;
    }
    Result<std::string> found = surroundings_.file(name);
    if (!found.ok()) {
      problems_.add(path,
                    "the file " + in_quotes(name, 512) + " cannot be used: " + std::string(found.status().message()));
      return false;
    }
    value = found.take();
    strip_newline(value);
    from = "file " + name;
  } else {
    problems_.add(path, in_quotes("${" + std::string(inside) + "}") +
                            " is no reference: write ${env:NAME} or ${file:PATH}, or $${ for a plain ${");
    return false;
  }
  bytes_ += value.size();
  if (bytes_ > kMaxResolvedBytes) {
    problems_.add(path, "the references of one configuration stand for more than " + std::to_string(kMaxResolvedBytes) +
                            " bytes");
    return false;
  }
  if (value.find('\0') != value.npos || !is_utf8(value)) {
    problems_.add(path, in_quotes(from, 512) + " holds what is no UTF-8 text");
    return false;
  }
  resolved.text += value;
  if (!resolved.from.empty()) resolved.from += ", ";
  resolved.from += from;
  return true;
}

const std::string *References::origin(const json &node) const {
  const auto found = origins_.find(&node);
  return found == origins_.end() ? nullptr : &found->second;
}

std::string References::origins_below(const json &node) const {
  std::set<std::string> all;
  const auto gather = [&](const auto &self, const json &one) -> void {
    if (const std::string *from = origin(one)) all.insert(*from);
    if (!one.is_structured()) return;
    for (const json &child : one) self(self, child);
  };
  gather(gather, node);
  std::string joined;
  for (const std::string &from : all) joined += (joined.empty() ? "" : ", ") + from;
  return joined.empty() ? std::string(kConfiguration) : joined;
}

json References::masked(std::string_view key, const json &node) const {
  if (origin(node) != nullptr) return kHidden;
  if (node.is_object()) {
    json copy = json::object();
    for (const auto &[name, member] : node.items()) copy[name] = masked(name, member);
    return copy;
  }
  if (node.is_array()) {
    json copy = json::array();
    for (const json &item : node) copy.push_back(masked(key, item));
    return copy;
  }
  if (!node.is_string()) return node;
  if (names_a_secret(key)) return kHidden;
  return without_userinfo(node.get<std::string>());
}

}  // namespace cachechain
