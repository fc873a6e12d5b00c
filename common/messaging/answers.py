"""Answering what is asked over NATS: a few at a time, within a deadline, never without an answer."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec
import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from common.contracts.request import MOST_BYTES, Problem, Request, subject
from common.messaging.codec import encode
from common.postgres.database import UNAVAILABLE
from common.telemetry.edge import asked

log = logging.getLogger(__name__)

QUEUE = "q"
"""The queue group that all tools of the services API expect: each question goes to one replica."""

EVERYBODY = ""
"""No queue group: each question goes to every replica."""

SECONDS = 2.0
"""From the arrival of a question to its answer, waiting included: after that its asker has gone."""

AT_ONCE = 2
"""Questions of one subject in hand, and so connections to the database: consumers need the others."""

WAITING = 64
"""Questions of one subject that may wait; any more are told so at once."""

Answer = Callable[[bytes], Awaitable[bytes]]
"""Raises Malformed for what is not a question."""

A = TypeVar("A")


class Malformed(ValueError):
    """Not what the contract demands."""


class Stats(msgspec.Struct):
    """Of one subject, in the words of the services API; times are nanoseconds."""

    name: str
    subject: str
    queue_group: str
    num_requests: int = 0
    num_errors: int = 0
    last_error: str = ""
    processing_time: int = 0
    average_processing_time: int = 0

    def count(self, nanoseconds: int, error: str) -> None:
        self.num_requests += 1
        self.processing_time += nanoseconds
        self.average_processing_time = self.processing_time // self.num_requests
        if error:
            self.num_errors += 1
            self.last_error = error


class Endpoint:
    """One subject and who answers it. Whatever is asked, the asker hears something and the replica lives."""

    def __init__(self, subject: str, answer: Answer, *, queue: str = QUEUE) -> None:
        self.stats = Stats(name=subject.rpartition(".")[2], subject=subject, queue_group=queue)
        self._answer = answer
        self._span_name, self._span_about = f"answer {subject}", {"rpc.system": "nats", "rpc.method": subject}
        self._waiting: asyncio.Queue[tuple[Msg, float]] = asyncio.Queue(WAITING)

    async def listen(self, client: Client) -> Subscription:
        """nats-py hands over one message after the other, so that whoever hears them must not wait."""

        async def hear(message: Msg) -> None:
            try:
                self._waiting.put_nowait((message, asyncio.get_running_loop().time() + SECONDS))
            except asyncio.QueueFull:
                self.stats.count(0, "busy")
                await tell(client, message, Problem(code=503, detail="Too many questions are waiting."))

        return await client.subscribe(self.stats.subject, queue=self.stats.queue_group, cb=hear)

    async def run(self, client: Client) -> None:
        """Runs until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(AT_ONCE):
                tasks.create_task(self._work(client))

    async def finished(self) -> None:
        """Everything heard so far is answered."""
        await self._waiting.join()

    async def _work(self, client: Client) -> None:
        while True:
            message, deadline = await self._waiting.get()
            began = time.perf_counter_ns()
            with asked((message.headers or {}).get("traceparent"), self._span_name, self._span_about):
                said = await self._say(message, deadline)
            await tell(client, message, said)
            error = said.detail if isinstance(said, Problem) else ""
            self.stats.count(time.perf_counter_ns() - began, error)
            self._waiting.task_done()

    async def _say(self, message: Msg, deadline: float) -> bytes | Problem:
        if len(message.data) > MOST_BYTES:
            return Problem(code=413, detail=f"A question has at most {MOST_BYTES} bytes.")
        try:
            async with asyncio.timeout_at(deadline):
                return await self._answer(message.data)
        except Malformed as error:
            return Problem(code=400, detail=str(error)[:500])
        except (*UNAVAILABLE, TimeoutError) as error:
            return Problem(code=503, detail=f"Not now: {type(error).__name__}")
        except Exception:
            log.exception("cannot answer %s", message.subject)
            return Problem(code=500, detail="The fault is here, and in the log.")


def answering(kind: type[Request[A]], answer: Callable[[Any], Awaitable[A]], *, of: str = "") -> Endpoint:
    """What `answer` says to a question of this kind, which is as its contract demands or is not let in."""
    decode = msgspec.json.Decoder(kind).decode

    async def respond(payload: bytes) -> bytes:
        try:
            question = decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Malformed(str(error)) from error
        return encode(await answer(question))

    return Endpoint(subject(kind, of), respond)


async def tell(client: Client, message: Msg, said: bytes | Problem) -> None:
    """Errors are marked as the services API has it. What the asker wrote stays out of headers (J16).

    Not by `Msg.respond`, which sends the asker's own headers back.
    """
    headers: dict[str, str] | None = None
    if isinstance(said, Problem):
        code = str(said.code)
        headers = {"Nats-Service-Error": HTTPStatus(said.code).phrase, "Nats-Service-Error-Code": code}
        said = encode(said)
    if not message.reply:
        return
    try:
        await client.publish(message.reply, said, headers=headers)
    except nats.errors.Error as error:  # no way there now: the asker will ask again
        log.warning("an answer on %s went nowhere: %r", message.subject, error)
