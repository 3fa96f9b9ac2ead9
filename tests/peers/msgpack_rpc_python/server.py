"""A service behind the reference MessagePack-RPC server for Python (msgpack-rpc-python 0.4.1)."""

import types

import msgpackrpc
from checks import ready
from msgpackrpc.server import AsyncResult
from msgpackrpc.transport import tcp


class LoopbackTransport(tcp.ServerTransport):
    """Listens on the given host; the original listens on every interface."""

    def listen(self, server):
        self._server = server
        loop = server._loop._ioloop
        self._mp_server = tcp.MessagePackServer(self, io_loop=loop, encodings=self._encodings)
        self._mp_server.listen(self._address.port, self._address.host)

    def port(self):
        return next(iter(self._mp_server._sockets.values())).getsockname()[1]


class Service:
    def __init__(self, loop):
        self._loop = loop
        self._noted = 0

    def add(self, a, b):
        return a + b

    def echo(self, value):
        return value

    def nothing(self):
        return None

    def fail(self):
        raise ValueError("it failed")

    def later(self, value, milliseconds):
        """Answers after a while, so that answers overtake each other."""
        result = AsyncResult()
        self._loop.call_later(milliseconds / 1000.0, lambda: result.set_result(value))
        return result

    def note(self, n):
        """For notifications: adds n to a counter."""
        self._noted += n

    def noted(self):
        """Reads the counter."""
        return self._noted


if __name__ == "__main__":
    loop = msgpackrpc.Loop()
    builder = types.SimpleNamespace(ServerTransport=LoopbackTransport)
    server = msgpackrpc.Server(Service(loop._ioloop), loop=loop, builder=builder)
    server.listen(msgpackrpc.Address("127.0.0.1", 0))
    ready(server._listeners[0].port())
    server.start()
