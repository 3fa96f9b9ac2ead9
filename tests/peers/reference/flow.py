"""Credit, section 4 of docs/extensions.md, and chunks, section 5."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from typing import Any, Callable, Deque, Dict, List, Optional, Tuple

from wire import CHUNK, Offer, Violation, pack

# ===== streams (section 4) =====


class Outflow:
    """What may still be sent of one stream."""

    def __init__(self, items: int, bytes: int):
        self.items, self.bytes, self.ended = items, bytes, False
        self._changed = asyncio.Event()

    def add(self, items: int, bytes: int) -> None:
        self.items, self.bytes = self.items + items, self.bytes + bytes
        self._changed.set()

    def end(self) -> None:
        """Nothing more is wanted."""
        self.ended = True
        self._changed.set()

    async def take(self, length: int) -> bool:
        """Waits until a value of this length may be sent; False where none is wanted any more."""
        while not self.ended and (self.items <= 0 or self.bytes <= 0):
            self._changed.clear()
            await self._changed.wait()
        self.items, self.bytes = self.items - 1, self.bytes - length
        return not self.ended


class Inflow:
    """The values that come by one stream. Iterating consumes them, and so grants more."""

    def __init__(self, items: int, bytes: int, grant: Callable[[int, int], None]):
        self.items, self.bytes = items, bytes  # what the other side may still send
        self.came = 0
        self._first = (items, bytes)
        self._consumed = (0, 0)
        self._grant = grant
        self._values: Deque[Tuple[Any, int]] = deque()
        self._ended = False
        self._error: Optional[Exception] = None
        self._changed = asyncio.Event()

    def put(self, value: Any, length: int) -> None:
        if self._ended:
            return
        if self.items <= 0 or self.bytes <= 0:
            raise Violation("more was sent than was granted")
        self.items, self.bytes, self.came = self.items - 1, self.bytes - length, self.came + 1
        self._values.append((value, length))
        self._changed.set()

    def end(self, error: Optional[Exception] = None) -> None:
        """No further value comes; the error is raised behind those that came."""
        if not self._ended:
            self._ended, self._error = True, error
            self._changed.set()

    def __aiter__(self) -> Inflow:
        return self

    async def __anext__(self) -> Any:
        while not self._values:
            if self._error:
                raise self._error
            if self._ended:
                raise StopAsyncIteration
            self._changed.clear()
            await self._changed.wait()
        value, length = self._values.popleft()
        items, bytes = self._consumed = (self._consumed[0] + 1, self._consumed[1] + length)
        if not self._ended and (2 * items >= self._first[0] or 2 * bytes >= self._first[1]):
            self.items, self.bytes, self._consumed = self.items + items, self.bytes + bytes, (0, 0)
            self._grant(items, bytes)
        return value


# ===== chunks (section 5) =====


class Large:
    """A message that is sent in chunks, and what has to wait for it."""

    def __init__(self, key: Any, message: bytes):
        self.key, self.message, self.at = key, memoryview(message), 0
        self.number = -1
        self.behind: List[bytes] = []
        self.sent = asyncio.Event()


class Outbox:
    """What is sent. Chunks of large messages take turns, and whole messages go between them; those of
    the same call, which have the same key, never overtake each other. Those without a key are never
    in chunks."""

    def __init__(self, writer: asyncio.StreamWriter):
        self.partner: Optional[Offer] = None
        self._writer = writer
        self._window = 0
        self._larges: Dict[Any, Large] = {}
        self._waiting: Deque[Large] = deque()
        self._moving: Deque[Large] = deque()
        self._numbers = itertools.count()
        self._granted = asyncio.Event()
        self._draining = asyncio.Lock()
        self._pump: Optional[asyncio.Task] = None

    def meet(self, partner: Offer) -> None:
        """What was said first is what the window begins as."""
        if self.partner is None:
            self.partner, self._window = partner, partner.window

    def too_large(self, message: bytes) -> bool:
        """Whether it can be sent neither whole nor in chunks."""
        return self._chunks() and len(message) > max(self.partner.split, self.partner.chunk)

    def post(self, key: Any, message: bytes) -> None:
        if self._writer.is_closing():
            return
        if key in self._larges:
            self._larges[key].behind.append(message)
        elif key is not None and self._chunks() and self.partner.chunk < len(message) <= self.partner.split:
            self._larges[key] = Large(key, message)
            self._waiting.append(self._larges[key])
            if self._pump is None:
                self._pump = asyncio.ensure_future(self._run())
        else:
            self._writer.write(message)

    async def settled(self, key: Any = None) -> None:
        """Waits until the messages of this key have left, and not too much is waiting."""
        while key in self._larges:
            await self._larges[key].sent.wait()
        await self._drain()

    def grant(self, bytes: int) -> None:
        self._window += bytes
        self._granted.set()

    def end(self) -> None:
        if self._pump:
            self._pump.cancel()
        for large in self._larges.values():
            large.sent.set()
        self._larges.clear()
        self._writer.close()

    async def _drain(self) -> None:
        async with self._draining:  # before Python 3.10 only one task at a time may wait
            await self._writer.drain()

    def _chunks(self) -> bool:
        return bool(self.partner and self.partner.chunk and self.partner.splits)

    async def _run(self) -> None:
        partner = self.partner
        while self._waiting or self._moving:
            kept = sum(len(large.message) for large in self._moving)
            # Their whole lengths: two halves that each wait for room would wait for ever.
            while self._waiting and len(self._moving) < partner.splits:
                kept += len(self._waiting[0].message)
                if kept > partner.split:
                    break
                self._moving.append(self._waiting.popleft())
                self._moving[-1].number = next(self._numbers) % (1 << 32)
            large = self._moving.popleft()
            # No crumbs; but whoever waits for more than half of the window may never be granted it.
            part = large.message[large.at :][: min(partner.chunk, max(partner.window // 2, 1))]
            while self._window < len(part):
                self._granted.clear()
                await self._granted.wait()
            large.at += len(part)
            self._window -= len(part)
            last = large.at == len(large.message)
            self._writer.write(pack([CHUNK, large.number, last, bytes(part)]))
            if last:
                del self._larges[large.key]
                for message in large.behind:
                    self.post(large.key, message)
                large.sent.set()
            else:
                self._moving.append(large)
            try:
                await self._drain()
            except OSError:
                return  # the reader finds out, too
        self._pump = None


class Assembly:
    """The messages that come in chunks."""

    def __init__(self, offer: Offer, grant: Callable[[int], None]):
        self._offer, self._grant = offer, grant
        self._window, self._came = offer.window, 0
        self._parts: Dict[int, bytearray] = {}

    def add(self, number: int, last: bool, part: bytes) -> Optional[bytes]:
        """The message, where this was its last part."""
        self._window, self._came = self._window - len(part), self._came + len(part)
        if len(part) > self._offer.chunk or self._window < 0:
            raise Violation("a chunk is larger than what may be sent")
        message = self._parts.setdefault(number, bytearray())
        message += part
        kept = sum(map(len, self._parts.values()))
        if kept > self._offer.split or len(self._parts) > self._offer.splits:
            raise Violation("too much is in chunks at once")
        if 2 * self._came >= self._offer.window:
            self._grant(self._came)
            self._window, self._came = self._window + self._came, 0
        return bytes(self._parts.pop(number)) if last else None
