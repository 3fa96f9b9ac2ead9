"""A service behind a server of tinyrpc.

    python server.py PROTOCOL TRANSPORT
"""

import sys

import gevent
from checks import ready
from kinds import PROTOCOLS, SERVERS
from tinyrpc.dispatch import RPCDispatcher
from tinyrpc.server.gevent import RPCServerGreenlets

dispatcher = RPCDispatcher()
notes = []


class Failure(Exception):
    jsonrpc_error_code = msgpackrpc_error_code = 17
    data = ["why", 4711]


@dispatcher.public
def add(a, b):
    return a + b


@dispatcher.public
def echo(value):
    return value


@dispatcher.public
def nothing():
    return None


@dispatcher.public
def fail():
    raise Failure("it failed")


@dispatcher.public
def later(value, milliseconds):
    gevent.sleep(milliseconds / 1000)
    return value


@dispatcher.public
def note(n):
    notes.append(n)


@dispatcher.public
def noted():
    return sum(notes)


protocol, transport = sys.argv[1:]
transport, address = SERVERS[transport]()
server = RPCServerGreenlets(transport, PROTOCOLS[protocol](), dispatcher)
ready(address)
server.serve_forever()
