# shellcheck shell=bash
# What ./run and ./test share: finding and installing what is missing, building a preset, and saying so. Sourced.
# Nothing here writes to stdout.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
logs=$root/build/log
last_log=
trap 'exit 130' INT

say() { printf 'logitpeek: %s\n' "$*" >&2; }

die() {
  say "$@"
  exit 1
}

# fail_with_log MESSAGE: the part of the last step's log that matters, then what went wrong and where the whole log lies.
fail_with_log() {
  if grep -qE 'code (EAI_AGAIN|ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH)' "$last_log"; then
    die "could not download the page's packages: there is no network, or no way to npm's registry (the whole log: $last_log)"
  fi
  if grep -q '^FAILED: ' "$last_log"; then
    sed -n '/^FAILED: /,$p' "$last_log" | head -n 60 >&2
  else
    tail -n 40 "$last_log" >&2
  fi
  die "$1 (the whole log: $last_log)"
}

# --- Steps: quiet commands that show their latest line while they work ---

# Reads a command's output and shows its latest line: in place on a terminal, elsewhere one line every five seconds.
# INT is ignored so that an interrupted command can still write while it cleans up.
show_latest_line() {
  local title=$1 line next='' in_place=
  trap '' INT
  if [ -t 2 ] && [ "${TERM:-dumb}" != dumb ]; then in_place=1; fi
  while IFS= read -r line; do
    case $line in *[![:space:]]*) ;; *) continue ;; esac
    case $line in "ninja: no work to do."* | *"Re-checking globbed directories..."*) continue ;; esac
    if [ -n "$in_place" ]; then
      line="$title: ${line/Building CXX object src\/CMakeFiles\//}"
      printf '\r\033[K%s' "${line:0:78}" >&2
    elif [ -z "$next" ]; then
      printf '  %s\n' "$title" >&2
      next=$((SECONDS + 5))
    elif [ "$SECONDS" -ge "$next" ]; then
      printf '  %s: %s\n' "$title" "$line" >&2
      next=$((SECONDS + 5))
    fi
  done
  if [ -n "$in_place" ]; then printf '\r\033[K' >&2; fi
}

# step NAME TITLE COMMAND...: runs COMMAND without stdin, its output in build/log/NAME.log. Returns its exit status.
step() {
  local title=$2 status=0
  last_log=$logs/$1.log
  shift 2
  "$@" </dev/null 2>&1 8>&- 9>&- | tee -i "$last_log" | show_latest_line "$title" || status=$?
  return "$status"
}

# --- One at a time ---

# Two builds in one folder would write over each other: the second waits. Without flock(1), part of every Linux, there is no lock.
# Held on descriptor 9 and by this shell only: step() closes it, so that a program left behind does not hold it.
lock() { ! command -v flock >/dev/null || flock "$@"; }

take_lock() {
  { mkdir -p "$logs" && exec 9>>"$root/build/.lock"; } 2>/dev/null ||
    die "cannot write to $root/build: run this as the owner of the checkout"
  lock -n 9 && return 0
  say "another ./run or ./test is building in this folder: waiting for it"
  lock 9
}

drop_lock() { exec 9>&-; }

# --- What is missing ---

# Asked for are the things themselves (a command, a header) and not Debian's packages, so that a compiler or a Node.js from
# elsewhere counts and every system is checked in the same way.
missing=()  # Debian packages
sought=()   # beside each: what was looked for

need_command() {  # need_command PACKAGE COMMAND
  command -v "$2" >/dev/null || { missing+=("$1") && sought+=("command $2"); }
}

need_headers() {  # need_headers PACKAGE HEADER [PACKAGE HEADER ...]: one run of the preprocessor asks for all
  local package header
  while read -r package header; do
    missing+=("$package")
    sought+=("header $header")
  done < <(if command -v g++ >/dev/null; then absent_headers "$@"; else printf '%s %s\n' "$@"; fi)
}

