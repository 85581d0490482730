#include "progress.h"

#include <algorithm>
#include <string>

#include "output.h"

namespace cachechain::tool {
namespace {

constexpr size_t kBarWidth = 30;

std::string bar(double share) {
  auto full = static_cast<size_t>(share * static_cast<double>(kBarWidth));
  return "[" + std::string(full, '#') + std::string(kBarWidth - full, '.') + "]";
}

}  // namespace

Progress::Progress(bool enabled, uint64_t total)
    : enabled_(enabled), total_(total), begin_(std::chrono::steady_clock::now()) {}

Progress::~Progress() {
  if (enabled_) show_status("");
}

void Progress::update(uint64_t done, double share) {
  if (!enabled_) return;
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
  if (total_ > 0) share = static_cast<double>(done) / static_cast<double>(total_);
  std::string line = grouped(done) + " done, " + grouped(static_cast<uint64_t>(rate)) + " a second";
  if (share >= 0) {
    share = std::min(share, 1.0);
    line = bar(share) + " " + decimal(100 * share, 0) + " %  " + line;
    if (share > 0.01) line += ", " + decimal(seconds / share - seconds, 0) + " s left";
  }
  show_status(line);
}

}  // namespace cachechain::tool
