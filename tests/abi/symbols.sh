#!/bin/sh
# What the libraries export and need, as `nm` sees it.
#
#   symbols.sh core LIBRARY exports.txt   exports exactly what the list says; needs nothing of fmt or spdlog
#   symbols.sh plugins FOLDER             every *.so there exports its entry function and nothing else
set -eu
export LC_ALL=C

exported() { nm -D --defined-only "$1" | awk '$2 != "A" { print $3 }' | sort; }

case "$1" in
  core)
    exported "$2" | diff "$3" - || { echo "$2 does not export what $3 lists" >&2; exit 1; }
    if nm -D -u -C "$2" | grep -E 'fmt::|spdlog'; then
      echo "$2 needs symbols of fmt or spdlog" >&2
      exit 1
    fi
    ;;
  plugins)
    count=0
    for plugin in "$2"/*.so; do
      found=$(exported "$plugin")
      if [ "$found" != cachechain_plugin_entry_v1 ]; then
        echo "$plugin exports:" "${found:-nothing}" >&2
        exit 1
      fi
      count=$((count + 1))
    done
    echo "$count plugins"
    ;;
  *) echo "usage: symbols.sh core LIBRARY LIST | plugins FOLDER" >&2; exit 2 ;;
esac
