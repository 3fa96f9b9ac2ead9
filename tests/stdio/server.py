"""A server on its standard streams."""

import sys

from frames import read, write

framing = sys.argv[1]
stdin, stdout = sys.stdin.buffer, sys.stdout.buffer
noted = []


def ask(number):
    write(stdout, framing, {"jsonrpc": "2.0", "id": "mine", "method": "twice", "params": [number]})
    answer = read(stdin, framing)
    assert answer["id"] == "mine", answer
    return answer["result"]


def fail():
    raise RuntimeError("it failed")


methods = {
    "add": lambda a, b: a + b,
    "echo": lambda value: value,
    "ask": ask,
    "fail": fail,
    "note": noted.append,
    "noted": lambda: noted,
}

while (request := read(stdin, framing)) is not None:
    assert request["jsonrpc"] == "2.0", request
    answer = {"jsonrpc": "2.0", "id": request.get("id")}
    try:
        answer["result"] = methods[request["method"]](*request.get("params", []))
    except RuntimeError as error:
        answer["error"] = {"code": -32000, "message": str(error)}
    if "id" in request:
        write(stdout, framing, answer)
print("the input has ended", file=sys.stderr)
