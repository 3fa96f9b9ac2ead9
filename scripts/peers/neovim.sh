#!/usr/bin/env bash
# Neovim, and pynvim, by which Python talks to it: MessagePack-RPC in both directions.
set -euo pipefail
. "$(dirname "$0")/common.sh"
program=nvim
peer neovim

if ! command -v nvim >/dev/null && ! distribution neovim; then
    lacking "Needed: Neovim 0.7 or newer." "Debian, Ubuntu: apt-get install neovim"
fi

build() { pip install pynvim==0.6.0 msgpack==1.2.4 greenlet==3.5.6 typing_extensions==4.16.0; }
works='import pynvim'

virtual_environment 3 3.11 3.12 3.13 3.10
complete
