"""`python -m deploy.docs`: bring the generated blocks and documents up to date; `--check` only says which are
not.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from deploy.docs import (
    asyncapi,
    degraded,
    messages,
    openapi,
    pages,
    postman,
    privileges,
    requests,
    routes,
    saga,
    settings,
)

WRITERS: pages.Writers = {
    "messages": messages.table,
    "saga": saga.flow,
    "story": saga.story,
    "requests": requests.table,
    "broker_rights": privileges.at_nats,
    "redis_rights": privileges.at_redis,
    "routes": routes.table,
    "degraded": degraded.table,
    "settings": settings.tables,
}
DOCS = pages.ARCHITECTURE.parent / "docs"


def as_file(made: Any) -> str:
    """A document as it is committed."""
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"


FILES: Mapping[Path, Callable[[], str]] = {
    pages.ARCHITECTURE: lambda: pages.filled(pages.ARCHITECTURE.read_text(), WRITERS),
    DOCS / "asyncapi.json": lambda: as_file(asyncapi.document()),
    DOCS / "postman.json": lambda: as_file(postman.collection(openapi.documents())),
}


def main() -> int:
    """Exit code 1 of a check: something is stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    stale = {path: fresh for path, write in FILES.items() if (fresh := write()) != _read(path)}
    for path, fresh in stale.items():
        if check:
            print(f"{path.name} is stale; python -m deploy.docs writes it", file=sys.stderr)
        else:
            path.write_text(fresh)
    return 1 if check and stale else 0


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
