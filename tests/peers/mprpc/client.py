"""The client of mprpc against a server.

    python client.py PORT
"""

import sys

from checks import INTEGERS, LENGTHS, NESTED, TEXT, check, equal, run
from gevent.pool import Pool
from mprpc import RPCClient
from mprpc.exceptions import RPCError
from msgpack import ExtType


def error_of(call):
    """The words of an error: Python's own for whatever value came."""
    try:
        result = call()
    except RPCError as error:
        return str(error)
    raise AssertionError("no error, but {!r}".format(result))


@check
def scalars(client):
    equal(client.call("add", 2, 3), 5)
    for value in [None, True, False, 1.5, *INTEGERS, 2**64 - 1]:
        equal(client.call("echo", value), value)
    equal(client.call("nothing"), None)


@check
def texts(client):
    for length in LENGTHS:
        equal(client.call("echo", "s" * length), "s" * length)
    equal(client.call("echo", TEXT), TEXT)


@check
def nested(client):
    for value in [NESTED, [], {}]:
        equal(client.call("echo", value), value)


@check
def binary(client):
    for value in [b"", b"\x00\xff", bytes(range(256)) * 300]:
        equal(client.call("blob", value), value)
    for value in [ExtType(0, b"\x01"), ExtType(5, b"x" * 300), ExtType(127, b"")]:
        equal(client.call("ext", value), value)


@check
def errors(client):
    equal(error_of(lambda: client.call("fail")), "[17, 'it failed', ['why', 4711]]")
    equal(error_of(lambda: client.call("nosuch", 1)), "[-32601, 'method not found: nosuch']")
    for params in [[1], [1, 2, 3], [1, "two"]]:
        assert error_of(lambda: client.call("add", *params)).startswith("[-32602, ")
    equal(client.call("add", 20, 22), 42)


@check
def connections_at_once(client):
    def sums(number):
        own = RPCClient(*client.getpeername())
        equal([own.call("add", number, n) for n in range(100)], [number + n for n in range(100)])
        own.close()

    pool = Pool()
    calls = [pool.spawn(sums, number) for number in range(16)]
    pool.join(raise_error=True)
    equal(len(calls), 16)


if __name__ == "__main__":
    unpack = {"use_list": True, "max_buffer_size": 2**30}
    run(RPCClient("127.0.0.1", int(sys.argv[1]), timeout=20, unpack_params=unpack))
