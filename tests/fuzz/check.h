// CHECK: what a fuzz target claims. Unlike assert() it holds in every kind of build.
#ifndef CACHECHAIN_TESTS_FUZZ_CHECK_H_
#define CACHECHAIN_TESTS_FUZZ_CHECK_H_

#include <cstdio>
#include <cstdlib>

#define CHECK(claim)                                                           \
  do {                                                                         \
    if (!(claim)) {                                                            \
      std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #claim); \
      std::abort();                                                            \
    }                                                                          \
  } while (false)

#endif  // CACHECHAIN_TESTS_FUZZ_CHECK_H_
