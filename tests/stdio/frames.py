"""JSON over a pair of streams, one message a line or behind a Content-Length header."""

import json


def write(stream, framing, message):
    body = json.dumps(message).encode()
    if framing == "content-length":
        kind = b"Content-Type: application/vscode-jsonrpc; charset=utf-8\r\n"
        stream.write(kind + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    else:
        stream.write(body + b"\n")
    stream.flush()


def read(stream, framing):
    """The next message, or None at the end."""
    if framing == "lines":
        line = stream.readline()
        return json.loads(line) if line else None
    length = None
    while True:
        line = stream.readline()
        if not line:
            return None
        if line == b"\r\n":
            return json.loads(stream.read(length))
        name, value = line.decode("ascii").split(":", 1)
        if name == "Content-Length":
            length = int(value)
