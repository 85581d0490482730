# packages.sh: sourced by try.sh and test.sh. Installs Debian packages that are missing, as root or through sudo; on a
# machine where neither works it says what is missing and stops.

PACKAGES_BUILD="g++ cmake ninja-build pkg-config libboost-dev libspdlog-dev libfmt-dev nlohmann-json3-dev libxxhash-dev \
libzstd-dev libsqlite3-dev libcli11-dev"
PACKAGES_TEST="libgtest-dev libgmock-dev python3 spin valgrind binutils"
# Debian 12's own clang is 14, which is too old.
if grep -qs '^VERSION_ID="12"' /etc/os-release; then
  PACKAGES_LONG="clang-16 libclang-rt-16-dev libbenchmark-dev"
else
  PACKAGES_LONG="clang libclang-rt-dev libbenchmark-dev"
fi

# install_packages NAME...
install_packages() {
  if ! command -v dpkg-query >/dev/null 2>&1 || ! command -v apt-get >/dev/null 2>&1; then
    echo "cachechain: this is no Debian; make sure that these packages, or their like, are installed: $*" >&2
    return 0
  fi
  missing=""
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing="$missing $package"
  done
  [ -z "$missing" ] && return 0
  as_root=""
  if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
      echo "cachechain: run as root, or install these packages first:$missing" >&2
      return 1
    fi
    as_root="sudo"
  fi
  echo "cachechain: installing$missing"
  log=$(mktemp)
  # The package lists may be absent or old: refresh them, and go on with what there is if that fails.
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get update >"$log" 2>&1 || true
  # shellcheck disable=SC2086
  if ! $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing >>"$log" 2>&1; then
    tail -n 30 "$log" >&2
    echo "cachechain: apt-get could not install:$missing (log: $log)" >&2
    return 1
  fi
  rm -f "$log"
}
