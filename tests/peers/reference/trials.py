"""What is tried with a connection whose other side serves the methods of service.py: as a caller, and
as the one who is called back. `peer` is this side."""

import asyncio
import random
import zlib

from checks import equal
from wire import RpcError
from service import made

TRIALS = []


def trial(function):
    """Adds a trial."""
    TRIALS.append(function)
    return function


async def until(condition):
    while not condition():
        await asyncio.sleep(0)


async def listed(peer, method, *params, **options):
    async with await peer.start(method, *params, stream=True, **options) as call:
        return [value async for value in call]


async def error_of(awaitable):
    try:
        result = await awaitable
    except RpcError as error:
        return error
    raise AssertionError("no error, but {!r:.200}".format(result))


async def running(peer, expected):
    while await peer.call("running") != expected:
        pass


@trial
async def plain_calls(peer):
    equal(await peer.call("add", 2, 3), 5)
    error = await error_of(peer.call("fail"))
    equal([error.code, error.message, error.data], [17, "it failed", ["why", 4711]])
    equal((await error_of(peer.call("nosuch"))).code, -32601)
    equal((await error_of(peer.call("add", 1))).code, -32602)
    before = await peer.call("noted")
    await peer.notify("note", 5)
    equal(await peer.call("noted"), before + 5)
    equal(await peer.hello(), True)
    equal(await peer.call("add", 2, 3), 5)


@trial
async def server_streams(peer):
    equal(await listed(peer, "numbers", 1000), list(range(1000)))
    equal(await listed(peer, "numbers", 0), [])
    equal(await listed(peer, "blobs", 5, 3000), [bytes([i]) * 3000 for i in range(5)])
    # A method that answers by one value, and one that was not asked for a stream.
    equal(await listed(peer, "add", 1, 2), [3])
    equal(await peer.call("numbers", 3), [0, 1, 2])


@trial
async def errors_in_a_stream(peer):
    values, error = [], None
    async with await peer.start("breaks", 100, stream=True) as call:
        try:
            async for value in call:
                values.append(value)
        except RpcError as raised:
            error = raised
    equal(values, list(range(100)))
    equal([error.code, error.message, error.data], [17, "it failed", ["why", 4711]])
    equal((await error_of(peer.call("breaks", 3))).code, 17)
    equal((await error_of(listed(peer, "nosuch"))).code, -32601)


@trial
async def client_streams(peer):
    async with await peer.start("sum", send=True) as call:
        for n in range(1000):
            equal(await call.send(n), True)
        call.close()
        equal(await call, 499500)
    # Without `send` there is nothing to read.
    equal(await peer.call("sum"), 0)
    async with await peer.start("caught", send=True) as call:
        await call.send(1)
        call.close(RpcError(5, "enough"))
        equal(await call, [1, 5, "enough"])


@trial
async def unread_values(peer):
    async with await peer.start("first", 3, send=True) as call:
        n = 0
        while await call.send(n):
            n += 1
        equal(await call, [0, 1, 2])


@trial
async def duplex(peer):
    async with await peer.start("double", stream=True, send=True) as call:
        values = call.__aiter__()
        for n in range(500):
            await call.send(n)
            equal(await values.__anext__(), 2 * n)
        call.close()
        equal([value async for value in values], [])


