# What the scripts that set up foreign peers share. A script sources it and calls `peer NAME`.
#
# A peer lives in target/peers/NAME. It is complete when the mark in its folder is the checksum of
# the files that it was made from, so a changed script or a changed version makes it anew.
#
# Exit codes: 0 the peer is there; 3 it cannot be set up on this machine, and what to install has
# been said; anything else is a fault.

cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# Begins: ends the script at once where the peer is there. Further arguments are files whose
# content the peer depends on; `program` is one that it cannot run without.
peer() {
    name=$1
    folder=$PWD/target/peers/$name
    mark=$(cat scripts/peers/common.sh "scripts/peers/$name.sh" "${@:2}" | cksum)
    is_complete && exit 0
    mkdir -p target/peers
    if command -v flock >/dev/null; then
        # Two runs of the tests must not build in the same folder.
        exec 9>target/peers/lock
        flock 9
        is_complete && exit 0
    fi
    log=$folder.log
    : >"$log"
    echo "peers: setting up $name"
}

is_complete() {
    command -v "${program:-bash}" >/dev/null && [ "$(cat "$folder/complete" 2>/dev/null)" = "$mark" ]
}

# Ends well.
complete() {
    printf '%s' "$mark" >"$folder/complete"
    rm -f "$log"
    exit 0
}

# Ends with what somebody has to install.
lacking() {
    rm -rf "$folder"
    [ ! -s "$log" ] || tail -n 5 "$log" >&2
    printf 'peers: %s cannot be set up on this machine.\n' "$name" >&2
    printf '  %s\n' "$@" >&2
    exit 3
}

# Installs packages of the distribution where this user may.
distribution() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
    apt() { DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" >>"$log" 2>&1; }
    apt install -y --no-install-recommends "$@" ||
        { apt update && apt install -y --no-install-recommends "$@"; }
}

# The Pythons of this machine that can make virtual environments, given as versions in the order
# of preference; `3` is whichever comes first. With `headers=yes` they can build extensions, too.
pythons() {
    local version python can='import ensurepip, venv'
    [ -z "${headers:-}" ] ||
        can+='; import os.path, sysconfig; assert os.path.exists(sysconfig.get_path("include") + "/Python.h")'
    for version in "$@"; do
        for python in "python$version" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$version".*/bin/python3; do
            "$python" -c "$can" 2>/dev/null && echo "$python"
        done
    done
    return 0
}

# Makes the peer's folder a virtual environment. Calls `build` in each Python in turn, with `pip` at
# hand, until what it made says yes to the Python code `$works`.
virtual_environment() {
    local found python packages="python3 python3-venv${headers:+ python3-dev}"
    found=$(pythons "$@")
    if [ -z "$found" ] && distribution $packages; then
        found=$(pythons "$@")
    fi
    for python in $found; do
        rm -rf "$folder"
        if "$python" -m venv "$folder" >>"$log" 2>&1 &&
            build >>"$log" 2>&1 </dev/null &&
            "$folder/bin/python" -c "$works" >>"$log" 2>&1; then
            return 0
        fi
    done
    lacking "Needed: one of Python $* with its venv module${headers:+ and headers}, and access to a Python package index." \
        "Debian, Ubuntu: apt-get install $packages" \
        "elsewhere:      pyenv install 3.11"
}

pip() { "$folder/bin/python" -m pip --quiet --disable-pip-version-check --retries 1 "$@"; }

# Fetches and unpacks a package's source; prints its folder.
source_of() {
    local scratch=$folder/source
    pip download --no-deps --no-build-isolation --no-binary :all: --dest "$scratch" "$1" >&2 &&
        tar -xzf "$scratch"/*.tar.gz -C "$scratch" &&
        ls -d "$scratch"/*/
}

# Installs the packages of a lock file of npm that stands in scripts/peers/NAME.
node_modules() {
    command -v node >/dev/null && command -v npm >/dev/null ||
        lacking "Needed: Node.js 18 or newer with npm, and access to a registry of npm." \
            "Debian, Ubuntu: apt-get install nodejs npm"
    rm -rf "$folder"
    mkdir -p "$folder"
    cp "scripts/peers/$name"/package*.json "$folder"
    (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) >>"$log" 2>&1 ||
        lacking "Needed: access to a registry of npm; what npm said is in $log."
}
