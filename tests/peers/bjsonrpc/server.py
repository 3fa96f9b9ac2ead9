"""A service behind the server of bjsonrpc."""

import contextlib
import io

import bjsonrpc
from checks import ready
from handlers import Handler

server = bjsonrpc.createserver("127.0.0.1", 0, handler_factory=Handler)
ready(server._lstsck.getsockname()[1])
# It prints whatever goes wrong in a handler.
with contextlib.redirect_stdout(io.StringIO()):
    server.serve()
