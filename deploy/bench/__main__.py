"""`./just bench`: buyers at the edge of a running stack, every purchase followed over SSE, the books checked.

A figure without exactness is no figure: stock, money and settlement are compared after the load, and the exit
code is 1 when anything is off.
"""

import argparse
import asyncio
import json
import sys
from pathlib import Path

from deploy.bench.runs import beside_logins, run
from deploy.client import Unexpected
from deploy.embedded import foreground
from deploy.embedded.errors import StackError
from deploy.embedded.stack import Stack


def main() -> int:
    parser = argparse.ArgumentParser(prog="just bench", description=__doc__)
    parser.add_argument("--purchases", type=int, default=1000)
    parser.add_argument("--buyers", type=int, default=50)
    parser.add_argument("--hot", action="store_true", help="everybody wants the same two products")
    parser.add_argument("--rate", type=float, help="purchases per second; as fast as answered without it")
    parser.add_argument(
        "--logins", type=float, help="wrong ones per second beside the purchases, and without"
    )
    parser.add_argument("--rounds", type=int, default=3, help="of the load without and beside the logins")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    given = parser.parse_args()
    try:
        stack = Stack.from_environment()
        if not stack.is_running:
            foreground.start(stack, bare=False, tied=False)
        measure = beside_logins if given.logins else run
        figures = asyncio.run(measure(stack.as_running(), given))
    except (StackError, Unexpected, TimeoutError) as error:
        print(f"bench: {error or 'not everything was settled in time'}", file=sys.stderr)
        return 1
    text = json.dumps(figures, indent=2)
    print(text)
    if given.json:
        given.json.write_text(text + "\n")
    return 1 if figures.get("wrong") else 0


if __name__ == "__main__":
    sys.exit(main())
