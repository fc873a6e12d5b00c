"""Asking other services over NATS: one replica for an answer, or every replica for its own."""

import asyncio
from typing import TypeVar

import msgspec
import nats
from nats.aio.msg import Msg

from common.contracts.request import MOST_BYTES, Problem, Request, answer, subject
from common.messaging.broker import Broker
from common.messaging.codec import encode
from common.messaging.wire import NOBODY
from common.telemetry import context, spans

A = TypeVar("A")

ATTEMPTS = 2
"""Within the timeout: a replica that died with the question in hand says nothing, another one will."""

_problem = msgspec.json.Decoder(Problem).decode


class Unavailable(ConnectionError):
    """Nobody can answer now: no replica listens, those that do are too busy, or the broker is away."""


class Refused(ValueError):
    """The question was not answered, and would not be if it were asked again."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.code} {problem.detail}")
        self.problem = problem


class Requests:
    """Asks in the name of one process, under the trace of what it is doing."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker

    async def ask(self, request: Request[A], *, of: str = "", timeout: float = 1.5) -> A:
        """Raises Unavailable at once, TimeoutError when nobody answered in time, or Refused.

        `of`: which service, where all answer the same.

        Who may not ask at all waits in vain: the broker tells the connection, not the question.
        """
        payload = encode(request)
        if len(payload) > MOST_BYTES:
            raise Refused(Problem(code=413, detail=f"A question has at most {MOST_BYTES} bytes."))
        where = subject(type(request), of)
        with spans.span(f"ask {where}", {"rpc.system": "nats", "rpc.method": where}):
            message = await self._first_answer(where, payload, timeout)
        if message.headers and "Nats-Service-Error-Code" in message.headers:
            raise _error(_problem(message.data))
        return msgspec.json.decode(message.data, type=answer(type(request)))

    async def survey(self, where: str, *, timeout: float, enough: int | None = None) -> list[bytes]:
        """What every replica says for itself, as far as it says it in time; `enough` answers end the wait."""
        client = await self.broker.ready()
        answers: asyncio.Queue[Msg] = asyncio.Queue()
        inbox = client.new_inbox()
        subscription = await client.subscribe(inbox, cb=answers.put)
        heard: list[bytes] = []
        try:
            await client.publish(where, reply=inbox, headers=_headers())
            async with asyncio.timeout(timeout):
                while enough is None or len(heard) < enough:
                    message = await answers.get()
                    if (message.headers or {}).get("Status") == NOBODY:
                        break
                    heard.append(message.data)
        except TimeoutError:
            pass
        finally:
            await subscription.unsubscribe()
        return heard

    async def _first_answer(self, where: str, payload: bytes, timeout: float) -> Msg:
        if self.broker.client is None or not self.broker.up:
            raise Unavailable("the broker is away")
        for _ in range(ATTEMPTS):
            try:
                share = timeout / ATTEMPTS
                return await self.broker.client.request(where, payload, share, headers=_headers())
            except nats.errors.NoRespondersError as error:
                raise Unavailable(f"nobody answers {where}") from error
            except nats.errors.TimeoutError:
                continue
            except nats.errors.Error as error:
                raise Unavailable(repr(error)) from error
        raise TimeoutError(f"no answer on {where} within {timeout} s")


def _headers() -> dict[str, str] | None:
    trace = context.traceparent()
    return {"traceparent": trace} if trace else None


def _error(problem: Problem) -> Exception:
    return Unavailable(problem.detail) if problem.code == 503 else Refused(problem)