absent_headers() {
  while [ $# -gt 0 ]; do
    printf '#if !__has_include(<%s>)\n%s %s\n#endif\n' "$2" "$1" "$2"
    shift 2
  done | g++ -E -P -x c++ - | grep .
}

need_node() {
  local version=none
  if command -v node >/dev/null && command -v npm >/dev/null; then version=$(node --version); fi
  version=${version#v}
  case ${version%%.*} in
    [0-9] | 1[0-7] | none) missing+=(nodejs npm) && sought+=("command node, 18 or newer; found: $version" "command npm") ;;
  esac
}

need_to_build() {
  need_command g++ g++
  need_command cmake cmake
  need_command ninja-build ninja
  need_command pkg-config pkg-config
  need_command python3 python3
  need_headers libhwy-dev hwy/highway.h libfmt-dev fmt/format.h nlohmann-json3-dev nlohmann/json.hpp \
    libcli11-dev CLI/CLI.hpp libcpp-httplib-dev httplib.h libboost-dev boost/beast/websocket.hpp libpcre2-dev pcre2.h
  need_node
  # Debian's Node.js trusts the system's certificates, which a minimal system does not have.
  if [ -e /etc/debian_version ] && [ ! -e /etc/ssl/certs/ca-certificates.crt ]; then
    missing+=(ca-certificates)
    sought+=("file /etc/ssl/certs/ca-certificates.crt")
  fi
}

need_to_test() {
  need_headers libgtest-dev gtest/gtest.h librapidcheck-dev rapidcheck.h
  need_command curl curl  # docs/http-api.md is run as written
  need_command jq jq
  find_chromium || { missing+=(chromium) && sought+=("command chromium"); }
}

# The browser for the page's tests, in LOGITPEEK_CHROMIUM: what it already names, else the first one on PATH.
find_chromium() {
  local name
  for name in ${LOGITPEEK_CHROMIUM:+"$LOGITPEEK_CHROMIUM"} chromium chromium-browser google-chrome google-chrome-stable; do
    if LOGITPEEK_CHROMIUM=$(command -v "$name"); then
      export LOGITPEEK_CHROMIUM
      return 0
    fi
  done
  unset LOGITPEEK_CHROMIUM
  return 1
}

list_missing() {
  local i
  for i in "${!missing[@]}"; do printf '  %s (%s)\n' "${missing[i]}" "${sought[i]}" >&2; done
}

# --- Installing ---

# apt_get ARG...: as root, at once; otherwise through sudo, which asks for a password on the terminal if it needs one.
apt_get() {
  local as_root=(env)
  if [ "$EUID" -ne 0 ]; then as_root=(sudo env); fi
  "${as_root[@]}" DEBIAN_FRONTEND=noninteractive apt-get -y -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=2 "$@"
}

# Lists that cannot be refreshed are no failure yet: the packages may be known already. What the install says is what counts.
apt_install() {
  apt_get update || echo "apt-get update failed; trying with the lists that are here"
  apt_get install --no-install-recommends "$@"
}

# Installs the packages in `missing`, or says what to install and stops.
install_missing() {
  [ ${#missing[@]} -gt 0 ] || return 0
  local by_hand="apt-get update && apt-get install --no-install-recommends ${missing[*]}"
  if ! command -v apt-get >/dev/null; then
    say "these are missing; the names are those of Debian's packages:"
    list_missing
    die "this system has no apt-get: install them its own way, then start this again"
  fi
  if [ "$EUID" -ne 0 ] && ! { command -v sudo >/dev/null && sudo -v 1>&2; }; then
    die "packages are missing and installing them takes root; run as root, then start this again: $by_hand"
  fi
  say "installing ${#missing[@]} Debian packages: ${missing[*]}"
  if ! step apt "installing" apt_install "${missing[@]}"; then
    if grep -qE 'Temporary failure resolving|Could not (resolve|connect)|Unable to connect|Network is unreachable' "$last_log"; then
      die "could not download Debian packages: there is no network, or no way to Debian's mirror (the whole log: $last_log)"
    fi
    fail_with_log "apt-get could not install what is missing"
  fi
  check_installed
}

# What is still not found after the install stands behind something else, most often an old Node.js earlier on PATH.
check_installed() {
  missing=() sought=()
  hash -r
  need_to_build
  if [ -n "${testing:-}" ]; then need_to_test; fi
  [ ${#missing[@]} -gt 0 ] || return 0
  say "installed, but still not found:"
  list_missing
  die "is another version in front of it on PATH? (node: $(command -v node || echo none))"
}

# --- Building ---

# needs_configure FOLDER: nothing was configured there, or with other presets, or for a checkout that has moved since.
needs_configure() {
  [ ! -e "$1/build.ninja" ] || [ "$1/build.ninja" -ot "$root/CMakePresets.json" ] ||
    ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$1/CMakeCache.txt"
}

# configure PRESET [-DOPTION=VALUE ...]: where it must, and always where an option is given. A folder of another checkout starts afresh.
configure() {
  local preset=$1 folder=$root/build/$1
  shift
  if [ $# -eq 0 ] && ! needs_configure "$folder"; then return 0; fi
  if ! grep -qsxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$folder/CMakeCache.txt"; then set -- --fresh "$@"; fi
  step "configure-$preset" "configuring $preset" cmake -S "$root" --preset "$preset" "$@"
}

compile() {  # compile PRESET [ARGUMENT-OF-CMAKE-BUILD ...]
  local preset=$1
  shift
  step "build-$preset" "building $preset" cmake --build "$root/build/$preset" "$@"
}
