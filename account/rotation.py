"""`python -m account.rotation`: another key signs, and no token that was given out is refused on the way.

One write publishes the new key beside the old one, with the time from which on it signs: later than anybody
keeps the set of keys. From then on the old one is only accepted, until all that it signed is over. Every
process does this by the file and the clock; the command only waits to erase the old key from the disk.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from account import keys
from account.keys import Key, Ring
from account.settings import AccountSettings
from account.tokens import overlap
from common.settings import load

Say = Callable[[str], object]


def main() -> None:
    parser = argparse.ArgumentParser(prog="rotate-keys", description="Makes another key sign access tokens.")
    parser.add_argument("--file", type=Path, help="default: the one that the settings name")
    parser.add_argument("--detach", action="store_true", help="do not wait until the old key can be erased")
    parser.add_argument(
        "--compromised", action="store_true", help="erase the old keys now: all sign in or refresh anew"
    )
    arguments = parser.parse_args()
    settings = load(AccountSettings)
    rotation = Rotation(arguments.file or Path(settings.signing_key_file), settings, _say)
    try:
        if arguments.compromised:
            rotation.replace()
            return
        rotation.begin()
        if not arguments.detach:
            rotation.finish()
    except (keys.Unusable, UnderWay, OSError) as error:
        sys.exit(f"rotate-keys: {rotation.file}: {error}")
    except KeyboardInterrupt:
        _say("the change goes on by itself; only the old key stays in the file until the next one")


class UnderWay(Exception):
    """One change at a time."""


class Rotation:
    def __init__(self, file: Path, settings: AccountSettings, say: Say) -> None:
        self.file = file
        self.overlap = overlap(settings)
        self.margin = settings.key_margin_seconds
        self._say = say

    def begin(self) -> None:
        """Keys that are over leave the file; a new one comes, to sign when all know it. Raises UnderWay."""
        kept, now = self._accepted(), time.time()
        if kept[-1].signs_from > now:
            raise UnderWay(f"key {kept[-1].kid} has yet to sign, from {_clock(kept[-1].signs_from)} on")
        key = Key.new(now + self.margin)
        keys.write(self.file, [*kept, key])
        self._say(f"key {key.kid} is published, and signs from {_clock(key.signs_from)} on")
        for old in kept:
            over = Ring([*kept, key], self.overlap).over_at(old)
            self._say(f"key {old.kid} is accepted until {_clock(over)}")

    def finish(self) -> None:
        """Waits until one key is left, and erases the others."""
        while len(kept := self._accepted()) > 1:
            ring = Ring(kept, self.overlap)
            time.sleep(max(0.0, min(ring.over_at(key) for key in kept) - time.time()))
        keys.write(self.file, kept)
        self._say(f"key {kept[0].kid} is the only one left")

    def replace(self) -> None:
        """What the old keys signed is refused from now on, elsewhere within half a minute."""
        key = Key.new(0.0)
        keys.write(self.file, [key])
        self._say(f"key {key.kid} is the only one left; access tokens of before are refused")

    def _accepted(self) -> Sequence[Key]:
        return Ring(keys.read(self.file), self.overlap).at(time.time()).accepted


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _clock(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")


if __name__ == "__main__":
    main()
