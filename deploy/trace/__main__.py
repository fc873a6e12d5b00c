"""`./just trace PURCHASE`: where one purchase is and where its time went, from what the services remember.

Exit code 0: told; 1: nobody knows such a purchase; 2: something cannot be read, or nothing runs.
"""

import argparse
import asyncio
import sys
from datetime import UTC, datetime
from uuid import UUID

from deploy.audit.__main__ import Place, place
from deploy.audit.history import history
from deploy.audit.sources import Unreadable
from deploy.embedded.errors import StackError
from deploy.trace import show
from deploy.trace.standing import standing
from deploy.trace.waiting import waiting


def arguments(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="just trace", description=__doc__.partition("\n")[0])
    parser.add_argument("purchase", type=UUID, metavar="PURCHASE", help="its id")
    parser.add_argument("--json", action="store_true", help="for programs")
    return parser.parse_args(given)


async def run(purchase: UUID, at: Place, *, as_json: bool) -> int:
    """Raises Unreadable."""
    known, now_waiting = await asyncio.gather(history(at.sources, purchase), waiting(at.sources.nats_url))
    if not known.facts["purchase"]:
        print(f"trace: no purchase {purchase} is known here", file=sys.stderr)
        return 1
    told = standing(known, now_waiting, datetime.now(UTC))
    if as_json:
        print(show.as_json(known, told))
    else:
        print(*told.lines, "", *show.waterfall(known), sep="\n")
    return 0


def main(given: list[str] | None = None) -> int:
    """Whatever keeps us from knowing is one line."""
    asked = arguments(given)
    try:
        return asyncio.run(run(asked.purchase, place(), as_json=asked.json))
    except (KeyboardInterrupt, BrokenPipeError):
        return 130
    except (Unreadable, StackError, OSError) as error:
        print(f"trace: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
