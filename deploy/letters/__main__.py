"""`python -m deploy.letters list|show|retry|edit|discard|serve`: what `./just dlq` calls."""

import argparse
import asyncio
import getpass
import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote

import msgspec

from common.contracts.letters import MOST_EDITED, Done
from deploy.embedded.errors import NotRunning, StackError
from deploy.letters import causes, show
from deploy.letters.desk import Desk, Id, desk, parsed
from deploy.privileges.nats import OPERATOR

OUTCOMES = {"failed": "failed again", "over": "is not open", "unknown": "is unknown"}
LOST = "its process said nothing more; it may have ended: see `show`"


class Parser(argparse.ArgumentParser):
    """Says in one line what is wrong."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"dlq: {message}; --help says more\n")


def arguments() -> argparse.Namespace:
    parser = Parser(prog="just dlq", description="Dead letters: messages that no service could handle.")
    parser.add_argument("--broker", help="host:port of a broker elsewhere, with --password-file")
    parser.add_argument("--password-file", type=Path, help=f"holds the password of its user `{OPERATOR}`")
    commands = parser.add_subparsers(dest="command", required=True, parser_class=Parser)
    listing = commands.add_parser("list", help="what is open, by cause")
    listing.add_argument("--json", action="store_true", help="for programs")
    showing = commands.add_parser("show", help="one letter: error, headers, payload, what was done with it")
    showing.add_argument("letter", metavar="ID")
    showing.add_argument("--json", action="store_true", help="for programs; the payload in base64")
    showing.add_argument("--raw", action="store_true", help="the payload's bytes and nothing else")
    showing.add_argument("--original", action="store_true", help="the payload as it came, before any edit")
    retrying = commands.add_parser("retry", help="have them handled again, by the service that could not")
    retrying.add_argument("letters", metavar="ID|CAUSE", nargs="+")
    editing = commands.add_parser("edit", help="change what will be tried; tries nothing")
    editing.add_argument("letter", metavar="ID")
    editing.add_argument("--payload", metavar="FILE", help="- is the standard input; without, $EDITOR")
    discarding = commands.add_parser("discard", help="close them without an effect")
    discarding.add_argument("letters", metavar="ID|CAUSE", nargs="+")
    serving = commands.add_parser("serve", help="the same as a page and an API, for administrators")
    serving.add_argument("--host", default="127.0.0.1", help="where it listens (default: %(default)s)")
    serving.add_argument("--port", type=int, default=0, help="default: one that is free")
    serving.add_argument("--accounts", metavar="URL", help="where they sign in; needed with --broker")
    for command in (retrying, editing, discarding):
        command.add_argument("--by", default=user(), help="who does it (default: %(default)s)")
        command.add_argument("--reason", default="", required=command is discarding, help="why")
    given = parser.parse_args()
    if (given.broker is None) != (given.password_file is None):
        parser.error("--broker and --password-file go together")
    if given.command == "serve" and given.broker and not given.accounts:
        parser.error("serve --broker needs --accounts")
    return given


def user() -> str:
    """Whoever the operating system says is there; in a container it may know only a number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def url(given: argparse.Namespace) -> str:
    """Of the running stack, or of a broker elsewhere."""
    if given.broker:
        try:
            password = given.password_file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise StackError(f"{given.password_file} cannot be read: {error}") from error
        return f"nats://{OPERATOR}:{quote(password, safe='')}@{given.broker}"
    return url_of_stack()


def url_of_stack() -> str:
    """Raises StackError."""
    from deploy.embedded import nats  # noqa: PLC0415  # the image of the services has no embedded stack

    running = stack()
    return nats.url(running.layout, running.passwords, OPERATOR)


def edge_of_stack() -> str:
    """Raises StackError."""
    address: str = stack().url("edge")
    return address


def stack() -> Any:
    """Raises NotRunning."""
    from deploy.embedded.stack import Stack  # noqa: PLC0415  # as above

    running = Stack.from_environment().as_running()
    if not running.processes():
        raise NotRunning("nothing is running; ./just up starts it")
    return running


async def run(given: argparse.Namespace) -> int:
    """Answers the exit code."""
    async with desk(url(given), by=getattr(given, "by", "")) as at:
        match given.command:
            case "list":
                return await list_causes(at, as_json=given.json)
            case "show":
                return await show_letter(at, given)
            case "edit":
                return await edit(at, given)
            case "serve":
                return await serve_desk(at, given)
            case "retry":
                ids = await at.chosen(given.letters)
                return await each(ids, lambda one: at.retry(one, given.reason), "retried")
            case _:
                ids = await at.chosen(given.letters)
                return await each(ids, lambda one: at.discard(one, given.reason), "discarded")


