"""`python -m deploy.docs`: bring the generated blocks up to date; `--check` only says which are not."""

import argparse
import sys

from deploy.docs import degraded, messages, pages, privileges, requests, routes, saga, settings

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


def main() -> int:
    """Exit code 1 of a check: something is stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    text = pages.ARCHITECTURE.read_text()
    fresh = pages.filled(text, WRITERS)
    if fresh == text:
        return 0
    if check:
        print(f"{pages.ARCHITECTURE.name} is stale; python -m deploy.docs writes it", file=sys.stderr)
        return 1
    pages.ARCHITECTURE.write_text(fresh)
    return 0


if __name__ == "__main__":
    sys.exit(main())
