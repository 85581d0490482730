// Coherence: what is allowed in a configuration and still most likely not meant.
#ifndef CACHECHAIN_CONFIG_COHERENCE_H_
#define CACHECHAIN_CONFIG_COHERENCE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "config/settings.h"

namespace cachechain {

// `memory_bytes` is what the process may use, 0 if unknown. Each warning begins with its JSON path.
std::vector<std::string> warnings_about(const ChainSettings &settings, uint64_t memory_bytes);

}  // namespace cachechain

#endif  // CACHECHAIN_CONFIG_COHERENCE_H_
