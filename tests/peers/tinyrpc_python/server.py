"""A service behind a server of tinyrpc.

    python server.py PROTOCOL TRANSPORT [URL_OF_A_QUEUE]
"""

import sys

import gevent
from checks import ready
from kinds import KINDS, PROTOCOLS, SERVERS
from tinyrpc.dispatch import RPCDispatcher

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


protocol, kind, url = [*sys.argv[1:], None][:3]
transport, address = SERVERS[kind](url)
server = KINDS[kind](transport, PROTOCOLS[protocol](), dispatcher)
ready(address)
server.serve_forever()
