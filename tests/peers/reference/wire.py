"""How the messages are encoded: sections 1 to 3 and 6 of docs/extensions.md."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

import msgpack

REQUEST, RESPONSE, NOTIFICATION = 0, 1, 2
ITEM, SEND, CLOSE, CREDIT, GRANT, STOP, CANCEL, CHUNK, WINDOW = range(3, 12)

INVALID_REQUEST, NO_METHOD, INVALID_PARAMS, FAILED = -32600, -32601, -32602, -32000
REFUSED, TOO_LATE, CANCELLED, NOT_SENT = -32010, -32011, -32012, -32013
NOT_EXECUTED = "rpc.not_executed"

LARGEST = 16 << 20  # bytes of one message that comes whole, of a collected result
DEEPEST = 32  # calls that one may be nested in
BUSIEST = 4096  # calls that are served at once


class RpcError(Exception):
    """An error as it is sent: in a response, or into a call."""

    def __init__(self, code: int, message: str, data: Any = None):
        super().__init__(code, message, data)
        self.code, self.message, self.data = code, message, data

    def sent(self) -> List[Any]:
        """The array that this peer puts into responses."""
        return [self.code, self.message] + ([] if self.data is None else [self.data])

    @classmethod
    def received(cls, error: Any) -> RpcError:
        """Whatever another peer puts there."""
        if type(error) is list and 2 <= len(error) <= 3 and type(error[0]) is int:
            return cls(error[0], str(error[1]), *error[2:])
        return cls(FAILED, str(error), error)


class Unsupported(Exception):
    """The other side does not speak the extension, which was needed."""


class Violation(Exception):
    """The other side broke a rule."""


@dataclass(frozen=True)
class Offer:
    """What a side says of itself in its hello."""

    version: int = 1
    items: int = 32
    bytes: int = 131072
    chunk: int = 32768
    window: int = 131072
    split: int = 64 << 20
    splits: int = 64

    @classmethod
    def received(cls, said: Any) -> Offer:
        """Fills in what was not said."""
        if type(said) is not dict or not is_count(said.get("version")) or said["version"] < 1:
            raise RpcError(INVALID_PARAMS, "rpc.hello takes a map with a version")
        absent = {"splits": 1}
        given = {field.name: said.get(field.name, absent.get(field.name, 0)) for field in fields(cls)}
        if not all(map(is_count, given.values())):
            raise RpcError(INVALID_PARAMS, "the numbers of rpc.hello are from 0 to 2147483647")
        return cls(**given)


def pack(value: Any) -> bytes:
    return msgpack.packb(value, unicode_errors="surrogateescape")


def unpacker(most: int) -> msgpack.Unpacker:
    return msgpack.Unpacker(max_buffer_size=most, strict_map_key=False, unicode_errors="surrogateescape")


def opened(message: bytes) -> Tuple[List[Any], int]:
    """The elements of a message, and the length of the last one's encoding."""
    reader, elements, length = unpacker(max(len(message), 1)), [], 0
    reader.feed(message)
    for _ in range(reader.read_array_header()):
        start = reader.tell()
        elements.append(reader.unpack())
        length = reader.tell() - start
    if reader.tell() != len(message):
        raise ValueError("something stands behind a message")
    return elements, length


def is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 1 << 31


def is_id(value: Any) -> bool:
    return type(value) is int and 0 <= value < 1 << 64


def is_number(value: Any) -> bool:
    return type(value) is int and 0 <= value < 1 << 32


def is_anything(_: Any) -> bool:
    return True


# What stands behind the number of each message of the extension.
SHAPES: Dict[int, List[Callable[[Any], bool]]] = {
    ITEM: [is_id, is_anything],
    SEND: [is_id, is_anything],
    CLOSE: [is_id, is_anything],
    CREDIT: [is_id, is_count, is_count],
    GRANT: [is_id, is_count, is_count],
    STOP: [is_id],
    CANCEL: [is_id],
    CHUNK: [is_number, lambda v: type(v) is bool, lambda v: type(v) is bytes],
    WINDOW: [is_count],
}


def fits(shape: Optional[List[Callable[[Any], bool]]], elements: List[Any]) -> bool:
    """Whether a message is of the extension, and has the fields of its kind."""
    if shape is None or len(shape) != len(elements):
        return False
    return all(is_it(value) for is_it, value in zip(shape, elements))


def named(method: Any) -> str:
    return method.decode("utf-8", "replace") if type(method) is bytes else str(method)


def checked(meta: Any) -> Dict[str, Any]:
    """What a request says beside its params, where it is well formed."""
    shapes: Dict[str, Callable[[Any], bool]] = {
        "stream": lambda v: type(v) is list and len(v) == 2 and all(map(is_count, v)),
        "send": lambda v: type(v) is bool,
        "deadline": is_id,
        "depth": is_count,
    }
    if type(meta) is not dict:
        raise RpcError(INVALID_REQUEST, "beside the params of a request stands a map")
    for name, is_it in shapes.items():
        if name in meta and not is_it(meta[name]):
            raise RpcError(INVALID_REQUEST, f"{name} is not what it has to be")
    return meta


def ends(frames: msgpack.Unpacker) -> Iterator[int]:
    """Where each message that is complete ends, counted from the first byte of the connection."""
    while True:
        try:
            frames.skip()
        except msgpack.OutOfData:
            return
        yield frames.tell()
