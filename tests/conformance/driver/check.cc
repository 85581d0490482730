#include "driver/check.h"

#include <stdlib.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "cachechain/cachechain.h"

namespace cachechain::conformance {
namespace {

constexpr std::string_view kScratch = "{scratch}";

// An empty folder of our own, or "".
std::string make_folder() {
  std::error_code error;
  std::string name = (std::filesystem::temp_directory_path(error) / "cachechain-conformance-XXXXXX").string();
  if (error || mkdtemp(name.data()) == nullptr) return "";
  return name;
}

}  // namespace

std::string quoted(std::string_view bytes) {
  constexpr size_t kMost = 48;
  std::ostringstream out;
  out << '"';
  for (unsigned char c : bytes.substr(0, kMost)) {
    if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
      out << c;
    } else {
      constexpr char kHex[] = "0123456789abcdef";
      out << "\\x" << kHex[c >> 4] << kHex[c & 15];
    }
  }
  out << '"';
  if (bytes.size() > kMost) out << "... (" << bytes.size() << " bytes)";
  return out.str();
}

std::string status_text(int32_t status) { return text(cachechain_status_name(status), " (", status, ")"); }

Check::~Check() {
  if (scratch_.empty()) return;
  std::error_code ignored;
  std::filesystem::remove_all(scratch_, ignored);
}

std::string Check::options() {
  std::string options = subject_.options;
  if (options.find(kScratch) == std::string::npos) return options;
  if (scratch_.empty()) {
    scratch_ = make_folder();
    if (scratch_.empty()) {
      fail(text("cannot make a scratch folder: ", std::strerror(errno)));
    } else if (subject_.furnish) {
      subject_.furnish(scratch_);
    }
  }
  for (size_t at = options.find(kScratch); at != std::string::npos; at = options.find(kScratch, at)) {
    options.replace(at, kScratch.size(), scratch_);
    at += scratch_.size();
  }
  return options;
}

bool Check::holds(bool condition, std::string_view what) {
  if (!condition) fail(text("expected that ", what));
  return condition;
}

bool Check::status(int32_t found, int32_t wanted, std::string_view what) {
  if (found == wanted) return true;
  fail(text(what, ": expected ", status_text(wanted), ", found ", status_text(found)));
  return false;
}

bool Check::bytes(std::string_view found, std::string_view wanted, std::string_view what) {
  if (found == wanted) return true;
  fail(text(what, ": expected ", quoted(wanted), ", found ", quoted(found)));
  return false;
}

Verdict Check::verdict(std::string name) const {
  const std::lock_guard lock(mutex_);
  return {std::move(name), outcome_, message_};
}

void Check::stop(Outcome outcome, std::string message) {
  const std::lock_guard lock(mutex_);
  if (outcome_ != Outcome::kPassed) return;
  outcome_ = outcome;
  message_ = std::move(message);
  going_.store(false, std::memory_order_relaxed);
}

}  // namespace cachechain::conformance
