#!/bin/sh
# lock.sh PRINT_LAYOUT client|plugin LOCK: fails with the difference if the lock file is not what the compiler sees.
set -eu
printed=$("$1" "$2")
printf '%s\n' "$printed" | diff "$3" -
