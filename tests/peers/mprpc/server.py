"""A service behind the server of mprpc."""

import gevent
from checks import ready
from gevent.server import StreamServer
from mprpc import RPCServer


class Service(RPCServer):
    def add(self, a, b):
        return a + b

    def echo(self, value):
        return value

    def nothing(self):
        return None

    def fail(self):
        raise ValueError("it failed")

    def later(self, value, milliseconds):
        gevent.sleep(milliseconds / 1000)
        return value


# What it thinks of calls that it does not know is of no interest.
gevent.get_hub().exception_stream = None
server = StreamServer(("127.0.0.1", 0), Service())
server.start()
ready(server.server_port)
server.serve_forever()
