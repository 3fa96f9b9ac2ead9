"""A service behind a ROUTER by hand: what stands before a message is given back with its answer, as
the ZeroMQ transport of the Python tinyrpc does it."""

import json

import msgpack
import zmq
from checks import ready

NOTED = [0]


def note(n):
    NOTED[0] += n


METHODS = {
    "add": lambda a, b: a + b,
    "echo": lambda value: value,
    "nothing": lambda: None,
    "note": note,
    "noted": lambda: NOTED[0],
}


def serve(body):
    """The answer, or nothing where none is wanted."""
    if body[:1] == b"{":
        request = json.loads(body)
        answer = {"jsonrpc": "2.0", "id": request.get("id")}
        try:
            answer["result"] = METHODS[request["method"]](*request.get("params", []))
        except Exception as error:
            answer["error"] = {"code": -32000, "message": type(error).__name__}
        return json.dumps(answer).encode() if "id" in request else None
    kind, *number, method, params = msgpack.unpackb(body)
    try:
        error, result = None, METHODS[method](*params)
    except Exception as failed:
        error, result = type(failed).__name__, None
    return msgpack.packb([1, number[0], error, result]) if kind == 0 else None


router = zmq.Context().socket(zmq.ROUTER)
ready(router.bind_to_random_port("tcp://127.0.0.1"))
while True:
    *context, body = router.recv_multipart()
    answer = serve(body)
    if answer is not None:
        router.send_multipart([*context, answer])
