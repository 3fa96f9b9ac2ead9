"""REQ and DEALER sockets by hand against a server.

    python client.py PORT
"""

import json
import sys

import msgpack
import zmq
from checks import INTEGERS, LENGTHS, TEXT, check, equal, run

ADDRESS = "tcp://127.0.0.1:" + sys.argv[1]
CONTEXT = zmq.Context()


class Req:
    """One request at a time."""

    def __init__(self):
        self.socket = CONTEXT.socket(zmq.REQ)
        self.socket.setsockopt(zmq.RCVTIMEO, 20000)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.connect(ADDRESS)

    def exchange(self, message):
        self.socket.send(message)
        return self.socket.recv()

    def call(self, method, *params):
        request = {"jsonrpc": "2.0", "method": method, "params": params, "id": 1}
        return json.loads(self.exchange(json.dumps(request).encode()))


def dealer():
    socket = CONTEXT.socket(zmq.DEALER)
    socket.setsockopt(zmq.RCVTIMEO, 20000)
    socket.setsockopt(zmq.LINGER, 0)
    socket.connect(ADDRESS)
    return socket


@check
def req_calls(client):
    for value in [None, True, 1.5, *INTEGERS, TEXT]:
        equal(client.call("echo", value)["result"], value)
    for length in LENGTHS:
        equal(client.call("echo", "s" * length)["result"], "s" * length)


@check
def req_errors(client):
    equal(client.call("fail")["error"], {"code": 17, "message": "it failed", "data": ["why", 4711]})
    equal(client.call("nosuch")["error"]["code"], -32601)
    equal(json.loads(client.exchange(b"{"))["error"]["code"], -32700)
    equal(client.call("add", 20, 22)["result"], 42)


@check
def req_notifications(client):
    before = client.call("noted")["result"]
    for n in range(1, 101):
        note = {"jsonrpc": "2.0", "method": "note", "params": [n]}
        equal(client.exchange(json.dumps(note).encode()), b"")
    equal(client.call("noted")["result"] - before, 5050)


@check
def req_batches(client):
    batch = [{"jsonrpc": "2.0", "method": "add", "params": [n, n], "id": n} for n in range(10)]
    answers = json.loads(client.exchange(json.dumps(batch).encode()))
    equal({answer["id"]: answer["result"] for answer in answers}, {n: 2 * n for n in range(10)})


@check
def req_speaks_messagepack(client):
    other = Req()
    answer = msgpack.unpackb(other.exchange(msgpack.packb([0, 7, "add", [20, 22]])))
    equal(answer, [1, 7, None, 42])
    equal(other.exchange(msgpack.packb([2, "note", [0]])), b"")
    # The same server, both protocols.
    equal(client.call("add", 20, 22)["result"], 42)


@check
def dealer_has_many_calls_in_flight(client):
    for envelope in [[], [b""], [b"somebody", b""]]:
        socket = dealer()
        for n in range(300):
            request = {"jsonrpc": "2.0", "method": "add", "params": [n, n], "id": n}
            socket.send_multipart([*envelope, json.dumps(request).encode()])
        got = {}
        for _ in range(300):
            *front, body = socket.recv_multipart()
            equal(front, envelope)
            answer = json.loads(body)
            got[answer["id"]] = answer["result"]
        equal(got, {n: 2 * n for n in range(300)})


@check
def dealer_answers_overtake_each_other(client):
    for envelope in [[], [b""]]:
        socket = dealer()
        for value, milliseconds in [("late", 200), ("early", 0)]:
            request = [0, len(value), "later", [value, milliseconds]]
            socket.send_multipart([*envelope, msgpack.packb(request)])
        got = [msgpack.unpackb(socket.recv_multipart()[-1])[3] for _ in range(2)]
        equal(got, ["early", "late"])


@check
def the_server_calls_back(client):
    socket = dealer()
    socket.send(msgpack.packb([0, 1, "ask", ["double", [21]]]))
    kind, number, method, params = msgpack.unpackb(socket.recv())
    equal([kind, method, params], [0, "double", [21]])
    socket.send(msgpack.packb([1, number, None, 42]))
    equal(msgpack.unpackb(socket.recv()), [1, 1, None, 42])


@check
def a_broker_in_between(client):
    front = CONTEXT.socket(zmq.ROUTER)
    port = front.bind_to_random_port("tcp://127.0.0.1")
    back = dealer()
    ask = [CONTEXT.socket(zmq.REQ) for _ in range(3)]
    for n, socket in enumerate(ask):
        socket.connect("tcp://127.0.0.1:{}".format(port))
        request = {"jsonrpc": "2.0", "method": "add", "params": [n, n], "id": n}
        socket.send(json.dumps(request).encode())
    for _ in ask:
        back.send_multipart(front.recv_multipart())
    for _ in ask:
        front.send_multipart(back.recv_multipart())
    equal([json.loads(socket.recv())["result"] for socket in ask], [0, 2, 4])


run(Req())
