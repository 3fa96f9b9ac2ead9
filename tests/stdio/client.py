"""Starts a server, calls it, and sees that it ends."""

import subprocess
import sys

from frames import read, write

framing, *program = sys.argv[1:]
server = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def call(id, method, *params):
    request = {"jsonrpc": "2.0", "id": id, "method": method, "params": list(params)}
    write(server.stdin, framing, request)
    answer = read(server.stdout, framing)
    assert answer["id"] == id, answer
    return answer


assert call(1, "add", 40, 2)["result"] == 42
assert call("two", "echo", "\u00fc \U0001f980")["result"] == "\u00fc \U0001f980"
assert call(3, "nothing")["error"]["code"] == -32601
assert call(4, "chatter", "noise")["result"] == 0
text = "x" * 300_000
assert call(5, "echo", text)["result"] == text
server.stdin.close()
assert server.stdout.read() == b""
assert server.wait(timeout=30) == 0
print("ok")
