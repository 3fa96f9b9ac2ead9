"""The tinyrpc extension, version 1, over MessagePack-RPC, for Python 3.9 and newer.

Written from docs/extensions.md alone, as a second opinion of what that text says. It needs the
`msgpack` package and nothing else. `wire` has the messages, `flow` credit and chunks, and here a `Peer`
is one side of a connection: it calls, and serves.

    peer = await connect("tcp:127.0.0.1:4000")
    three = await peer.call("add", 1, 2)
    async with await peer.start("count", 10, stream=True) as numbers:
        async for number in numbers:
            print(number)

A method is a function that takes a `Context` and the params. It may be plain or `async`; one that is
an `async` generator answers by a stream. It reads what it is sent with `async for … in context.input`.

    python3 reference.py serve ADDRESS MODULE [OFFER]
        serves MODULE.methods() until the input ends; OFFER is what hello says, in JSON
    python3 reference.py call ADDRESS METHOD [PARAM…]
        params are JSON; prints a line for each value
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import itertools
import json
import math
import sys
from dataclasses import asdict
from typing import Any, AsyncIterator, Callable, Dict, List, Mapping, Optional, Set, Tuple

import msgpack
from flow import Assembly, Inflow, Outbox, Outflow
from wire import *

# ===== calls =====


class Call:
    """A call that this side makes: awaited it is the result, iterated the values of a stream. Leaving
    it as an `async with` cancels what has not ended."""

    def __init__(self, peer: Peer, id: int, stream: bool, send: Optional[Offer]):
        loop = asyncio.get_running_loop()
        offer = peer.offer
        self.id, self._peer = id, peer
        self.values = Inflow(offer.items if stream else 0, offer.bytes if stream else 0, self._granted)
        self.output = Outflow(send.items, send.bytes) if send else None
        self.answer: asyncio.Future = loop.create_future()
        self.answer.add_done_callback(lambda answer: answer.cancelled() or answer.exception())
        self._closed = send is None
        self._timer: Optional[asyncio.TimerHandle] = None

    async def send(self, value: Any) -> bool:
        """Sends a value into the call, as soon as that is granted; False where nobody reads it."""
        if self._closed:
            raise ValueError("this call was closed, or made without send")
        encoded = pack(value)
        if not await self.output.take(len(encoded)):
            return False
        self._peer.post(self.key, b"\x93" + pack(SEND) + pack(self.id) + encoded)
        await self._peer.settled(self.key)
        return True

    def close(self, error: Optional[RpcError] = None) -> None:
        """Ends what is sent, or throws an error into the call."""
        if not self._closed and not self.answer.done():
            self._peer.post(self.key, pack([CLOSE, self.id, error and error.sent()]))
        self._closed = True

    def cancel(self, why: Optional[Exception] = None) -> None:
        """Stops the call, unless it has ended."""
        if not self.answer.done():
            # It stays known until the response, which frees its id.
            if self._peer.partner:
                self._peer.post(self.key, pack([CANCEL, self.id]))
            self.finish(why or asyncio.CancelledError())

    def expire_in(self, seconds: float) -> None:
        expired = asyncio.TimeoutError("no answer in time")
        self._timer = asyncio.get_running_loop().call_later(seconds, self.cancel, expired)

    def finish(self, error: Optional[BaseException], result: Any = None) -> None:
        if self.answer.done():
            return
        if self._timer:
            self._timer.cancel()
        if self.output:
            self.output.end()
        if error is None:
            self.answer.set_result(result)
        elif isinstance(error, asyncio.CancelledError):
            self.answer.cancel()
        else:
            self.answer.set_exception(error)
        self.values.end(error if isinstance(error, Exception) else None)

    @property
    def key(self) -> Tuple[str, int]:
        return ("call", self.id)

    def _granted(self, items: int, bytes: int) -> None:
        self._peer.post(self.key, pack([CREDIT, self.id, items, bytes]))

    def __await__(self):
        return asyncio.shield(self.answer).__await__()

    async def __aiter__(self) -> AsyncIterator[Any]:
        async for value in self.values:
            yield value
        result = await self
        if self.values.came == 0 and result is not None:
            yield result  # a result that is one value

    async def __aenter__(self) -> Call:
        return self

    async def __aexit__(self, *_: Any) -> None:
        self.cancel()


class Context:
    """A call that this side serves, for its method."""

    def __init__(self, peer: Peer, id: int, meta: Mapping[str, Any]):
        self.peer, self.id, self.ended = peer, id, False
        self.depth: int = meta.get("depth", 0)
        self.why: RpcError = RpcError(CANCELLED, "cancelled")
        self.task: Optional[asyncio.Task] = None
        self.output = Outflow(*meta["stream"]) if "stream" in meta else None
        self.input = Inflow(peer.offer.items, peer.offer.bytes, self._granted)
        if not meta.get("send"):
            self.input.end()
        self._until: Optional[float] = None
        self._timer: Optional[asyncio.TimerHandle] = None
        if "deadline" in meta:
            loop, seconds = asyncio.get_running_loop(), meta["deadline"] / 1000
            self._until = loop.time() + seconds
            self._timer = loop.call_later(seconds, self.stop, RpcError(TOO_LATE, "the time ran out"))

    def remaining(self) -> Optional[float]:
        """Seconds that the caller still waits; None where it did not say."""
        return None if self._until is None else max(self._until - asyncio.get_running_loop().time(), 0)

    async def call(self, method: str, *params: Any, **options: Any) -> Any:
        """Calls the caller back."""
        return await self.peer.call(method, *params, inside=self, **options)

    async def start(self, method: str, *params: Any, **options: Any) -> Call:
        return await self.peer.start(method, *params, inside=self, **options)

    def leave_input(self) -> None:
        """Nothing more is read of the input."""
        self.input.end()
        self._post(STOP, self.id)

    def stop(self, why: RpcError) -> None:
        if self.task and not self.task.done():
            self.why = why
            self.task.cancel()

    def end(self) -> None:
        self.ended = True
        self.input.end()
        if self._timer:
            self._timer.cancel()

    @property
    def key(self) -> Tuple[str, int]:
        return ("serve", self.id)

    def _granted(self, items: int, bytes: int) -> None:
        self._post(GRANT, self.id, items, bytes)

    def _post(self, *message: Any) -> None:
        if not self.ended:
            self.peer.post(self.key, pack(message))


Methods = Mapping[str, Callable[..., Any]]


class Peer:
    """One side of a connection."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        methods: Methods = {},
        offer: Optional[Offer] = Offer(),
    ):
        self.stock = offer is None  # speaks plain MessagePack-RPC only
        self.offer = offer or Offer(0, 0, 0, 0, 0, 0, 0)
        self.calls: Dict[int, Call] = {}
        self.serving: Dict[int, Context] = {}
        self.ignored = 0
        self.ended: Optional[Exception] = None
        self._methods = methods
        self._reader, self._writer = reader, writer
        self._outbox = Outbox(writer)
        self._assembly = Assembly(self.offer, lambda bytes: self.post(None, pack([WINDOW, bytes])))
        self._ids = itertools.cycle(range(1, 1 << 31))
        self._hello: Optional[Call] = None
        self._task = asyncio.ensure_future(self._run())

    @property
    def partner(self) -> Optional[Offer]:
        """What the other side said of itself, once it did."""
        return self._outbox.partner

    async def hello(self) -> bool:
        """Whether the other side speaks the extension; asks it once."""
        if self.partner is None and not self.stock and self._hello is None:
            self._hello = self._begin("rpc.hello", [asdict(self.offer)])
        if self.partner is None and self._hello is not None:
            await asyncio.wait([self._hello.answer])
        return self.partner is not None

    async def call(self, method: str, *params: Any, **options: Any) -> Any:
        """The result; the options are those of `start`."""
        async with await self.start(method, *params, **options) as call:
            return await call

    async def start(
        self,
        method: str,
        *params: Any,
        stream: bool = False,
        send: bool = False,
        timeout: Optional[float] = None,
        inside: Optional[Context] = None,
    ) -> Call:
        """Begins a call. Its time is at most what is left for the call that it is made in."""
        if (stream or send) and not await self.hello():
            raise Unsupported("streams need a peer that speaks the extension")
        await self.settled()
        meta: Dict[str, Any] = {}
        if stream:
            meta["stream"] = [self.offer.items, self.offer.bytes]
        if send:
            meta["send"] = True
        if inside:
            meta["depth"] = inside.depth + 1
            timeout = min((t for t in (timeout, inside.remaining()) if t is not None), default=None)
        if timeout is not None:
            meta["deadline"] = math.ceil(timeout * 1000)
        call = self._begin(method, params, meta)
        if timeout is not None:
            call.expire_in(timeout)
        return call

    async def notify(self, method: str, *params: Any) -> None:
        self.post("notifications", pack([NOTIFICATION, method, params]))
        await self.settled("notifications")

    async def close(self) -> None:
        self._task.cancel()
        await self.wait_closed()

    async def wait_closed(self) -> None:
        await asyncio.wait([self._task])

    def post(self, key: Any, message: bytes) -> None:
        self._outbox.post(key, message)

    async def settled(self, key: Any = None) -> None:
        await self._outbox.settled(key)

    def _begin(self, method: str, params: Any, meta: Mapping[str, Any] = {}) -> Call:
        if self.ended:
            raise ConnectionError(str(self.ended))
        id = next(id for id in self._ids if id not in self.calls)
        request = [REQUEST, id, method, params] + ([meta] if meta and self.partner else [])
        call = Call(self, id, "stream" in meta, self.partner if "send" in meta else None)
        message = pack(request)
        if self._outbox.too_large(message):
            raise ValueError("the request is larger than what the other side takes")
        self.calls[id] = call
        self.post(call.key, message)
        return call

    # ----- what comes -----

    async def _run(self) -> None:
        why: Exception = ConnectionError("the connection was closed")
        try:
            frames, kept, done = unpacker(LARGEST), bytearray(), 0
            while True:
                data = await self._reader.read(1 << 16)
                if not data:
                    break
                kept += data
                frames.feed(data)
                for end in ends(frames):
                    message = bytes(kept[: end - done])
                    del kept[: end - done]
                    done = end
                    self._handle(message)
        except (OSError, ValueError, Violation, msgpack.UnpackException) as error:
            why = error
        finally:
            self._end(why)

    def _end(self, why: Exception) -> None:
        self.ended = why
        self._outbox.end()
        for call in list(self.calls.values()):
            call.finish(ConnectionError(str(why)))
        self.calls.clear()
        for context in list(self.serving.values()):
            context.stop(context.why)

    def _handle(self, message: bytes) -> None:
        elements, length = opened(message) if message[0] & 0xF0 == 0x90 else ([None], 0)
        kind, rest = (elements[0], elements[1:]) if elements else (None, [])
        kind = kind if type(kind) is int else None
        shape = SHAPES.get(kind)
        if kind == REQUEST and len(rest) in (3, 4) and is_id(rest[0]) and rest[0] not in self.serving:
            self._request(*rest)
        elif kind == RESPONSE and len(rest) == 3 and is_id(rest[0]) and rest[0] in self.calls:
            self._response(*rest)
        elif kind == NOTIFICATION and len(rest) == 2:
            self._notification(*rest)
        elif self.partner and fits(shape, rest):
            self._extension(kind, rest, length)
        else:
            self.ignored += 1

    def _extension(self, kind: int, rest: List[Any], length: int) -> None:
        call, context = self.calls.get(rest[0]), self.serving.get(rest[0])
        if kind == CHUNK:
            whole = self._assembly.add(*rest)
            if whole and whole[0] & 0xF0 == 0x90 and opened(whole)[0][:1] not in ([CHUNK], [WINDOW]):
                self._handle(whole)
        elif kind == WINDOW:
            self._outbox.grant(rest[0])
        elif kind == ITEM and call:
            try:
                call.values.put(rest[1], length)
            except Violation as violation:
                call.cancel(violation)
        elif kind == GRANT and call and call.output:
            call.output.add(rest[1], rest[2])
        elif kind == STOP and call and call.output:
            call.output.end()
        elif kind == SEND and context:
            try:
                context.input.put(rest[1], length)
            except Violation as violation:
                context.stop(RpcError(INVALID_REQUEST, str(violation)))
        elif kind == CLOSE and context:
            context.input.end(None if rest[1] is None else RpcError.received(rest[1]))
        elif kind == CREDIT and context and context.output:
            context.output.add(rest[1], rest[2])
        elif kind == CANCEL and context:
            context.stop(RpcError(CANCELLED, "cancelled"))

    def _response(self, id: int, error: Any, result: Any) -> None:
        call = self.calls.pop(id)
        if call is self._hello and error is None:
            # Here, as the next message may already be one of the extension.
            try:
                self._outbox.meet(Offer.received(result))
            except RpcError:
                self.ignored += 1
        call.finish(None if error is None else RpcError.received(error), result)

    # ----- what is served -----

    def _notification(self, method: Any, params: Any) -> None:
        if not named(method).startswith("rpc."):
            # It is answered to nobody, so no message can name it: a Context needs no id.
            asyncio.ensure_future(self._serve(Context(self, -1, {}), method, params)).add_done_callback(
                lambda task: task.cancelled() or task.exception()
            )

    def _request(self, id: int, method: Any, params: Any, meta: Any = None) -> None:
        context = Context(self, id, {})
        try:
            if named(method) == "rpc.hello" and not self.stock:
                return self._greeted(context, params)
            if meta is not None and self.partner:
                context = Context(self, id, checked(meta))
            if context.depth > DEEPEST or len(self.serving) >= BUSIEST:
                raise RpcError(REFUSED, "nested too deep, or too many calls at once", NOT_EXECUTED)
        except RpcError as error:
            return self._answer(context, error)
        self.serving[id] = context
        context.task = asyncio.ensure_future(self._serve(context, method, params))
        context.task.add_done_callback(lambda task: self._served(context, task))

    def _greeted(self, context: Context, params: Any) -> None:
        partner = Offer.received(params[0] if type(params) is list and len(params) == 1 else params)
        version = min(partner.version, self.offer.version)
        self._answer(context, None, {**asdict(self.offer), "version": version})
        self._outbox.meet(partner)

    async def _serve(self, context: Context, method: Any, params: Any) -> Any:
        handler = self._methods.get(named(method))
        if handler is None:
            raise RpcError(NO_METHOD, f"method not found: {named(method)}")
        params = params if type(params) is list else [params]
        try:
            inspect.signature(handler).bind(context, *params)
        except TypeError as error:
            raise RpcError(INVALID_PARAMS, f"invalid params: {error}") from None
        result = handler(context, *params)
        if inspect.isasyncgen(result):
            return await self._produce(context, result)
        return await result if inspect.isawaitable(result) else result

    async def _produce(self, context: Context, values: Any) -> Optional[List[Any]]:
        """Sends what a generator makes; collects it where the caller did not ask for a stream."""
        collected, size = [], 0
        try:
            async for value in values:
                encoded = pack(value)
                if context.output is None:
                    size += len(encoded)
                    if size > LARGEST:
                        raise RpcError(NOT_SENT, "the result is too long for one message")
                    collected.append(value)
                else:
                    await context.output.take(len(encoded))
                    self.post(context.key, b"\x93" + pack(ITEM) + pack(context.id) + encoded)
                    await self.settled(context.key)
        finally:
            await values.aclose()
        return collected if context.output is None else None

    def _served(self, context: Context, task: asyncio.Task) -> None:
        del self.serving[context.id]
        error = context.why if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, RpcError):
            error = RpcError(FAILED, f"{type(error).__name__}: {error}")
        self._answer(context, error, None if error else task.result())

    def _answer(self, context: Context, error: Optional[RpcError], result: Any = None) -> None:
        context.end()
        try:
            message = pack([RESPONSE, context.id, error and error.sent(), result])
            too_large = self._outbox.too_large(message)
        except (TypeError, ValueError, OverflowError):
            too_large = True
        if too_large:
            message = pack([RESPONSE, context.id, [NOT_SENT, "the result cannot be sent"], None])
        self.post(context.key, message)


