"""Pages with marked blocks, and the Markdown that is put into them."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

ARCHITECTURE = Path(__file__).parents[2] / "ARCHITECTURE.md"

Writers = Mapping[str, Callable[[], str]]

BLOCK = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def filled(page: str, writers: Writers) -> str:
    """The page with every block written anew; a block that nobody writes is a KeyError."""
    return BLOCK.sub(lambda block: f"{block[1]}{writers[block[2]]()}\n{block[3]}", page)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def fenced(kind: str, lines: Iterable[str]) -> str:
    return "\n".join([f"```{kind}", *lines, "```"])
