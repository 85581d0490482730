// Fields: the members of one object of a configuration, read by name and type. Each reader gives the checked value, or
// the default if the member is absent; if it is wrong, a problem is recorded and the default given, so that reading
// goes on and finds the next problem. Each value read is a row of the report.
#ifndef CACHECHAIN_CONFIG_FIELDS_H_
#define CACHECHAIN_CONFIG_FIELDS_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>

#include "config/problems.h"
#include "config/references.h"
#include "config/report.h"

namespace cachechain {

// What reading needs besides the object. Outlives the Fields.
struct Reading {
  const References &references;
  Problems &problems;
  Report &report;
};

class Fields {
 public:
  // `object` is an object and outlives the Fields; `path` is where it stands.
  Fields(const nlohmann::json &object, std::string path, Reading reading);

  // NULL if it is absent.
  const nlohmann::json *find(std::string_view key) const;
  std::string path_of(std::string_view key) const { return member_path(path_, key); }

  // An integer in milliseconds, or a string with its unit.
  int64_t duration_ms(std::string_view key, int64_t fallback, int64_t least, int64_t most);
  // An integer in bytes, or a string with its unit.
  uint64_t size_bytes(std::string_view key, uint64_t fallback, uint64_t least, uint64_t most);
  int64_t integer(std::string_view key, int64_t fallback, int64_t least, int64_t most);
  double share(std::string_view key, double fallback, double most);
  bool flag(std::string_view key, bool fallback);
  // A string for which `fits` answers true; `rule` tells in a message what is allowed.
  std::string text(std::string_view key, std::string_view fallback, bool (*fits)(std::string_view),
                   std::string_view rule);
  // One of the `words`. `later` are those of a later release.
  std::string word(std::string_view key, std::string_view fallback, std::span<const std::string_view> words,
                   std::span<const std::string_view> later = {});

  void require(std::string_view key);
  // Complains about every key that is in neither list; `elsewhere` are keys of another object, named `place`.
  void refuse_others(std::span<const std::string_view> known, std::span<const std::string_view> later,
                     std::span<const std::string_view> elsewhere, std::string_view place);

  // Complains about a member.
  void wrong(std::string_view key, std::string_view what);
  // The member as a message may show it: `is "30 sec"`, or `is ***` for a secret.
  std::string is_shown(const nlohmann::json &node) const;

 private:
  void note(std::string_view key, nlohmann::json value);
  // The number of milliseconds or bytes that `node` stands for, or -1 after a complaint.
  int64_t quantity(std::string_view key, const nlohmann::json &node, bool duration);

  const nlohmann::json &object_;
  std::string path_;
  Reading reading_;
};

}  // namespace cachechain

#endif  // CACHECHAIN_CONFIG_FIELDS_H_
