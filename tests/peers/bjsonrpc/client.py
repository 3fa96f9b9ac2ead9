"""The client of bjsonrpc against a server.

    python client.py PORT
"""

import sys

import bjsonrpc
from bjsonrpc.exceptions import ServerError
from checks import INTEGERS, LENGTHS, NESTED, TEXT, check, equal, run
from handlers import Handler


def error_of(call):
    """What the error is: a text, or an object."""
    try:
        result = call()
    except ServerError as error:
        return error.args[0]
    raise AssertionError("no error, but {!r}".format(result))


@check
def params_of_all_kinds(client):
    equal(client.call.add(2, 3), 5)
    equal(client.call.add(b=2**40, a=-(2**31)), 2**40 - 2**31)
    # In `params` and `kwparams`.
    equal(client.call.add(20, b=22), 42)
    equal(client.call.nothing(), None)
    equal(error_of(lambda: client.call.add(20, a=22))["code"], -32602)


@check
def scalars(client):
    for value in [None, True, False, 1.5, *INTEGERS, 2**64 - 1]:
        equal(client.call.echo(value), value)


@check
def texts(client):
    for length in LENGTHS:
        equal(client.call.echo("s" * length), "s" * length)
    equal(client.call.echo(TEXT * 20), TEXT * 20)


@check
def nested(client):
    for value in [NESTED, [], {}]:
        equal(client.call.echo(value), value)


@check
def errors(client):
    error = {"code": 17, "message": "it failed", "data": ["why", 4711]}
    equal(error_of(client.call.fail), error)
    # One that is no more than its words is a text, which is all that this peer has itself.
    equal(error_of(client.call.refuse), "it is refused")
    equal(error_of(lambda: client.call.nosuch(1))["code"], -32601)
    for params in [[1], [1, 2, 3], [1, "two"]]:
        equal(error_of(lambda: client.call.add(*params))["code"], -32602)
    equal(client.call.add(20, 22), 42)


@check
def notifications(client):
    before = client.call.noted()
    for n in range(1, 101):
        client.notify.note(n)
    client.notify.nosuch(1)
    equal(client.call.noted() - before, 5050)


@check
def calls_at_once(client):
    calls = [client.method.add(n, n) for n in range(300)]
    equal([call.value for call in reversed(calls)], [2 * n for n in reversed(range(300))])


@check
def answers_overtake_each_other(client):
    late, early = client.method.later("late", 200), client.method.later("early", 0)
    equal(early.value, "early")
    equal(late.hasresponse(), False)
    equal(late.value, "late")


@check
def an_array_of_calls(client):
    # It has no means to send one, but its server takes such arrays.
    one, two = client.method.add(1, 2), client.method.add(3, 4)
    equal([one.value, two.value], [3, 7])
    ids = client.get_id(), client.get_id()
    calls = [bjsonrpc.request.Request.__new__(bjsonrpc.request.Request) for _ in ids]
    for call, number in zip(calls, ids):
        call.request_id, call.conn, call.response, call.callbacks = number, client, None, []
        call.event_response = one.event_response
        client.addrequest(call)
    client.write('[%s]' % ",".join('{"method":"echo","params":["%d"],"id":%d}' % (n, n) for n in ids))
    equal([call.value for call in calls], [str(number) for number in ids])


@check
def the_server_calls_back(client):
    equal(client.call.ask("add", [20, 22]), 42)
    equal(error_of(lambda: client.call.ask("fail", [])), "it failed")
    equal(error_of(lambda: client.call.ask("nosuch", [])), "Unknown method 'nosuch'")
    equal(client.call.deeper(12), 12)


@check
def the_server_notifies(client):
    for n in range(1, 11):
        client.call.tell("note", [n])
    equal(client.call.ask("noted", []), 55)


run(bjsonrpc.connect("127.0.0.1", int(sys.argv[1]), handler_factory=Handler))
