#!/bin/sh
# outside.sh CMAKE BUILD CC dirstore.c: what the author of a plugin does. Installs the build into a new prefix, copies the
# one file away from the tree, builds it against the installed header and nothing else, drops it into a folder, and has
# it listed, used in a chain and put through the conformance suite by the installed command.
set -eu
umask 022
cmake=$1 build=$2 cc=$3 source=$4

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/plugins" "$work/data" "$work/scratch"

fail() { echo "outside.sh: $*" >&2; exit 1; }

"$cmake" --install "$build" --prefix "$work/prefix" >"$work/install.log" 2>&1 ||
  { cat "$work/install.log" >&2; fail "cmake --install failed"; }
command=$work/prefix/bin/cachechain

cp "$source" "$work/dirstore.c"
(cd "$work" && "$cc" -std=c11 -Wall -Wextra -Wpedantic -Werror -shared -fPIC -I"$work/prefix/include" \
  -o plugins/dirstore.so dirstore.c)
! nm -D -u "$work/plugins/dirstore.so" | grep -q cachechain_ || fail "the plugin needs symbols of the library"

"$command" plugins --plugin-path "$work/plugins" >"$work/listed"
grep -q "dirstore.*$work/plugins/dirstore.so" "$work/listed" ||
  { cat "$work/listed" >&2; fail "the plugin is not listed"; }

cat >"$work/chain.json" <<END
{"chain": "outside", "source": "application",
 "layers": [{"name": "L1", "plugin": "memory", "options": {"max_bytes": "16MiB"}},
            {"name": "L2", "plugin": "dirstore", "options": {"folder": "$work/data"}}]}
END
chain() { verb=$1; shift; "$command" "$verb" --config "$work/chain.json" --plugin-path "$work/plugins" "$@"; }
chain set greeting "hello from outside" >/dev/null
found=$(chain get greeting)
[ "$found" = "hello from outside" ] || fail "expected the value that another process set, found: $found"
chain delete greeting >/dev/null
if chain get greeting >/dev/null 2>&1; then fail "found a key that was deleted"; fi
chain stats | grep -q dirstore || fail "stats do not name the plugin"

TMPDIR=$work/scratch "$command" conform "$work/plugins/dirstore.so" --options '{"folder": "{scratch}"}' --quick ||
  fail "the conformance suite failed"
[ -z "$(ls -A "$work/scratch")" ] || fail "the conformance suite left files behind: $(ls -A "$work/scratch")"
