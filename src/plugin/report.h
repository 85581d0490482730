// Reports: the fixed place where the text of a failure goes. Total in both directions: whatever the text or the sizes,
// nothing is written or read outside the struct.
#ifndef CACHECHAIN_PLUGIN_REPORT_H_
#define CACHECHAIN_PLUGIN_REPORT_H_

#include <cstdint>
#include <string_view>

#include "cachechain/plugin.h"

namespace cachechain {

// `report` may be NULL. Text that is too long is cut at a character of UTF-8.
void fill_report(cachechain_report *report, int64_t native_code, bool retryable, std::string_view text);

// The text of a report that a plugin may have written by itself.
std::string_view report_text(const cachechain_report &report);

}  // namespace cachechain

#endif  // CACHECHAIN_PLUGIN_REPORT_H_
