#!/bin/sh
# test.sh: everything that a contributor needs to see pass, on a bare Debian 12 or 13. Installs what is missing, then
#   1. builds with the default compiler and runs every test,
#   2. runs the tests under AddressSanitizer and UndefinedBehaviorSanitizer,
#   3. runs the tests that use threads under ThreadSanitizer,
#   4. runs the C example under valgrind.
# --long adds: a build by clang with every test, the long model checks, each fuzz target for FUZZ_SECONDS (60), and the
# benchmarks. --rest SECONDS runs only what --long adds, and of that only what fits into so much time.
# Each part says what it left out and why. Exit status 0: all passed.
set -eu
cd "$(dirname "$0")/.."
. cmake/packages.sh

short=yes
long=no
end=0  # in seconds since 1970; 0: as long as it takes
case "${1:-}" in
  --long) long=yes ;;
  --rest)
    case "${2:-}" in "" | *[!0-9]*) echo "usage: sh cmake/test.sh --rest SECONDS" >&2; exit 2 ;; esac
    short=no
    long=yes
    end=$(($(date +%s) + $2)) ;;
  "") ;;
  *) echo "usage: sh cmake/test.sh [--long | --rest SECONDS]" >&2; exit 2 ;;
esac

# shellcheck disable=SC2086
install_packages $PACKAGES_BUILD $PACKAGES_TEST
# shellcheck disable=SC2086
[ $long = no ] || install_packages $PACKAGES_LONG

jobs=$(nproc)
launcher=""
if command -v ccache >/dev/null 2>&1; then
  launcher="-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache"
fi
passed=""
skipped=""

part() { echo; echo "== $1 ($(date +%H:%M:%S))"; }
done_with() { passed="$passed
  passed   $1"; }
# fits NAME SECONDS: whether a part that takes so long on two cores can still be begun; else it is skipped.
fits() {
  [ "$end" = 0 ] && return 0
  left=$((end - $(date +%s)))
  [ "$left" -ge "$2" ] && return 0
  skip "$1" "takes about $2 s, and $left s are left"
  return 1
}
skip() { echo "skipped: $1: $2"; skipped="$skipped
  skipped  $1: $2"; }

# build NAME cmake-option...: configures and builds build/NAME.
build() {
  name=$1; shift
  mkdir -p build
  # shellcheck disable=SC2086
  if ! { cmake -S . -B "build/$name" -G Ninja $launcher "$@" && cmake --build "build/$name" -j "$jobs"; } \
      >"build/$name.log" 2>&1; then
    grep -E 'error|Error|warning: unused' "build/$name.log" | head -n 40 >&2
    tail -n 20 "build/$name.log" >&2
    echo "the build of $name failed (log: build/$name.log)" >&2
    exit 1
  fi
  warnings=$(grep -c 'warning:' "build/$name.log" || true)
  echo "built $name ($warnings warnings)"
}

if [ $short = yes ]; then
  part "the default compiler, all tests"
  build release -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCACHECHAIN_BUILD_BENCHMARKS=OFF
  ctest --test-dir build/release -j "$jobs" --output-on-failure --no-tests=error
  done_with "all tests, default compiler"

  part "AddressSanitizer and UndefinedBehaviorSanitizer"
  build asan -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCACHECHAIN_SANITIZE=address,undefined
  ASAN_OPTIONS=detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1 \
    ctest --test-dir build/asan -j "$jobs" --output-on-failure --no-tests=error
  done_with "tests under ASan and UBSan"

  part "ThreadSanitizer"
  build tsan -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCACHECHAIN_SANITIZE=thread
  TSAN_OPTIONS="halt_on_error=1 suppressions=$PWD/tests/tsan.supp" \
    ctest --test-dir build/tsan -j "$jobs" --output-on-failure --no-tests=error
  done_with "tests under TSan"

  part "valgrind over the C example"
  if command -v valgrind >/dev/null 2>&1; then
    valgrind --quiet --leak-check=full --errors-for-leak-kinds=definite,indirect --error-exitcode=9 \
      build/release/tests/examples/example_c
    done_with "the C example under valgrind"
  else
    skip "the C example under valgrind" "valgrind is not installed"
  fi
fi

if [ $long = yes ]; then
  clang=""
  for candidate in clang++-16 clang++; do
    command -v "$candidate" >/dev/null 2>&1 && { clang=$candidate; break; }
  done
  if [ -z "$clang" ]; then
    skip "clang and fuzzing" "no clang is installed"
  else
    with_clang="-DCMAKE_CXX_COMPILER=$clang -DCMAKE_C_COMPILER=$(echo "$clang" | sed 's/++//')"
    if fits "all tests, $clang" 1500; then
      part "$clang, all tests"
      # shellcheck disable=SC2086
      build clang -DCMAKE_BUILD_TYPE=RelWithDebInfo $with_clang
      ctest --test-dir build/clang -j "$jobs" --output-on-failure --no-tests=error
      done_with "all tests, $clang"
    fi
    if fits "fuzz targets" 600; then
      part "fuzzing"
      # shellcheck disable=SC2086
      build fuzz -DCMAKE_BUILD_TYPE=RelWithDebInfo $with_clang -DCACHECHAIN_BUILD_FUZZERS=ON \
        -DCACHECHAIN_BUILD_TESTS=OFF -DCACHECHAIN_SANITIZE=address,undefined
      for target in build/fuzz/tests/fuzz/fuzz_*; do
        [ -f "$target" ] && [ -x "$target" ] || continue
        name=$(basename "$target")
        corpus=$(mktemp -d)
        echo "$name, ${FUZZ_SECONDS:-60} s"
        if ! "$target" -max_total_time="${FUZZ_SECONDS:-60}" -timeout=20 -rss_limit_mb=4096 -print_final_stats=1 \
            "$corpus" "tests/fuzz/corpus/${name#fuzz_}" >"build/$name.log" 2>&1; then
          tail -n 40 "build/$name.log" >&2
          exit 1
        fi
        grep -E 'number_of_executed_units|new_units_added' "build/$name.log"
        rm -rf "$corpus"
      done
      done_with "fuzz targets, ${FUZZ_SECONDS:-60} s each"
    fi
  fi

  if fits "benchmarks" 600; then
    part "benchmarks"
    build bench -DCMAKE_BUILD_TYPE=Release -DCACHECHAIN_BUILD_TESTS=OFF -DCACHECHAIN_BUILD_BENCHMARKS=ON
    for bench in build/bench/bin/bench_*; do
      "$bench" --benchmark_min_time=0.2
    done
    done_with "benchmarks ran"
  fi

  if fits "the long model checks" 1200; then
    part "the long model checks"
    build release -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCACHECHAIN_BUILD_BENCHMARKS=OFF -DCACHECHAIN_LONG_TESTS=ON
    ctest --test-dir build/release -j "$jobs" -L model --output-on-failure --no-tests=error
    done_with "the long model checks"
  fi
else
  skip "clang, the long model checks, fuzzing, benchmarks" "only with --long"
fi

echo
echo "== summary$passed$skipped"
