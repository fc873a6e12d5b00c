"""`./just bench-reads`: how many products and lists a second the shop shows, at the edge, out of warm caches.

`wrk` asks, on this machine. Each phase is one route, first until it is warm; what the caches answered is read
from the services' own /metrics.
"""

import argparse
import asyncio
import json
import re
import shutil
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.request import urlopen

from deploy.client import API, Json, Shop, Unexpected
from deploy.embedded import foreground
from deploy.embedded.errors import Missing, StackError
from deploy.embedded.stack import Stack

AT_ONCE = 20
LIST_QUERIES = ("", "?limit=20&sort=price_asc", "?limit=20&sort=name", "?limit=20&offset=20", "?q=lamp")
WARM = 0.99
"""Hits among the reads of two seconds."""
MOST_WARMING = 20
COUNTED = re.compile(
    r'^shop_cache_(hits|loads|refreshed|away)_total\{kind="(\w+)"(?:,level="(\w+)")?\} (\S+)$', re.MULTILINE
)

ASK = """
math.randomseed(os.time())
local paths = {{ {paths} }}
request = function()
  return wrk.format("GET", paths[math.random(#paths)])
end
"""
ASK_UNKNOWN = """
math.randomseed(os.time())
local function hex(digits) return string.format("%0" .. digits .. "x", math.random(0, 16 ^ digits - 1)) end
request = function()
  local id = hex(6) .. hex(2) .. "-" .. hex(4) .. "-4" .. hex(3) .. "-a" .. hex(3) .. "-" .. hex(6) .. hex(6)
  return wrk.format("GET", "{products}/" .. id)
end
"""


class Phase(NamedTuple):
    """One kind of reads: what wrk is told to ask, and whose counts tell how it was answered."""

    name: str
    script: str
    kind: str


async def seed(stack: Stack, count: int) -> list[str]:
    """A catalogue of one seller."""
    gate = asyncio.Semaphore(AT_ONCE)
    async with Shop.at(stack.url("edge"), stack.url("mail_api")) as shop:
        seller = await shop.register()
        await seller.verify()
        category = await seller.call("POST", "/categories", expect=201, body={"name": "Reads"})

        async def product(number: int) -> str:
            async with gate:
                made = await seller.create_product(
                    category["id"], f"Lamp {number}", price=1000 + number, inventory=100
                )
            return str(made["id"])

        return await asyncio.gather(*map(product, range(count)))


def phases(products: Sequence[str], *, unknown: bool) -> list[Phase]:
    listed = [f"{API}/products{query}" for query in LIST_QUERIES]
    shown = [f"{API}/products/{each}" for each in products]
    known = [Phase("product", asking(shown), "product"), Phase("list", asking(listed), "list")]
    strangers = Phase("unknown product", ASK_UNKNOWN.format(products=f"{API}/products"), "product")
    return [*known, *([strangers] if unknown else [])]


def asking(paths: Iterable[str]) -> str:
    return ASK.format(paths=", ".join(f'"{path}"' for path in paths))


def measure(stack: Stack, phase: Phase, given: argparse.Namespace) -> Json:
    """The median round, and what the caches did in all of them."""
    folder = stack.layout.private("bench")
    script = folder / "reads.lua"
    script.write_text(phase.script)
    command = ["wrk", "-t1", f"-c{given.connections}", "--latency", "-s", str(script), stack.url("edge")]
    warm(stack, phase, command)
    before = counted(stack, phase.kind)
    rounds = [wrk([*command, f"-d{given.seconds}s"]) for _ in range(given.rounds)]
    done = counted(stack, phase.kind) - before
    return {
        "per_second": statistics.median(each["per_second"] for each in rounds),
        "p99_ms": statistics.median(each["p99_ms"] for each in rounds),
        "rounds": [each["per_second"] for each in rounds],
        "errors": sum(each["errors"] for each in rounds),
        "answered_by": dict(done),
        "hit_ratio": round(hit_ratio(done), 5),
    }


def warm(stack: Stack, phase: Phase, command: list[str]) -> None:
    """Until hardly anything is loaded any more, or it is clear that this does not get better."""
    for _ in range(MOST_WARMING):
        before = counted(stack, phase.kind)
        wrk([*command, "-d2s"])
        if hit_ratio(counted(stack, phase.kind) - before) > WARM:
            return


def hit_ratio(done: Counter[str]) -> float:
    hits = sum(count for what, count in done.items() if what.startswith("hits"))
    return hits / max(1, hits + done["loads"])


def wrk(command: list[str]) -> Json:
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", told)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", told)
    errors = re.search(r"Non-2xx or 3xx responses: (\d+)", told)
    assert p99 is not None, told
    assert rate is not None, told
    return {
        "per_second": round(float(rate[1]), 1),
        "p99_ms": round(float(p99[1]) * {"us": 0.001, "ms": 1, "s": 1000}[p99[2]], 2),
        "errors": int(errors[1]) if errors else 0,
    }


def counted(stack: Stack, kind: str) -> Counter[str]:
    """By all replicas of product."""
    seen: Counter[str] = Counter()
    for name, process in stack.processes().items():
        if name.rpartition("-")[0] == "product" or name == "product":
            with urlopen(f"http://127.0.0.1:{process['port']}/metrics") as answer:  # our own
                for what, of, level, number in COUNTED.findall(answer.read().decode()):
                    if of == kind:
                        seen[f"{what} {level}".strip()] += round(float(number))
    return seen


def main() -> int:
    parser = argparse.ArgumentParser(prog="just bench-reads", description=__doc__)
    parser.add_argument("--products", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=5, help="of a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--unknown", action="store_true", help="and ids that nobody has")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    given = parser.parse_args()
    try:
        if shutil.which("wrk") is None:
            raise Missing("wrk is not on this machine; in Debian it is a package of this name")
        stack = Stack.from_environment()
        if not stack.is_running:
            foreground.start(stack, bare=False, tied=False)
        stack = stack.as_running()
        products = asyncio.run(seed(stack, given.products))
        figures = {
            phase.name: measure(stack, phase, given) for phase in phases(products, unknown=given.unknown)
        }
    except (StackError, Unexpected, TimeoutError) as error:
        print(f"bench-reads: {error}", file=sys.stderr)
        return 1
    text = json.dumps(figures, indent=2)
    print(text)
    if given.json:
        given.json.write_text(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