# ===== connections =====


async def connect(address: str, methods: Methods = {}, offer: Optional[Offer] = Offer()) -> Peer:
    """Connects to `tcp:HOST:PORT` or `unix:PATH`. Without an offer it is a stock peer."""
    kind, _, rest = address.partition(":")
    if kind == "unix":
        streams = await asyncio.open_unix_connection(rest)
    else:
        host, _, port = rest.rpartition(":")
        streams = await asyncio.open_connection(host, int(port))
    return Peer(*streams, methods, offer)


class Server:
    """Serves all who connect; `address` says where, and `peers` whom."""

    def __init__(self, methods: Methods, offer: Optional[Offer]):
        self.peers: Set[Peer] = set()
        self.address = ""
        self._methods, self._offer = methods, offer
        self._listener: Optional[asyncio.AbstractServer] = None

    async def listen(self, address: str) -> None:
        kind, _, rest = address.partition(":")
        if kind == "unix":
            self._listener, self.address = await asyncio.start_unix_server(self._accept, rest), address
        else:
            host, _, port = rest.rpartition(":")
            self._listener = await asyncio.start_server(self._accept, host, int(port))
            self.address = f"tcp:{host}:{self._listener.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        self._listener.close()
        for peer in list(self.peers):
            await peer.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer, self._methods, self._offer)
        self.peers.add(peer)
        await peer.wait_closed()
        self.peers.discard(peer)


async def serve(address: str, methods: Methods, offer: Optional[Offer] = Offer()) -> Server:
    server = Server(methods, offer)
    await server.listen(address)
    return server


async def main(command: str, address: str, *rest: str) -> None:
    if command == "serve":
        offer = Offer(**json.loads(rest[1])) if len(rest) > 1 else Offer()
        server = await serve(address, importlib.import_module(rest[0]).methods(), offer)
        print("ready", server.address.rpartition(":")[2], flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)
        return
    peer = await connect(address)
    if await peer.hello():
        async with await peer.start(rest[0], *map(json.loads, rest[1:]), stream=True) as call:
            async for value in call:
                print(json.dumps(value, default=repr), flush=True)
    else:
        print(json.dumps(await peer.call(rest[0], *map(json.loads, rest[1:])), default=repr))


if __name__ == "__main__":
    if len(sys.argv) < 4 or sys.argv[1] not in ("serve", "call"):
        sys.exit(__doc__)
    asyncio.run(main(*sys.argv[1:]))
