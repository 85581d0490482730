// The lists of checks, by theme. Each check opens what it needs and looks at one idea.
#ifndef CACHECHAIN_CONFORMANCE_CHECKS_CHECKS_H_
#define CACHECHAIN_CONFORMANCE_CHECKS_CHECKS_H_

#include <span>

#include "driver/check.h"

namespace cachechain::conformance {

struct Listed {
  const char *name;
  void (*run)(Check &check);
};

std::span<const Listed> opening_checks();
std::span<const Listed> value_checks();
std::span<const Listed> key_checks();
std::span<const Listed> condition_checks();
std::span<const Listed> fence_checks();
std::span<const Listed> batch_checks();
std::span<const Listed> keeping_checks();
std::span<const Listed> thread_checks();
std::span<const Listed> chain_checks();
std::span<const Listed> history_checks();

}  // namespace cachechain::conformance

#endif  // CACHECHAIN_CONFORMANCE_CHECKS_CHECKS_H_
