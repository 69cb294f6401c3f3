#!/bin/sh
# Gets what is missing to run the demo or the tests, and nothing else. Does nothing, quickly, when all is there.
#
#   sh scripts/setup.sh [demo|test]      install what that needs
#   . scripts/setup.sh; setup test       the same, and leaves `deno` on this shell's PATH
#
# Deno comes from PATH or ~/.deno/bin; failing that from npm, into .tools/ (git-ignored: delete it and it is gone).
# Libraries come from apt-get, with sudo when not root. Where neither is possible it says so in one sentence.
# shellcheck disable=SC3043  # `local` is not in POSIX, but in dash, bash, ash and every sh we know

RTCBOT_DENO_WANTED=2.9    # oldest that will do: major.minor
RTCBOT_DENO_INSTALL=2.9.6 # what npm installs when there is none

say() { printf '%s\n' "$*" >&2; }
die() {
  say ""
  say "$*"
  return 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# ---------------------------------------------------------------- Deno

# deno_is_new PROGRAM: true if it runs and is RTCBOT_DENO_WANTED or newer.
deno_is_new() {
  local version major minor
  version=$("$1" --version 2>/dev/null | sed -n 's/^deno \([0-9]*\.[0-9]*\).*/\1/p') || return 1
  [ -n "$version" ] || return 1
  major=${version%%.*} minor=${version#*.}
  [ "$major" -gt "${RTCBOT_DENO_WANTED%%.*}" ] && return 0
  [ "$major" -eq "${RTCBOT_DENO_WANTED%%.*}" ] && [ "$minor" -ge "${RTCBOT_DENO_WANTED#*.}" ]
}

# find_deno TOOLS: puts a good enough deno on PATH.
find_deno() {
  local program
  have deno && deno_is_new deno && return 0
  # The program itself, not npm's wrapper in JavaScript: that one needs the post-install script which npm may
  # have refused to run, and it does not pass signals on.
  for program in "${HOME:-/nonexistent}/.deno/bin/deno" "$1"/node_modules/@deno/*/deno; do
    if [ -x "$program" ] && deno_is_new "$program"; then
      PATH=${program%/*}:$PATH
      export PATH
      return 0
    fi
  done
  return 1
}

get_deno() {
  local tools log
  tools=$1
  find_deno "$tools" && return 0
  if ! have npm; then
    die "Cannot get Deno: neither deno $RTCBOT_DENO_WANTED or newer nor npm is on PATH; install Node.js with npm, or Deno, and run this again."
    return 1
  fi
  case "$(uname -s)-$(uname -m)" in
  Linux-x86_64 | Linux-aarch64 | Linux-arm64 | Darwin-x86_64 | Darwin-arm64) ;;
  *)
    die "Cannot get Deno: there is no build for $(uname -s) on $(uname -m); use a 64-bit system (on a Raspberry Pi the 64-bit OS)."
    return 1
    ;;
  esac
  if have deno; then say "The deno on PATH is older than $RTCBOT_DENO_WANTED, so the project gets its own."; fi
  say "Getting Deno $RTCBOT_DENO_INSTALL by npm, into ${tools##*/}/ (once, about 45 MB) ..."
  mkdir -p "$tools" || {
    die "Cannot get Deno: $tools cannot be made; make the checkout writable and run this again."
    return 1
  }
  log=$tools/npm.log
  # Not `npm --prefix`: with that npm forgets its global file, and so a company's mirror and certificates.
  echo '{ "private": true }' >"$tools/package.json"
  if ! (
    cd -- "$tools" && npm install --no-save --no-package-lock --ignore-scripts --include=optional --no-audit \
      --no-fund --no-progress --loglevel=error --fetch-retries=1 --fetch-retry-mintimeout=2000 \
      "deno@$RTCBOT_DENO_INSTALL"
  ) >"$log" 2>&1 </dev/null; then
    tail -n 15 "$log" >&2
    die "Cannot get Deno: npm failed, see above; mend that (is the network there?) and run this again."
    return 1
  fi
  find_deno "$tools" && return 0
  die "Cannot get Deno: what npm installed does not run here (Alpine's C library? Deno needs glibc); install Deno yourself and run this again."
}

# Deno reads ~/.npmrc but neither npm's global file nor the system's certificates: behind a company's proxy or
# mirror npm would work and Deno not.
deno_environment() {
  local registry prefix
  DENO_NO_UPDATE_CHECK=1
  DENO_TLS_CA_STORE=${DENO_TLS_CA_STORE:-mozilla,system}
  export DENO_NO_UPDATE_CHECK DENO_TLS_CA_STORE
  [ -n "${NPM_CONFIG_REGISTRY:-}" ] && return 0
  registry=${npm_config_registry:-}
  if [ -z "$registry" ] && ! grep -qs '^registry' "${HOME:-/nonexistent}/.npmrc" && have npm; then
    prefix=$(dirname "$(dirname "$(command -v npm)")")
    registry=$(sed -n 's/^registry[ =]*//p' "$prefix/etc/npmrc" /etc/npmrc 2>/dev/null | head -n 1)
  fi
  if [ -n "$registry" ]; then
    NPM_CONFIG_REGISTRY=$registry
    export NPM_CONFIG_REGISTRY
  fi
  return 0
}

# get_packages: the npm packages of the library and the demo, at the versions in deno.lock. Quick when cached.
get_packages() {
  [ -d "${DENO_DIR:-${HOME:-/nonexistent}/.cache/deno}/npm" ] || [ "$(uname -s)" = Darwin ] ||
    say "Getting the npm packages (once) ..."
  (cd -- "$RTCBOT_ROOT" && deno cache --quiet mod.ts scripts/demo.ts) >&2 </dev/null ||
    die "Cannot get the npm packages: see above; is the network there? Then run this again."
}

# ---------------------------------------------------------------- libraries and programs

# has_library libvpx: true if the loader would find it, by looking where Linux and Homebrew put libraries.
has_library() {
  local file folder IFS
  for file in /usr/lib/*-linux-*/"$1".so* /lib/*-linux-*/"$1".so* /usr/lib64/"$1".so* /usr/lib/"$1".so* \
    /usr/local/lib/"$1".so* /usr/local/lib/*/"$1".so* /opt/homebrew/lib/"$1".*dylib /usr/local/lib/"$1".*dylib; do
    [ -e "$file" ] && return 0
  done
  IFS=:
  for folder in ${LD_LIBRARY_PATH:-}; do
    for file in "$folder/$1".so*; do [ -e "$file" ] && return 0; done
  done
  return 1
}

# has_browser: as tests/browser/harness.ts looks for it.
has_browser() {
  local file
  for file in "${CHROMIUM:-}" /usr/bin/chromium /usr/bin/chromium-browser /usr/bin/google-chrome \
    /usr/bin/google-chrome-stable /snap/bin/chromium "/Applications/Chromium.app/Contents/MacOS/Chromium" \
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"; do
    [ -n "$file" ] && [ -x "$file" ] && return 0
  done
  return 1
}

# missing demo|test: the names of what is not here, in words of our own.
missing() {
  has_library libvpx || echo libvpx
  # Homebrew has no libyuv; without it TypeScript does the same, slower.
  has_library libyuv || [ "$(uname -s)" = Darwin ] || echo libyuv
  [ "$1" = test ] || return 0
  have ffmpeg || echo ffmpeg
  has_browser || echo chromium
  [ "$(uname -s)" = Darwin ] || missing_on_linux
}

# What tests of devices and networks start for themselves: a screen, a sound server, a relay, a broker, a board.
missing_on_linux() {
  has_library libSDL2-2.0 || echo sdl2
  has_library libpulse || echo libpulse
  has_library libasound || echo libasound
  have Xvfb || echo xvfb
  have xdotool || echo xdotool
  have import || echo imagemagick
  have pulseaudio || echo pulseaudio
  have pactl || echo pulseaudio-utils
  [ -n "$(find /usr/lib -name libasound_module_pcm_pulse.so -print -quit 2>/dev/null)" ] || echo libasound2-plugins
  have avr-gcc || echo avr-gcc
  [ -d /usr/share/arduino/hardware/arduino/avr ] || echo arduino
  have qemu-system-avr || echo qemu-avr
  have ip || echo iproute2
  have nft || echo nftables
  # Debian starts these as services that listen, which a person's machine is not asked to do.
  [ "${CI:-}" = true ] || return 0
  have turnserver || echo coturn
  have redis-server || echo redis
}

# debian_package libvpx: its package in this release: the number in libvpx7, libvpx9 ... changes.
debian_package() {
  case $1 in
  libvpx | libyuv)
    apt-cache search --names-only "^$1[0-9]+(t64)?\$" 2>/dev/null | awk '{print $1}' | sort -V | tail -n 1
    ;;
  *) apt-cache search --names-only "^$(package_name "$1")\$" 2>/dev/null | awk '{print $1}' | sort | tail -n 1 ;;
  esac
}

# package_name redis: the pattern of its package's name, where that is another one.
package_name() {
  case $1 in
  sdl2) echo 'libsdl2-2\.0-0' ;;
  libpulse) echo libpulse0 ;;
  libasound) echo 'libasound2(t64)?' ;;
  redis) echo redis-server ;;
  avr-gcc) echo gcc-avr ;;
  arduino) echo arduino-core-avr ;;
  qemu-avr) echo qemu-system-misc ;;
  *) echo "$1" ;;
  esac
}

# can_be_root: true if we are, or sudo will make us. It may ask for a password, but only a person at a terminal.
can_be_root() { # can_be_root WHAT
  [ "$(id -u)" -eq 0 ] && return 0
  have sudo || return 1
  sudo -n true 2>/dev/null && return 0
  [ -t 0 ] && [ "${CI:-}" != true ] || return 1
  say "To install $*, sudo asks for your password."
  sudo -v
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

apt_packages() { # apt_packages NAME...: prints the packages, fails if one has none
  local name package all
  all=
  for name in "$@"; do
    package=$(debian_package "$name")
    [ -n "$package" ] || return 1
    all="$all $package"
  done
  echo "${all# }"
}

apt_update() {
  say "Updating the list of Debian packages ..."
  as_root apt-get update -qq >"$1" 2>&1 </dev/null
}

apt_install() { # apt_install LOG PACKAGE...
  local log
  log=$1
  shift
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    -o DPkg::Lock::Timeout=120 "$@" >"$log" 2>&1 </dev/null
}

get_by_apt() { # get_by_apt NAME...
  local log packages updated
  updated=
  if ! can_be_root "$*"; then
    packages=$(apt_packages "$@") || packages="$*"
    die "Cannot install $*: you are not root and sudo is not to be had here; ask an administrator to run: apt-get install $packages"
    return 1
  fi
  log=$(mktemp) || return 1
  if ! packages=$(apt_packages "$@"); then
    apt_update "$log"
    updated=yes
    packages=$(apt_packages "$@") || {
      tail -n 5 "$log" >&2
      rm -f "$log"
      die "Cannot install $*: this release has no package of that name; install it by hand and run this again."
      return 1
    }
  fi
  say "Installing $packages ..."
  # shellcheck disable=SC2086  # a list of package names
  if ! apt_install "$log" $packages; then
    # Most often the list is older than what the server still has.
    if [ -n "$updated" ] || ! { apt_update "$log" && packages=$(apt_packages "$@") && apt_install "$log" $packages; }; then
      tail -n 15 "$log" >&2
      rm -f "$log"
      die "Cannot install $packages: apt-get failed, see above; mend that and run this again."
      return 1
    fi
  fi
  rm -f "$log"
}

get_by_homebrew() {
  local formulas name
  formulas=
  for name in "$@"; do
    case $name in
    chromium) formulas="$formulas && brew install --cask chromium" ;;
    *) formulas="$formulas && brew install $name" ;;
    esac
  done
  die "Cannot install $*: on a Mac that is yours to do; run: ${formulas# && }"
}

get_libraries() { # get_libraries demo|test
  local names
  names=$(missing "$1" | tr '\n' ' ')
  names=${names% }
  [ -n "$names" ] || return 0
  # shellcheck disable=SC2086  # a list of names
  if [ "$(uname -s)" = Darwin ]; then
    get_by_homebrew $names
  elif have apt-get && have apt-cache; then
    get_by_apt $names
  else
    die "Cannot install $names: this system has no apt-get; install them with its own package manager and run this again."
  fi || missing_is_bearable "$1"
}

# What is missing need not stop everything: without libyuv pixels are converted more slowly, without ffmpeg or a
# browser those tests are ignored and say so. In CI nothing may be missing.
missing_is_bearable() {
  [ "${CI:-}" = true ] && return 1
  has_library libvpx || return 1
  say "Going on without: $(missing "$1" | tr '\n' ' ')"
}

# ---------------------------------------------------------------- the whole

setup() { # setup [demo|test]
  local what
  what=${1:-demo}
  case $what in
  demo | test) ;;
  *)
    die "Cannot set up \"$what\": there are only \"demo\" and \"test\"."
    return 1
    ;;
  esac
  get_deno "$RTCBOT_ROOT/.tools" && deno_environment && get_libraries "$what" && get_packages
}

# Whether run or sourced by a script beside it, the root is above $0; others set it first, as .ci/run does.
RTCBOT_ROOT=${RTCBOT_ROOT:-$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)}

case ${0##*/} in
setup.sh)
  setup "$@" || exit 1
  say "All is here: $(command -v deno), $(deno --version | head -n 1)."
  ;;
esac
