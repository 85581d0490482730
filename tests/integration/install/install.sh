#!/bin/sh
# install.sh cmake|pkg_config BUILD: installs the build into a prefix, builds an outside project that finds it in that
# way, and runs it; then moves the whole prefix elsewhere, and runs and builds everything again from there.
# CMAKE, CC, CXX and PKG_CONFIG name the programs to use.
set -eu
umask 022
way=$1 build=$2
here=$(cd "$(dirname "$0")" && pwd)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset CACHECHAIN_PLUGIN_PATH LD_LIBRARY_PATH

fail() { echo "install.sh: $*" >&2; exit 1; }
quietly() { "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "failed: $*"; }; }

# One copy of the outside projects, away from the tree.
cp -r "$here/with_cmake" "$here/with_pkg_config" "$work"

# Nothing installed may say where it was built or installed.
relocatable() {
  if grep -rIl -e "$build" -e "$work" "$1"; then fail "installed files name folders of this machine"; fi
}

# The command alone: it must find its library and its plugins from its own place.
command_runs() {
  prefix=$1
  "$prefix/bin/cachechain" --version >/dev/null || fail "the command does not start from $prefix"
  "$prefix/bin/cachechain" plugins >"$work/listed"
  for plugin in memory sqlite; do
    grep -q "$prefix/.*/$plugin.so" "$work/listed" ||
      { cat "$work/listed" >&2; fail "the command does not find the plugin $plugin below $prefix"; }
  done
}

with_cmake() {
  prefix=$1
  rm -rf "$work/build"
  quietly "$CMAKE" -S "$work/with_cmake" -B "$work/build" -DCMAKE_PREFIX_PATH="$prefix" \
    -DCMAKE_C_COMPILER="$CC" -DCMAKE_CXX_COMPILER="$CXX"
  quietly "$CMAKE" --build "$work/build"
  "$work/build/outside" "$work/build" || fail "the program found by CMake failed"
}

with_pkg_config() {
  prefix=$1
  PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name cachechain.pc)")
  export PKG_CONFIG_PATH
  flags=$("$PKG_CONFIG" --cflags --libs cachechain)
  libdir=$("$PKG_CONFIG" --variable=libdir cachechain)
  # shellcheck disable=SC2086
  quietly "$CC" -std=c11 -Wall -Wextra -Werror -o "$work/outside" "$work/with_pkg_config/main.c" $flags \
    -Wl,-rpath,"$libdir"
  "$work/outside" || fail "the program found by pkg-config failed"
  plugins=$("$PKG_CONFIG" --variable=plugindir cachechain)
  [ -f "$plugins/memory.so" ] || fail "plugindir of the pkg-config file is wrong: $plugins"
}

quietly "$CMAKE" --install "$build" --prefix "$work/first"
relocatable "$work/first"
command_runs "$work/first"
"with_$way" "$work/first"

mkdir "$work/moved"
mv "$work/first" "$work/moved/second place"
command_runs "$work/moved/second place"
if [ "$way" = cmake ]; then
  "with_$way" "$work/moved/second place"
else  # pkg-config and the shell do not agree about spaces in flags
  mv "$work/moved/second place" "$work/moved/third"
  "with_$way" "$work/moved/third"
fi
