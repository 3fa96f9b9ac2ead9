"""The client of aiorpcX against a server.

    python client.py [old] PORT
"""

import asyncio
import sys

from aiorpcx import RPCError, connect_rs
from checks import INTEGERS, LENGTHS, NESTED, TEXT, check, equal, run_async
from symmetric import Side, old


async def error_of(call):
    try:
        result = await call
    except RPCError as error:
        return error
    raise AssertionError(f"no error, but {result!r}")


@check
async def positional_and_named(client):
    # The first call of a connection has the id 0.
    equal(await client.send_request("add", [2, 3]), 5)
    if not old:
        equal(await client.send_request("add", {"b": 2**40, "a": -(2**31)}), 2**40 - 2**31)


@check
async def scalars(client):
    for value in [None, True, False, 1.5, 1e300, *INTEGERS, 2**64 - 1]:
        equal(await client.send_request("echo", [value]), value)
    # Absent params.
    equal(await client.send_request("nothing"), None)


@check
async def texts(client):
    for length in LENGTHS:
        equal(await client.send_request("echo", ["s" * length]), "s" * length)
    equal(await client.send_request("echo", [TEXT]), TEXT)


@check
async def nested(client):
    for value in [NESTED, [], {}]:
        equal(await client.send_request("echo", [value]), value)


@check
async def errors(client):
    error = await error_of(client.send_request("nosuch", [1]))
    equal((error.code, error.message), (-32601, "method not found: nosuch"))
    named = [] if old else [{"a": 1}, {"a": 1, "b": 2, "c": 3}]
    for params in [[1], [1, 2, 3], [1, "two"], *named]:
        equal((await error_of(client.send_request("add", params))).code, -32602)
    error = await error_of(client.send_request("fail"))
    equal((error.code, error.message), (17, "it failed"))
    equal(await client.send_request("add", [20, 22]), 42)


@check
async def notifications(client):
    before = await client.send_request("noted")
    for n in range(1, 101):
        await client.send_notification("note", [n])
    await client.send_notification("nosuch", [1])
    await client.send_notification("note")
    equal(await client.send_request("noted") - before, 5050)


@check
async def calls_at_once(client):
    calls = [client.send_request("add", [n, n]) for n in range(500)]
    equal(await asyncio.gather(*calls), [2 * n for n in range(500)])


@check
async def answers_overtake_each_other(client):
    order = []

    async def call(value):
        order.append(await client.send_request("later", [value, 20 * (8 - value)]))

    await asyncio.gather(*map(call, range(8)))
    equal(order, list(reversed(range(8))))


@check
async def batches(client):
    if old:
        return
    before = await client.send_request("noted")
    async with client.send_batch() as batch:
        batch.add_request("add", [1, 2])
        batch.add_notification("note", [5])
        batch.add_request("fail")
        batch.add_request("echo", [NESTED])
        batch.add_request("nosuch")
    total, failed, echoed, unknown = batch.results
    equal((total, failed.code, unknown.code), (3, 17, -32601))
    equal(echoed, NESTED)
    equal(await client.send_request("noted") - before, 5)


@check
async def a_bad_line_costs_nothing(client):
    await client._send_message(b'{bad json}')
    equal(await client.send_request("add", [20, 22]), 42)


@check
async def the_server_calls_back(client):
    equal(await client.send_request("ask", ["add", [20, 22]]), 42)
    error = await error_of(client.send_request("ask", ["fail", []]))
    equal((error.code, error.message), (17, "it failed"))
    equal((await error_of(client.send_request("ask", ["nosuch", []]))).code, -32601)
    equal(await client.send_request("deeper", [12]), 12)
    calls = [client.send_request("ask", ["add", [n, n]]) for n in range(100)]
    equal(await asyncio.gather(*calls), [2 * n for n in range(100)])


@check
async def the_server_notifies(client):
    for n in range(1, 101):
        await client.send_request("tell", ["note", [n]])
    # An answer comes behind the notification that it follows.
    equal(await client.send_request("ask", ["noted", []]), 5050)


async def main():
    async with connect_rs("127.0.0.1", int(sys.argv[-1]), session_factory=Side) as client:
        await run_async(client)


asyncio.run(main())
