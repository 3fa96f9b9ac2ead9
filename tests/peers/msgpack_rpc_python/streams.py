"""The reference MessagePack-RPC client for Python, which knows no streams, against a server that has
methods which stream.

    python streams.py PORT
"""

import sys

import msgpackrpc
from checks import check, equal, run
from client import error_of


@check
def collected(client):
    """All values in one array."""
    equal(client.call("numbers", 1000), list(range(1000)))
    equal(client.call("numbers", 0), [])
    equal(client.call("asked", "add", 0), [])


@check
def too_long(client):
    code, text = error_of(lambda: client.call("endless", 100))
    equal(code, -32013)
    assert "`max_collected` of 1048576 bytes" in text, text


@check
def failing(client):
    equal(error_of(lambda: client.call("breaks", 10)), [17, "it failed", ["why", 4711]])


@check
def nothing_is_sent(client):
    """Methods that read what their caller sends see the end at once."""
    equal(client.call("sum"), 0)
    equal(client.call("double"), [])
    equal(client.call("caught"), [0, 0, ""])


@check
def alive(client):
    equal(client.call("add", 20, 22), 42)
    equal(client.call("running"), 0)


if __name__ == "__main__":
    address = msgpackrpc.Address("127.0.0.1", int(sys.argv[1]))
    client = msgpackrpc.Client(address, timeout=10, unpack_encoding="utf-8")
    run(client)
    client.close()
