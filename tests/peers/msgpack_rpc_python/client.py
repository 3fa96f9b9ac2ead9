"""The reference MessagePack-RPC client for Python (msgpack-rpc-python 0.4.1) against a server.

    python client.py PORT

The server on 127.0.0.1 has add(a, b), echo(value), fail() (answers an error), note(n) (adds n to a
counter) and noted() (reads the counter). Prints `ok NAME` for each check and ends with 0, or prints
`FAILED NAME: why` and ends with 1.
"""

import sys

import msgpackrpc
from msgpackrpc.error import RPCError

CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


def equal(got, expected):
    if got != expected or type(got) is not type(expected):
        raise AssertionError("got {!r:.200}, expected {!r:.200}".format(got, expected))


def error_of(call):
    """The error that a call raises: a text, or [code, text]."""
    try:
        result = call()
    except RPCError as raised:
        error = raised.args[0]
        if isinstance(error, (list, tuple)):
            code, error = error[:2]
            if not isinstance(code, int):
                raise AssertionError("the code is {!r}".format(code))
        if not isinstance(error, str) or not error:
            raise AssertionError("the message is {!r}".format(error))
        return error
    raise AssertionError("no error, but {!r}".format(result))


@check
def add(client):
    # The first call of a connection has the id 0.
    equal(client.call("add", 2, 3), 5)
    equal(client.call("add", -(2**31), 2**40), 2**40 - 2**31)


@check
def echo_scalars(client):
    for value in [None, True, False, 0, 127, 128, -32, -33, 2**16, 2**32, 2**63 - 1, -(2**63), 1.5, ""]:
        equal(client.call("echo", value), value)


@check
def echo_long_strings(client):
    # The old specification has no str8: 32 bytes and more are sent as raw16, 64 KiB as raw32.
    for length in [31, 32, 40, 255, 256, 65535, 65536, 300000]:
        equal(client.call("echo", "s" * length), "s" * length)
    equal(client.call("echo", "grüße, 世界 😀" * 20), "grüße, 世界 😀" * 20)


@check
def echo_nested(client):
    value = {
        "list": [1, [2, [3, ["four", {"five": 5.5}]]], [], {}],
        "text": "t" * 40,
        "k" * 40: [None, True, False],
        "map": {"a": {"b": {"c": list(range(200))}}},
    }
    equal(client.call("echo", value), value)
    equal(client.call("echo", []), [])
    equal(client.call("echo", {}), {})


@check
def unknown_method(client):
    error_of(lambda: client.call("nosuch", 1))


@check
def wrong_params(client):
    error_of(lambda: client.call("add", 1))
    error_of(lambda: client.call("add", 1, 2, 3))
    error_of(lambda: client.call("add", 1, "two"))


@check
def failing_method(client):
    error_of(lambda: client.call("fail"))


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
        error_of(future.get)


@check
def another_connection(client):
    address = msgpackrpc.Address("127.0.0.1", client.address.port)
    other = msgpackrpc.Client(address, unpack_encoding="utf-8")
    equal(other.call("add", 1, 1), 2)
    other.close()
    equal(client.call("add", 1, 2), 3)


def main():
    address = msgpackrpc.Address("127.0.0.1", int(sys.argv[1]))
    client = msgpackrpc.Client(address, timeout=10, unpack_encoding="utf-8")
    for function in CHECKS:
        try:
            function(client)
        except Exception as error:
            print("FAILED {}: {}: {}".format(function.__name__, type(error).__name__, error), flush=True)
            return 1
        print("ok", function.__name__, flush=True)
    client.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
