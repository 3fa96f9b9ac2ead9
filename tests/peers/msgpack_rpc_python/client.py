"""The reference MessagePack-RPC client for Python (msgpack-rpc-python 0.4.1) against a server.

    python client.py PORT
"""

import sys

import msgpackrpc
from checks import INTEGERS, LENGTHS, NESTED, TEXT, check, equal, run
from msgpackrpc.error import RPCError


def error_of(call):
    """The error that a call raises: [code, text], or with data behind them."""
    try:
        result = call()
    except RPCError as raised:
        return list(raised.args[0])
    raise AssertionError("no error, but {!r}".format(result))


@check
def add(client):
    # The first call of a connection has the id 0.
    equal(client.call("add", 2, 3), 5)
    equal(client.call("add", -(2**31), 2**40), 2**40 - 2**31)


@check
def echo_scalars(client):
    for value in [None, True, False, 1.5, *INTEGERS]:
        equal(client.call("echo", value), value)


@check
def echo_long_strings(client):
    # The old specification has no str8: 32 bytes and more are sent as raw16, 64 KiB as raw32.
    for length in LENGTHS:
        equal(client.call("echo", "s" * length), "s" * length)
    equal(client.call("echo", TEXT), TEXT)


@check
def echo_nested(client):
    equal(client.call("echo", NESTED), NESTED)
    equal(client.call("echo", []), [])
    equal(client.call("echo", {}), {})


@check
def unknown_method(client):
    equal(error_of(lambda: client.call("nosuch", 1)), [-32601, "method not found: nosuch"])


@check
def wrong_params(client):
    for params in [[1], [1, 2, 3], [1, "two"]]:
        code, _ = error_of(lambda: client.call("add", *params))
        equal(code, -32602)


@check
def failing_method(client):
    equal(error_of(lambda: client.call("fail")), [17, "it failed", ["why", 4711]])


@check
def alive_after_errors(client):
    equal(client.call("add", 20, 22), 42)


@check
def notifications(client):
    before = client.call("noted")
    for n in range(1, 101):
        client.notify("note", n)
    client.notify("nosuch", 1)
    client.notify("note")
    equal(client.call("noted") - before, 5050)


@check
def calls_at_once(client):
    futures = [client.call_async("add", n, n) for n in range(500)]
    failing = [client.call_async("fail") for _ in range(10)]
    for n in reversed(range(500)):
        equal(futures[n].get(), 2 * n)
    for future in failing:
        equal(error_of(future.get)[0], 17)


@check
def another_connection(client):
    address = msgpackrpc.Address("127.0.0.1", client.address.port)
    other = msgpackrpc.Client(address, unpack_encoding="utf-8")
    equal(other.call("add", 1, 1), 2)
    other.close()
    equal(client.call("add", 1, 2), 3)


if __name__ == "__main__":
    address = msgpackrpc.Address("127.0.0.1", int(sys.argv[1]))
    client = msgpackrpc.Client(address, timeout=10, unpack_encoding="utf-8")
    run(client)
    client.close()
