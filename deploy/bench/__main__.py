"""`./just bench`: buyers at the edge of a running stack, every purchase followed over SSE, the books checked.

A figure without exactness is no figure: stock, money, mails and messages are compared after the load, and the
exit code is 1 when anything is off.
"""

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from deploy.bench.database import COUNTER
from deploy.bench.runs import beside_logins, run
from deploy.bench.trial import Trial, asked
from deploy.client import Unexpected
from deploy.embedded import foreground
from deploy.embedded.errors import StackError
from deploy.embedded.stack import Stack


@contextmanager
def running(trial: Trial) -> Iterator[Stack]:
    """The stack that runs, else one that goes on running; but what counts statements ends with the bench."""
    stack = Stack.from_environment()
    is_ours = not stack.is_running
    if is_ours:
        if trial.statements:
            os.environ.setdefault("SHOP_POSTGRES_PRELOAD", COUNTER)
        foreground.start(stack, bare=False, tied=trial.statements)
    try:
        yield stack.as_running()
    finally:
        if is_ours and trial.statements:
            stack.stop()


def first(error: BaseException) -> BaseException:
    """Whoever failed among many at once."""
    return first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


def main() -> int:
    trial, file = asked()
    try:
        with running(trial) as stack:
            figures = asyncio.run((beside_logins if trial.logins else run)(stack, trial))
    except (StackError, Unexpected, TimeoutError, OSError, ExceptionGroup) as error:
        reason = first(error)
        if not isinstance(reason, StackError | Unexpected | TimeoutError | OSError):
            raise
        print(f"bench: {reason or 'not everything was decided in time'}", file=sys.stderr)
        return 1
    text = json.dumps(figures, indent=2, ensure_ascii=False)
    print(text)
    if file:
        file.write_text(text + "\n")
    return 1 if figures.get("wrong") else 0


if __name__ == "__main__":
    sys.exit(main())
