// From the text of a configuration to ChainSettings. Total: any bytes give settings or a CONFIG failure whose message
// lists every problem on a line of its own, each with its JSON path (`layers[1].ttl_ms: ...`) or, where the text is not
// JSON, with line and column, and with a suggestion where one is near. Opens nothing; reads the files and environment
// variables that the text names.
#ifndef CACHECHAIN_CONFIG_PARSE_H_
#define CACHECHAIN_CONFIG_PARSE_H_

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "config/settings.h"
#include "config/surroundings.h"

namespace cachechain {

struct ParsedConfig {
  ChainSettings settings;
  std::vector<std::string> warnings;  // incoherent, but not wrong
  // What cachechain_config_check() answers: {"ok": true, "values": [{"path", "value", "from"}], "warnings"}, where
  // "from" is "configuration", "default", "environment NAME" or "file PATH"; secrets are shown as "***".
  std::string report;
};

Result<ParsedConfig> parse_config(std::string_view text);
// The same on a machine that a test made up.
Result<ParsedConfig> parse_config(std::string_view text, Surroundings &surroundings);

}  // namespace cachechain

#endif  // CACHECHAIN_CONFIG_PARSE_H_
