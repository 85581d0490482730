#include "plugin/report.h"

#include <algorithm>
#include <cstring>

namespace cachechain {

void fill_report(cachechain_report *report, int64_t native_code, bool retryable, std::string_view text) {
  if (report == nullptr) return;
  size_t size = std::min(text.size(), sizeof report->text);
  if (size < text.size()) {
    while (size > 0 && (static_cast<uint8_t>(text[size]) & 0xc0) == 0x80) --size;
  }
  report->native_code = native_code;
  report->retryable = retryable ? 1 : 0;
  report->size = static_cast<uint32_t>(size);
  if (size != 0) std::memcpy(report->text, text.data(), size);
}

std::string_view report_text(const cachechain_report &report) {
  return {reinterpret_cast<const char *>(report.text), std::min<size_t>(report.size, sizeof report.text)};
}

}  // namespace cachechain
