"""The ledger file. (It is a file of the test's own: the only I/O among the unit tests.)"""

import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from deploy.psp.book import Entry, Void
from deploy.psp.ledger import STRIDE, Ledger, read


def entry(seq: int) -> Entry:
    return Entry(
        seq=seq,
        at=datetime(2026, 1, 1, tzinfo=UTC),
        key=f"k{seq}",
        authorization="a",
        status="voided",
        request=Void(authorization="a"),
    )


async def test_what_was_reached_is_in_the_file(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "new" / "ledger.jsonl")
    ledger.append(entry(1))
    await ledger.reach(1)
    assert read(tmp_path / "new" / "ledger.jsonl") == [entry(1)]
    ledger.close()


async def test_concurrent_writers_share_a_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    syncs: list[int] = []
    ledger = Ledger(tmp_path / "ledger.jsonl")
    monkeypatch.setattr(os, "fsync", syncs.append)
    for seq in range(1, 51):
        ledger.append(entry(seq))
    await asyncio.gather(*(ledger.reach(seq) for seq in range(1, 51)))
    assert len(syncs) == 1
    assert len(read(tmp_path / "ledger.jsonl")) == 50
    ledger.close()


async def test_a_torn_last_line_is_cut_off_and_written_over(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    ledger = Ledger(path)
    ledger.append(entry(1))
    await ledger.reach(1)
    ledger.close()
    with path.open("ab") as file:
        file.write(b'{"seq":2,"at":"20')
    size = path.stat().st_size
    assert read(path) == [entry(1)]
    assert path.stat().st_size == size, "it may be being written: whoever only reads leaves it"
    reopened = Ledger(path)
    assert reopened.recent == [entry(1)]
    reopened.append(entry(2))
    await reopened.reach(2)
    reopened.close()
    assert read(path) == [entry(1), entry(2)]


async def test_what_is_old_is_read_from_the_disk_and_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(b"".join(msgspec.json.encode(entry(seq)) + b"\n" for seq in range(1, 2 * STRIDE + 1)))
    ledger = Ledger(path, datetime(2026, 1, 2, tzinfo=UTC))
    assert (ledger.recent, ledger.count) == ([], 2 * STRIDE)
    ledger.append(entry(2 * STRIDE + 1))
    for after, limit in ((0, 3), (STRIDE - 1, 2), (STRIDE, 1), (2 * STRIDE - 1, 5), (2 * STRIDE + 1, 5)):
        page = msgspec.json.decode(await ledger.page(after, limit), type=list[Entry])
        until = min(after + limit, 2 * STRIDE + 1)
        assert [each.seq for each in page] == list(range(after + 1, until + 1))
    assert len(msgspec.json.decode(await ledger.page(0, None))) == 2 * STRIDE + 1
    ledger.close()
