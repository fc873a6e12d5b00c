"""A letter in two round trips, to servers of all manners."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress

import msgspec
import pytest

from mail.mailer import Connection, Mailer
from mail.model import Outcome, Verdict
from mail.settings import MailSettings
from tests.support import eventually

GREETING = "220 here"
EHLO = "250-here\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 1000000"
LETTER = b"Subject: x\r\n\r\n.hidden\r\nplain\r\n"
TAKEN = ["250 2.1.0 OK", "250 2.1.5 OK", "354 go on", "250 2.0.0 queued"]


class Scripted:
    """Answers each command with the next line of its script; `heard` is what came, as it came."""

    def __init__(self, script: Iterable[str], *, in_pieces: bool = False) -> None:
        self.script = iter([GREETING, EHLO, *script])
        self.in_pieces = in_pieces
        self.heard: list[bytes] = []
        self.is_over = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await self.converse(reader, writer)
        writer.close()
        self.is_over.set()

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self.say(writer)
        with_text = False
        while content := await reader.read(65536):
            self.heard.append(content)
            for _ in [content] if with_text else content.splitlines():
                answer = await self.say(writer)
                with_text = answer.startswith("354")
                if answer.endswith("hang up"):
                    return

    async def say(self, writer: asyncio.StreamWriter) -> str:
        answer = next(self.script, "221 bye")
        content = f"{answer}\r\n".encode()
        for piece in [content[i : i + 1] for i in range(len(content))] if self.in_pieces else [content]:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        return answer


@asynccontextmanager
async def session(settings: MailSettings, server: Scripted) -> AsyncIterator[Connection]:
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    async with listening:
        async with Mailer(msgspec.structs.replace(settings, smtp_port=port)).connected() as connection:
            yield connection
        await server.is_over.wait()


@pytest.fixture
def settings() -> MailSettings:
    return MailSettings(port=0, nats_url="", database_url="", smtp_timeout_seconds=30)


async def send(connection: Connection, letter: bytes = LETTER) -> Outcome:
    return await connection.send(letter, sender="shop@example.org", recipient="me@example.org")


@pytest.mark.parametrize("in_pieces", [False, True])
async def test_the_envelope_goes_in_one_piece_and_the_text_in_another(
    settings: MailSettings, in_pieces: bool
) -> None:
    server = Scripted([*TAKEN, *TAKEN], in_pieces=in_pieces)
    async with session(settings, server) as connection:
        assert [(await send(connection)).verdict for _ in range(2)] == [Verdict.SENT, Verdict.SENT]
    envelope = b"MAIL FROM:<shop@example.org> SIZE=30 BODY=8BITMIME\r\nRCPT TO:<me@example.org>\r\nDATA\r\n"
    text = b"Subject: x\r\n\r\n..hidden\r\nplain\r\n.\r\n"
    assert server.heard[1:] == [envelope, text, envelope, text, b"QUIT\r\n"]


@pytest.mark.parametrize("lone", [b"\r", b"\n"])
async def test_no_line_of_a_letter_is_its_end(settings: MailSettings, lone: bytes) -> None:
    server = Scripted(TAKEN)
    async with session(settings, server) as connection:
        await send(connection, b"a" + lone + b"." + lone + b"MAIL FROM:<eve@example.org>\r\n")
    assert server.heard[2] == b"a\r\n..\r\nMAIL FROM:<eve@example.org>\r\n.\r\n"


@pytest.mark.parametrize(
    ("answers", "rest", "expected"),
    [
        (
            ["250 OK", "550-5.1.1 nobody\r\n550-5.1.1 says 250 OK\r\n550 5.1.1 here", "503 no recipient"],
            [b"RSET\r\n"],
            Outcome(Verdict.REFUSED, "550 5.1.1", "550 5.1.1 nobody\n5.1.1 says 250 OK\n5.1.1 here"),
        ),
        (
            ["250 OK", "452 4.2.2 full", "354 go on", "554 no recipient"],
            [b".\r\n", b"RSET\r\n"],
            Outcome(Verdict.LATER, "452 4.2.2", "452 4.2.2 full"),
        ),
        (
            ["550 5.7.1 not you", "503 no sender", "503 no recipient"],
            [b"RSET\r\n"],
            Outcome(
                Verdict.LATER, "our sender is refused: 550 5.7.1", "our sender is refused: 550 5.7.1 not you"
            ),
        ),
        (
            ["250 OK", "250 OK", "451 4.3.0 no room"],
            [b"RSET\r\n"],
            Outcome(Verdict.LATER, "451 4.3.0", "451 4.3.0 no room"),
        ),
    ],
    ids=["no recipient", "no recipient and yet go on", "no sender", "no text"],
)
async def test_what_is_refused_costs_that_letter_alone(
    settings: MailSettings, answers: list[str], rest: list[bytes], expected: Outcome
) -> None:
    server = Scripted([*answers, "250 reset", *TAKEN])
    async with session(settings, server) as connection:
        assert await send(connection) == expected
        assert (await send(connection)).verdict is Verdict.SENT
    assert server.heard[2 : 2 + len(rest)] == rest


async def test_a_text_that_is_refused_is_told_and_the_next_goes_out(settings: MailSettings) -> None:
    async with session(settings, Scripted([*TAKEN[:3], "554 5.7.1 spam", *TAKEN])) as connection:
        assert await send(connection) == Outcome(Verdict.REFUSED, "554 5.7.1", "554 5.7.1 spam")
        assert (await send(connection)).verdict is Verdict.SENT


async def test_a_refusal_is_told_of_a_server_that_hangs_up_after_it(settings: MailSettings) -> None:
    server = Scripted(["250 OK", "550 5.1.1 nobody", "503 hang up"])
    async with session(settings, server) as connection:
        assert (await send(connection)).brief == "550 5.1.1"
        assert not connection.is_open


@pytest.mark.parametrize("answers", [["421 hang up"], [*TAKEN[:3], "421 hang up"]])
async def test_a_server_that_hangs_up_is_to_be_tried_again(
    settings: MailSettings, answers: list[str]
) -> None:
    async with session(settings, Scripted(answers)) as connection:
        assert (await send(connection)).verdict is Verdict.LATER
        await eventually(lambda: not connection.is_open)


async def test_what_is_said_unasked_is_no_reply(settings: MailSettings) -> None:
    """Such as that a server is tired of waiting."""
    server = Scripted([*TAKEN[:3], "250 queued\r\n421 too long idle", *TAKEN])
    async with session(settings, server) as connection:
        assert (await send(connection)).verdict is Verdict.SENT
        assert (await send(connection)).verdict is Verdict.SENT


async def test_replies_without_end_are_not_collected(settings: MailSettings) -> None:
    async with session(settings, Scripted(["250-" + "x" * 40_000])) as connection:
        outcome = await send(connection)
    assert (outcome.verdict, outcome.brief) == (Verdict.LATER, "SMTPServerDisconnected")
