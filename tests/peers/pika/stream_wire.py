"""The messages of docs/extensions.md, sections 2 and 3, in both protocols, and nothing of ours."""

import json

import msgpack

JSON, MSGPACK = "application/json", "application/msgpack"
NUMBERS = {
    "rpc.item": 3,
    "rpc.send": 4,
    "rpc.close": 5,
    "rpc.credit": 6,
    "rpc.grant": 7,
    "rpc.stop": 8,
    "rpc.cancel": 9,
}
NAMES = {number: name for name, number in NUMBERS.items()}


def request(media, number, method, params, companions):
    if media == MSGPACK:
        return msgpack.packb([0, number, method, params, companions])
    members = {"jsonrpc": "2.0", "method": method, "params": params, "id": number}
    return json.dumps({**members, "rpc": companions}).encode()


def response(media, number, result):
    if media == MSGPACK:
        return msgpack.packb([1, number, None, result])
    return json.dumps({"jsonrpc": "2.0", "id": number, "result": result}).encode()


def say(media, name, *fields):
    if media == MSGPACK:
        return msgpack.packb([NUMBERS[name], *fields])
    return json.dumps({"jsonrpc": "2.0", "method": name, "params": fields}).encode()


def read(media, body):
    """The kind of a message and its fields: those of the table, or of a request or response."""
    if media == MSGPACK:
        kind, *fields = msgpack.unpackb(body)
        if kind == 0:
            number, method, params, *companions = fields
            return "request", [number, method, params, companions[0] if companions else {}]
        if kind == 1:
            return "response", fields
        return NAMES[kind], fields
    message = json.loads(body)
    if "method" not in message:
        return "response", [message["id"], message.get("error"), message.get("result")]
    if "id" not in message:
        return message["method"], message["params"]
    members = message["id"], message["method"], message.get("params", []), message.get("rpc", {})
    return "request", list(members)


def size(media, value):
    """The length of a value as it stands in a message: JSON without blanks."""
    if media == MSGPACK:
        return len(msgpack.packb(value))
    return len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())
