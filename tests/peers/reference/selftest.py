"""The reference implementation against itself, over TCP and over a Unix socket.

    python selftest.py
"""

import asyncio
import os
import tempfile
import zlib
from functools import wraps

from checks import check, equal, run_async
from reference import connect, serve
from service import Service, made
from trials import TRIALS, error_of, listed, until
from wire import Offer, Unsupported, Violation, pack

SMALL = Offer(items=4, bytes=1000, chunk=1000, window=3000, split=20000, splits=2)


class Pair:
    """Two peers that are connected, each with its service."""

    async def open(self, address, ours=Offer(), theirs=Offer()):
        self.near, self.far = Service(), Service()
        self.server = await serve(address, self.far.methods(), theirs)
        self.a = await connect(self.server.address, self.near.methods(), ours)
        await self.a.call("nothing")
        self.b = next(iter(self.server.peers))
        return self

    async def close(self):
        await self.a.close()
        await self.server.close()


async def each_way(addresses, test, ours=Offer(), theirs=Offer()):
    """Runs a test as the side that connected, and as the one that listened."""
    for address in addresses():
        for turned in (False, True):
            pair = await Pair().open(address, ours, theirs)
            sides = [(pair.a, pair.near), (pair.b, pair.far)]
            (peer, service), (other, far) = reversed(sides) if turned else sides
            await asyncio.wait_for(test(peer), 60)
            for side in (peer, other):
                await until(lambda: not side.calls and not side.serving)
                equal(side.ignored, 0)
                equal(side.ended, None)
            equal((service.alive, far.alive), (0, 0))
            await pair.close()


def each(function):
    """A trial as a check, with offers of which nothing is scarce, and with small ones."""

    @check
    @wraps(function)
    async def all_ways(addresses):
        tcp, unix = addresses()
        await each_way(lambda: [tcp], function)
        await each_way(lambda: [unix], function, SMALL, SMALL)


for function in TRIALS:
    each(function)


@check
async def too_large_a_result(addresses):
    async def test(peer):
        await peer.hello()
        equal((await error_of(peer.call("make", 20000))).code, -32013)

    await each_way(addresses, test, SMALL, SMALL)


@check
async def too_much_in_chunks(addresses):
    """One that is too large, too many messages, too many bytes. Each ends the connection."""
    large = [[10, 0, False, bytes(1001)]]
    many = [[10, n, False, bytes(10)] for n in range(3)]
    much = [[10, n % 2, False, bytes(1000)] for n in range(21)]
    for messages in (large, many, much):
        for address in addresses():
            pair = await Pair().open(address, SMALL, SMALL)
            await pair.a.hello()
            for message in messages[:-1]:
                pair.a._writer.write(pack(message))
            equal(await pair.a.call("add", 1, 1), 2)
            pair.a._writer.write(pack(messages[-1]))
            await asyncio.wait_for(pair.b.wait_closed(), 5)
            equal(type(pair.b.ended), Violation)
            await pair.close()


@check
async def stock_peers(addresses):
    async def test(peer):
        equal(await peer.hello(), False)
        try:
            await listed(peer, "numbers", 3)
            raise AssertionError("it went")
        except Unsupported:
            pass
        equal(await peer.call("numbers", 3), [0, 1, 2])
        equal(await peer.call("digest", made(1 << 20)), [1 << 20, zlib.adler32(made(1 << 20))])

    for address in addresses():
        pair = await Pair().open(address, Offer(), None)
        await asyncio.wait_for(test(pair.a), 60)
        await asyncio.wait_for(test(pair.b), 60)
        await pair.close()


@check
async def any_cutting(addresses):
    """The bytes of a connection, one by one."""
    for address in addresses():
        pair = await Pair().open(address)
        await pair.a.hello()
        call = await pair.a.start("double", stream=True, send=True)
        messages = [[4, call.id, 1], [99, "?"], [4, call.id, 2], [5, call.id, None]]
        for byte in b"".join(map(pack, messages)):
            pair.a._writer.write(bytes([byte]))
            await pair.a._writer.drain()
            await asyncio.sleep(0)
        equal([value async for value in call], [2, 4])
        equal(pair.b.ignored, 1)
        await pair.close()


async def main():
    with tempfile.TemporaryDirectory() as folder:

        def addresses():
            yield "tcp:127.0.0.1:0"
            path = os.path.join(folder, "socket")
            if os.path.exists(path):
                os.unlink(path)
            yield "unix:" + path

        await run_async(addresses)


if __name__ == "__main__":
    asyncio.run(main())
