"""The client of tinyrpc against a server.

    python client.py PROTOCOL TRANSPORT ADDRESS
"""

from gevent import monkey

# Before all else: by this it makes several calls at once.
monkey.patch_all()

import sys

import requests
import websocket
from checks import INTEGERS, LENGTHS, NESTED, TEXT, check, equal, run
from kinds import CLIENTS, PROTOCOLS
from tinyrpc.client import RPCCall, RPCClient
from tinyrpc.exc import RPCError

protocol, transport, address = sys.argv[1:]


CODES = {"jsonrpc": "_jsonrpc_error_code", "msgpack": "_msgpackrpc_error_code"}


def connect():
    return RPCClient(PROTOCOLS[protocol](), CLIENTS[transport](protocol, address))


def call(client, method, *params):
    return client.call(method, list(params), {})


def error_of(client, method, *params):
    """The code, message and data of the error that a call is answered with."""
    try:
        result = call(client, method, *params)
    except RPCError as error:
        code = getattr(error, CODES[protocol])
        return code, str(error), getattr(error, "data", None)
    raise AssertionError(f"no error, but {result!r}")


@check
def positional_and_named(client):
    equal(call(client, "add", 2, 3), 5)
    if protocol == "jsonrpc":
        equal(client.call("add", [], {"b": 2**40, "a": -(2**31)}), 2**40 - 2**31)


@check
def scalars(client):
    for value in [None, True, False, 1.5, 1e300, *INTEGERS, 2**64 - 1]:
        equal(call(client, "echo", value), value)
    # Absent params, or an empty array.
    equal(call(client, "nothing"), None)


@check
def texts(client):
    for length in LENGTHS:
        equal(call(client, "echo", "s" * length), "s" * length)
    equal(call(client, "echo", TEXT), TEXT)
    if protocol == "msgpack":
        equal(call(client, "blob", b"\x00\xff" * 200), b"\x00\xff" * 200)


@check
def nested(client):
    for value in [NESTED, [], {}]:
        equal(call(client, "echo", value), value)


@check
def errors(client):
    equal(error_of(client, "nosuch", 1)[:2], (-32601, "method not found: nosuch"))
    for params in [[1], [1, 2, 3], [1, "two"]]:
        equal(error_of(client, "add", *params)[0], -32602)
    if protocol == "jsonrpc":
        equal(error_of(client, "fail"), (17, "it failed", ["why", 4711]))
    else:
        # An error of three parts is none of its own: it is shown as it came.
        equal(error_of(client, "fail"), (None, "[17, 'it failed', ['why', 4711]]", None))
    equal(call(client, "add", 20, 22), 42)


@check
def notifications(client):
    before = call(client, "noted")
    for n in range(1, 21):
        if transport == "ws":
            # Its own one-way call waits for an answer here, and none comes.
            request = client.protocol.create_request("note", [n], {}, one_way=True)
            client.transport.ws.send(request.serialize())
        else:
            client.call("note", [n], {}, one_way=True)
    if transport != "ws":
        client.call("nosuch", [], {}, one_way=True)
    equal(call(client, "noted") - before, 210)


@check
def calls_at_once(client):
    calls = [RPCCall("add", [n, n], {}) for n in range(50)]
    # Over others than HTTP they would all wait for the same answer.
    answers = client.call_all(calls) if transport == "http" else [call(client, *c[:1], *c[1]) for c in calls]
    results = [answer if isinstance(answer, int) else answer.result for answer in answers]
    equal(results, [2 * n for n in range(50)])


@check
def batches(client):
    if protocol != "jsonrpc":
        return
    before = call(client, "noted")
    calls = [("add", [1, 2], {}), ("note", [5], {}, True), ("fail", [], {}), ("echo", [NESTED], {}), ("nosuch", [], {})]
    answers = {answer.unique_id: answer for answer in client.batch_call(calls)}
    total, failed, echoed, unknown = (answers[unique_id] for unique_id in sorted(answers))
    equal((total.result, failed._jsonrpc_error_code, unknown._jsonrpc_error_code), (3, 17, -32601))
    equal(echoed.result, NESTED)
    equal(call(client, "noted") - before, 5)


@check
def connections_are_kept(client):
    if transport == "http":
        # By default each call has a connection of its own.
        with requests.Session() as session:
            client.transport.post = session.post
            equal([call(client, "add", n, 1) for n in range(20)], list(range(1, 21)))
        client.transport.post = requests.post


@check
def text_that_is_none_ends_the_connection(client):
    if transport == "ws":
        other = connect()
        other.transport.ws.send(b"\x94\x00\x01\xff", websocket.ABNF.OPCODE_TEXT)
        opcode, farewell = other.transport.ws.recv_data()
        equal((opcode, farewell[:2]), (websocket.ABNF.OPCODE_CLOSE, (1007).to_bytes(2, "big")))
        equal(call(client, "add", 20, 22), 42)


run(connect())