async def list_causes(at: Desk, *, as_json: bool) -> int:
    """Exit code 1: of some service nothing is known."""
    letters, silent = await at.everything()
    known = causes.grouped(letters)
    if as_json:
        found = [each._asdict() | {"ids": [f"{each.service}:{one}" for one in each.ids]} for each in known]
        print(json.dumps(msgspec.to_builtins(found), indent=2))
    elif known:
        print("\n".join(line for each in known for line in show.cause_lines(each)))
    elif not silent:
        print("no open dead letters")
    for reason in silent.values():
        print(show.plain(reason), file=sys.stderr)
    return 1 if silent else 0


async def show_letter(at: Desk, given: argparse.Namespace) -> int:
    asked = parsed(given.letter)
    letter = await at.letter(asked)
    payload = None if letter.size is None else await at.payload(asked, original=given.original)
    is_edited = not given.original and any(entry.action == "edited" for entry in letter.trail)
    if given.raw:
        if payload is None:
            raise StackError(f"what {asked} said is forgotten")
        sys.stdout.buffer.write(payload)
    elif given.json:
        known: dict[str, Any] = msgspec.to_builtins(letter) | {"id": str(asked)}
        print(json.dumps(known | {"payload": msgspec.to_builtins(payload), "edited": is_edited}, indent=2))
    else:
        print("\n".join(show.letter_lines(asked, letter, payload, is_edited=is_edited)))
    return 0


async def serve_desk(at: Desk, given: argparse.Namespace) -> int:
    from deploy.letters import serve  # noqa: PLC0415  # a web server that no other command needs

    try:
        listening = serve.bound(given.host, given.port)
    except OSError as error:
        raise StackError(f"{given.host}:{given.port} cannot be listened on: {error.strerror}") from error
    with listening:
        await serve.serve(at, listening, given.accounts or edge_of_stack(), partial(print, flush=True))
    return 0


async def edit(at: Desk, given: argparse.Namespace) -> int:
    asked = parsed(given.letter)
    payload = read(given.payload) if given.payload else with_editor(await at.payload(asked))
    if len(payload) > MOST_EDITED:
        raise StackError(f"an edited payload has at most {MOST_EDITED} bytes, and this one {len(payload)}")
    return await each([asked], lambda one: at.edit(one, payload, given.reason), "edited")


async def each(ids: list[Id], do: Callable[[Id], Awaitable[Done]], done: str) -> int:
    """One after the other, whatever becomes of the others; a line for each."""
    wrong = 0
    for one in ids:
        try:
            told = await do(one)
            said = done if told.result == "done" else OUTCOMES.get(told.result, LOST)
            line = f"{one} {said}" + (f": {told.detail}" if told.detail and told.result != "done" else "")
            is_done = told.result == "done"
        except StackError as error:
            line, is_done = f"{one}: {error}", False
        wrong += not is_done
        print(show.plain(line), file=sys.stdout if is_done else sys.stderr, flush=True)
    return 1 if wrong else 0


def read(name: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise StackError(f"{name} cannot be read: {error.strerror}") from error


def with_editor(payload: bytes) -> bytes:
    """JSON is shaped for reading, and closed up again."""
    try:
        shaped = json.dumps(json.loads(payload), indent=2, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        shaped = payload
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "payload.json"
        file.write_bytes(shaped)
        editor = shlex.split(os.environ.get("EDITOR", "vi"))
        try:
            subprocess.run([*editor, str(file)], check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise StackError(f"the editor failed, nothing is changed: {error}") from error
        edited = file.read_bytes()
    if edited == shaped:
        raise StackError("nothing is changed")
    try:
        return msgspec.json.format(edited, indent=-1)
    except msgspec.DecodeError:
        return edited


def main() -> int:
    """Errors of ours are one line; Ctrl-C is no error."""
    try:
        return asyncio.run(run(arguments()))
    except StackError as error:
        sys.stdout.flush()
        print(f"dlq: {show.plain(str(error))}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, BrokenPipeError):
        return 130


if __name__ == "__main__":
    sys.exit(main())
