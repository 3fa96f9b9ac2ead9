"""The MessagePack-RPC layer of pynvim against a server that is no Neovim.

    python client.py PORT
"""

import sys

import pynvim
from checks import INTEGERS, LENGTHS, NESTED, TEXT, check, equal, run
from pynvim.msgpack_rpc import ErrorResponse

noted = 0


def answer(method, args):
    global noted
    if method == "add":
        return args[0] + args[1]
    if method == "deeper":
        return 0 if args[0] == 0 else 1 + nvim.request("deeper", args[0] - 1)
    if method == "noted":
        return noted
    if method == "fail":
        raise ErrorResponse([1, "it failed"])
    raise ErrorResponse("there is no " + method)


def note(method, args):
    global noted
    assert method == "note"
    noted += args[0]


def error_of(method, *args):
    try:
        result = nvim.request(method, *args)
    except pynvim.NvimError as error:
        return str(error)
    raise AssertionError("no error, but {!r}".format(result))


@check
def scalars(nvim):
    equal(nvim.request("add", 2, 3), 5)
    for value in [None, True, False, 1.5, *INTEGERS, 2**64 - 1]:
        equal(nvim.request("echo", value), value)
    equal(nvim.request("nothing"), None)


@check
def names_of_methods_as_binary_data(nvim):
    equal(nvim.request(b"add", 2, 3), 5)


@check
def texts(nvim):
    for length in LENGTHS:
        equal(nvim.request("echo", "s" * length), "s" * length)
    equal(nvim.request("echo", TEXT), TEXT)


@check
def nested(nvim):
    for value in [NESTED, [], {}]:
        equal(nvim.request("echo", value), value)


@check
def binary(nvim):
    for value in [b"\x00\xff", b"\xff" * 300]:
        equal(nvim.request("blob", value, decode=False), value)


@check
def handles(nvim):
    buffer = nvim.current.buffer
    equal(type(buffer), pynvim.api.Buffer)
    equal(buffer.number, 1)
    equal(nvim.request("ext", buffer), buffer)
    equal(len(buffer), 4711)


@check
def errors(nvim):
    equal(error_of("fail"), "it failed")
    equal(error_of("nosuch"), "method not found: nosuch")
    equal(nvim.request("add", 20, 22), 42)


@check
def notifications(nvim):
    before = nvim.request("noted")
    for n in range(1, 101):
        nvim.request("note", n, async_=True)
    nvim.request("nosuch", async_=True)
    equal(nvim.request("noted") - before, 5050)


@check
def the_server_calls_back(nvim):
    equal(nvim.request("ask", "add", [20, 22]), 42)
    equal(error_of("ask", "fail", []), "it failed")
    equal(error_of("ask", "nosuch", []), "there is no nosuch")
    equal(nvim.request("deeper", 12), 12)


@check
def the_server_notifies(nvim):
    for n in range(1, 11):
        nvim.request("tell", "note", [n])
    equal(nvim.request("ask", "noted", []), 55)


nvim = pynvim.attach("tcp", address="127.0.0.1", port=int(sys.argv[1]))
# Only in its loop does it answer while it waits for answers.
nvim.run_loop(answer, note, lambda: (run(nvim), nvim.stop_loop()))
