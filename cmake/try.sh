#!/bin/sh
# try.sh: from a bare Debian 12 or 13 to a running cache. Installs what is missing, builds the library, its plugins and
# the command, and runs the main job: one million get-or-load requests through a chain of memory over SQLite.
# Arguments go to `cachechain bench`. What it builds stays in build/try.
set -eu
cd "$(dirname "$0")/.."
. cmake/packages.sh
# shellcheck disable=SC2086
install_packages $PACKAGES_BUILD

echo "cachechain: building"
log=build/try.log
mkdir -p build
if ! { cmake -S . -B build/try -G Ninja -DCMAKE_BUILD_TYPE=Release -DCACHECHAIN_BUILD_TESTS=OFF &&
       cmake --build build/try; } >"$log" 2>&1; then
  tail -n 40 "$log" >&2
  echo "cachechain: the build failed (log: $log)" >&2
  exit 1
fi
echo "cachechain: one million requests, Zipf 0.99 over 100,000 keys, memory for a tenth of them over SQLite"
build/try/bin/cachechain bench --requests 1000000 --keys 100000 "$@"
