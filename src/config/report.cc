#include "config/report.h"

#include <utility>

namespace cachechain {

using nlohmann::ordered_json;

void Report::add(std::string path, nlohmann::json value, std::string from) {
  ordered_json row = ordered_json::object();
  row["path"] = std::move(path);
  row["value"] = ordered_json(value);
  row["from"] = std::move(from);
  values_.push_back(std::move(row));
}

std::string Report::text(const std::vector<std::string> &warnings) const {
  ordered_json whole = ordered_json::object();
  whole["ok"] = true;
  whole["values"] = values_;
  whole["warnings"] = warnings;
  return whole.dump();
}

}  // namespace cachechain
