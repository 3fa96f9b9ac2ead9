"""The methods that the tests call, of streams and of plain calls."""

import asyncio
import zlib
from functools import wraps

from wire import RpcError


class Service:
    """The methods of one process, with what they tell of each other."""

    def __init__(self):
        self.alive = 0  # methods that have begun and not ended
        self.produced = 0  # values that the latest `endless` gave away
        self.released = asyncio.Event()
        self.total = 0  # of what `note` was told

    def methods(self):
        listed = [self.add, self.echo, self.nothing, self.fail, self.note, self.noted]
        listed += [self.digest, self.make]
        listed += [self.numbers, self.blobs, self.breaks, self.endless, self.double, self.asked]
        listed += [self.sum, self.caught, self.first, self.hold, self.wait, self.ask, self.deeper]
        listed += [self.running, self.sent, self.release, self.remaining, self.depth]
        return {method.__name__: method for method in listed}

    # ----- plain -----

    def add(self, context, a, b):
        return a + b

    def echo(self, context, value):
        return value

    def nothing(self, context):
        return None

    def fail(self, context):
        raise RpcError(17, "it failed", ["why", 4711])

    def note(self, context, n):
        self.total += n

    def noted(self, context):
        return self.total

    def digest(self, context, data):
        return [len(data), zlib.adler32(data)]

    def make(self, context, size):
        return made(size)

    # ----- what runs long, and is counted -----

    def counted(method):
        @wraps(method)
        async def generator(self, context, *params):
            self.alive += 1
            values = method(self, context, *params)
            try:
                async for value in values:
                    yield value
            finally:
                await values.aclose()
                self.alive -= 1

        @wraps(method)
        async def coroutine(self, context, *params):
            self.alive += 1
            try:
                return await method(self, context, *params)
            finally:
                self.alive -= 1

        return coroutine if asyncio.iscoroutinefunction(method) else generator

    @counted
    async def numbers(self, context, n):
        for i in range(n):
            yield i

    @counted
    async def blobs(self, context, n, size):
        for i in range(n):
            yield bytes([i % 256]) * size

    @counted
    async def breaks(self, context, n):
        for i in range(n):
            yield i
        self.fail(context)

    @counted
    async def endless(self, context, size):
        self.produced = 0
        while True:
            yield b"e" * size
            # It has been sent.
            self.produced += 1

    @counted
    async def double(self, context):
        async for value in context.input:
            yield 2 * value

    @counted
    async def asked(self, context, method, n):
        """A stream of what the caller answers meanwhile."""
        for i in range(n):
            yield await context.call(method, i, i)

    @counted
    async def sum(self, context):
        total = 0
        async for value in context.input:
            total += value
        return total

    @counted
    async def caught(self, context):
        """How many values came before an error was thrown in, and which."""
        came = 0
        try:
            async for _ in context.input:
                came += 1
        except RpcError as error:
            return [came, error.code, error.message]
        return [came, 0, ""]

    @counted
    async def first(self, context, n):
        """Reads so many values, says that it wants no more, and answers."""
        values = []
        async for value in context.input:
            values.append(value)
            if len(values) == n:
                break
        context.leave_input()
        return values

    @counted
    async def hold(self, context):
        """Reads nothing until `release`; then everything, and says how many there were."""
        self.released.clear()
        await self.released.wait()
        return [value async for value in context.input].__len__()

    @counted
    async def wait(self, context):
        await asyncio.Event().wait()

    # ----- of these -----

    def running(self, context):
        return self.alive

    def sent(self, context):
        return self.produced

    def release(self, context):
        self.released.set()

    # ----- both ways -----

    async def ask(self, context, method, params):
        return await context.call(method, *params)

    async def deeper(self, context, n):
        return 0 if n == 0 else 1 + await context.call("deeper", n - 1)

    def remaining(self, context):
        left = context.remaining()
        return None if left is None else int(left * 1000)

    def depth(self, context):
        return context.depth


def made(size):
    """Bytes that are not all alike."""
    return (bytes(range(256)) * (size // 256 + 1))[:size]


def methods():
    return Service().methods()