@trial
async def slow_reader(peer):
    """The values are no more than were granted; `Inflow` refuses what is beyond."""
    async with await peer.start("endless", 100, stream=True) as call:
        values = call.__aiter__()
        await values.__anext__()
        # A value takes 102 bytes.
        most = min(peer.offer.items, -(-peer.offer.bytes // 102))
        while await peer.call("sent") < most:
            pass
        for _ in range(20):
            await peer.call("nothing")
        equal((await peer.call("sent"), call.values.came), (most, most))
    await running(peer, 0)


@trial
async def slow_handler(peer):
    await peer.hello()
    most = peer.partner.items
    async with await peer.start("hold", send=True) as call:

        async def feed():
            for n in range(3 * most):
                await call.send(n % 100)
            call.close()

        feeding = asyncio.ensure_future(feed())
        # The first of these may overtake nothing: it is behind `hold`.
        for _ in range(100):
            await peer.call("nothing")
        await until(lambda: call.output.items <= 0 or feeding.done())
        equal((call.output.items, feeding.done()), (0, False))
        await peer.call("release")
        await feeding
        equal(await call, 3 * most)


@trial
async def overrun(peer):
    """Whoever sends more than was granted loses that call, and nothing else."""
    await peer.hello()
    async with await peer.start("hold", send=True) as call:
        call.output.add(100, 1 << 20)
        for n in range(peer.partner.items + 1):
            await call.send(n % 100)
        await error_of(call)
    equal(await peer.call("add", 1, 1), 2)
    await running(peer, 0)


@trial
async def chunks(peer):
    await peer.hello()
    # As large as both sides take.
    size = min(8 << 20, peer.partner.split - 100, peer.offer.split - 100)
    data, small = made(size), 0
    digest = [size, zlib.adler32(data)]
    large = {
        "a result": (lambda: peer.call("make", size), data),
        "a request": (lambda: peer.call("digest", data), digest),
        "values": (lambda: listed(peer, "blobs", 2, size), [b"\0" * size, b"\1" * size]),
    }
    for name, (begin, expected) in large.items():
        before, big = small, asyncio.ensure_future(begin())
        while not big.done():
            equal(await peer.call("add", small, 1), small + 1)
            small += 1
        assert await big == expected, name
        assert small - before > size >> 20, (name, small - before)


@trial
async def many_in_chunks(peer):
    await peer.hello()
    size = min(100000, peer.partner.split // 2, peer.offer.split // 2)
    sums = await asyncio.gather(*(peer.call("digest", made(size + n)) for n in range(50)))
    equal([length for length, _ in sums], [size + n for n in range(50)])
    results = await asyncio.gather(*(peer.call("make", size + n) for n in range(50)))
    assert results == [made(size + n) for n in range(50)]


@trial
async def dropped_streams(peer):
    """1,000 of them, half-way."""
    chance = random.Random(1)
    methods = [("endless", 100), ("double",), ("numbers", 200), ("wait",)]

    async def one(n):
        method = methods[n % 4]
        send = method[0] in ("double", "wait")
        async with await peer.start(*method, stream=method != ("wait",), send=send) as call:
            if send:
                await call.send(n)
            left = 0 if send else chance.randrange(5)
            if method == ("wait",):
                return
            async for _ in call:
                if left == 0:
                    break
                left -= 1

    for _ in range(10):
        await asyncio.gather(*(one(n) for n in range(100)))
    await running(peer, 0)
    await until(lambda: not peer.calls)


@trial
async def cancelled_calls(peer):
    await peer.hello()
    call = await peer.start("wait")
    await running(peer, 1)
    call.cancel()
    await running(peer, 0)
    # A request whose chunks are still being sent.
    size = min(1 << 20, peer.partner.split - 100)
    call = await peer.start("digest", made(size))
    call.cancel()


@trial
async def deadlines(peer):
    equal(await peer.call("remaining"), None)
    await peer.hello()
    equal(await peer.call("remaining"), None)
    left = await peer.call("remaining", timeout=60)
    assert 0 < left <= 60000, left
    # What is left goes on to the calls in the call: there, back, and there.
    left = await peer.call("ask", "ask", ["remaining", []], timeout=60)
    assert 0 < left <= 60000, left
    try:
        await peer.call("wait", timeout=0.01)
        raise AssertionError("it ended")
    except asyncio.TimeoutError:
        await running(peer, 0)


@trial
async def nested_calls(peer):
    await peer.hello()
    equal(await peer.call("ask", "add", [1, 2]), 3)
    equal(await peer.call("deeper", 32), 32)
    error = await error_of(peer.call("deeper", 33))
    equal((error.code, error.data), (-32010, "rpc.not_executed"))
    # In a stream, a call back for each value.
    equal(await listed(peer, "asked", "add", 100), [2 * n for n in range(100)])
