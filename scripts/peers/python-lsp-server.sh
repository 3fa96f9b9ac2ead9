#!/usr/bin/env bash
# Python LSP Server: a language server, as editors start them; JSON-RPC behind Content-Length over
# its standard streams.
set -euo pipefail
. "$(dirname "$0")/common.sh"
peer python-lsp-server

# Without the formatter that it would bring along.
build() {
    pip install --no-deps python-lsp-server==1.14.0 python-lsp-jsonrpc==1.1.2 jedi==0.19.2 \
        parso==0.8.7 pluggy==1.7.0 pyflakes==3.2.0 docstring-to-markdown==0.17 \
        importlib_metadata==8.5.0 zipp==3.21.0 typing_extensions==4.16.0
}
works='import pylsp.__main__, pyflakes'

virtual_environment 3 3.11 3.12 3.13 3.10
complete
