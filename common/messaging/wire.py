"""The broker's protocol where messages pass by the thousand; for all else nats-py, in which it is built in.

nats-py looks for a message with two regular expressions, reads its headers one by one, and puts it into a
queue from which a task takes it: 25 µs to publish, confirm, receive and acknowledge each of a purchase's
fifteen messages. Here a message is found by its line's end and goes straight to who waits for it, and what
leaves together leaves as one piece: 7 µs.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import nats
from nats.aio.client import Client, Srv
from nats.aio.subscription import Subscription
from nats.errors import ProtocolError
from nats.protocol.parser import Parser

log = logging.getLogger(__name__)

END = b"\r\n"
VERSION = "NATS/1.0"
NOBODY = "503"
"""The status that answers what nobody listens to."""

Hear = Callable[[str, str, bytes, bytes], None]
"""Subject, reply, head and payload of a message. Must not block: the next one is read after it."""


class Wire(Client):
    """Lives on nats-py's connection: its commands stay in one order with nats-py's own."""

    def __init__(self) -> None:
        super().__init__()
        self._ps = self._frames = Frames(self)

    async def _connect_to_server(self, s: Srv) -> None:
        """nats-py leaves the connection before to the garbage collector when its handshake has failed."""
        self.hang_up()
        await super()._connect_to_server(s)

    def hang_up(self) -> None:
        """At once, however far the handshake has come; nats-py would not if it is cancelled there."""
        if self._transport is not None:
            self._transport.close()  # type: ignore[no-untyped-call]

    async def hear(self, subject: str, hear: Hear) -> Subscription:
        """A subscription whose messages do not wait for a task."""
        subscription = await self.subscribe(subject)
        self._frames.heard[subscription._id] = hear  # its number on the wire
        return subscription

    def _remove_sub(self, sid: int, max_msgs: int = 0) -> None:
        self._frames.heard.pop(sid, None)
        super()._remove_sub(sid, max_msgs)

    async def send(self, frames: Sequence[bytes]) -> None:
        """All of them, each made by `frame`. Raises nats-py's error where there is no connection."""
        if not self.is_connected:
            raise nats.errors.OutboundBufferLimitError
        if not frames:
            return
        if max(map(len, frames)) > self.max_payload:
            raise nats.errors.MaxPayloadError  # to which the server would answer by hanging up
        assert self._flush_queue is not None, "a connection that stands has one"
        self.stats["out_msgs"] += len(frames)
        await self._send_command(b"".join(frames))
        if self._flush_queue.empty():
            await self._flush_pending()


class Frames(Parser):
    """What the server says, cut into messages. What is none is nats-py's affair: INFO, PING, -ERR."""

    def __init__(self, client: Client) -> None:
        self.heard: dict[int, Hear] = {}
        super().__init__(client)

    def reset(self) -> None:
        """A new connection begins with a line of its own."""
        super().reset()
        self._rest = b""

    async def parse(self, data: bytes = b"") -> None:
        """Raises ProtocolError at what no server says; the connection is made anew then."""
        data, at = self._rest + data, 0
        while (end := data.find(END, at)) >= 0:
            line = _Line.read(data[at:end])
            if line is None:
                self._rest = data[end + 2 :]  # whoever is told may begin anew
                await super().parse(data[at : end + 2])
                data, at = self._rest, 0
                continue
            start, after = end + 2, end + 2 + line.size + 2
            if len(data) < after:
                break
            head, payload = data[start : start + line.head], data[start + line.head : after - 2]
            at = after
            if (hear := self.heard.get(line.sid)) is not None:
                _tell(hear, line, head, payload)
                continue
            self._rest = data[at:]
            await self.nc._process_msg(line.sid, line.subject, line.reply, payload, head)
            data, at = self._rest, 0
        self._rest = data[at:]


class _Line(NamedTuple):
    """`[H]MSG subject sid [reply] [head's size] size`: what stands before a message. Sizes are bytes."""

    subject: bytes
    sid: int
    reply: bytes
    head: int
    size: int

    @classmethod
    def read(cls, line: bytes) -> "_Line | None":
        try:
            match line.split():
                case [b"HMSG", subject, sid, reply, head, size]:
                    return cls(subject, int(sid), reply, int(head), int(size))
                case [b"HMSG", subject, sid, head, size]:
                    return cls(subject, int(sid), b"", int(head), int(size))
                case [b"MSG", subject, sid, reply, size]:
                    return cls(subject, int(sid), reply, 0, int(size))
                case [b"MSG", subject, sid, size]:
                    return cls(subject, int(sid), b"", 0, int(size))
        except ValueError as error:
            raise ProtocolError(f"nats: malformed {line[:100]!r}") from error
        return None


def _tell(hear: Hear, line: _Line, head: bytes, payload: bytes) -> None:
    try:
        hear(line.subject.decode(), line.reply.decode(), head, payload)
    except Exception:
        log.exception("a message could not be taken")


def frame(subject: str, payload: bytes, reply: str = "", headers: Mapping[str, str] | None = None) -> bytes:
    """One publishing, as it goes over the wire."""
    if headers is None:
        return b"PUB %s %s %d\r\n%s\r\n" % (subject.encode(), reply.encode(), len(payload), payload)
    head = _head(headers).encode()
    size = len(head) + len(payload)
    return f"HPUB {subject} {reply} {len(head)} {size}\r\n".encode() + head + payload + END


def _head(headers: Mapping[str, str]) -> str:
    """A value has one line, whatever is in it: what follows a line's end would be a header (J16)."""
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    if not lines.count("\r") == lines.count("\n") == len(headers):
        return _head({name: " ".join(value.splitlines()) for name, value in headers.items()})
    return f"{VERSION}\r\n{lines}\r\n"


def headers(head: bytes) -> dict[str, str]:
    """Of a message, without the zero bytes that no database takes."""
    found = {}
    for line in head.decode("utf-8", "replace").replace("\0", "").split("\r\n")[1:]:
        name, colon, value = line.partition(":")
        if colon:
            found[name] = value.strip()
    return found


def status(head: bytes) -> str:
    """What the server says in place of a message: `100`, `404`, `503`; nothing where it is a message."""
    first, _, _ = head.partition(END)
    return first[len(VERSION) + 1 :][:3].decode("ascii", "replace")
