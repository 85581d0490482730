// Report: the effective values of a configuration and where each came from, as cachechain_config_check() answers them.
#ifndef CACHECHAIN_CONFIG_REPORT_H_
#define CACHECHAIN_CONFIG_REPORT_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace cachechain {

class Report {
 public:
  // `value` is masked already. `from` is "configuration", "default", or an origin of References.
  void add(std::string path, nlohmann::json value, std::string from);

  // {"ok": true, "values": [{"path", "value", "from"}], "warnings": [...]}
  std::string text(const std::vector<std::string> &warnings) const;

 private:
  nlohmann::ordered_json values_ = nlohmann::ordered_json::array();
};

}  // namespace cachechain

#endif  // CACHECHAIN_CONFIG_REPORT_H_
