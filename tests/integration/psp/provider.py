"""The real provider as a process of its own; its ledger is read from the file."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterable
from pathlib import Path

from deploy.psp.book import Entry
from deploy.psp.ledger import read
from tests.support import free_port


class PspProcess:
    def __init__(self, ledger_file: Path, **settings: object) -> None:
        self.ledger_file = ledger_file
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {name.upper(): str(value) for name, value in settings.items()} | {
            "PORT": str(self.port),
            "LEDGER_FILE": str(ledger_file),
            "LOG_LEVEL": "WARNING",
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "PspProcess":
        self._process = subprocess.Popen(
            [sys.executable, "-m", "deploy.psp"], env=os.environ | self.environment
        )
        deadline = time.monotonic() + 60
        while not self._answers():
            assert self._process.poll() is None, "the provider did not start"
            assert time.monotonic() < deadline, "the provider does not answer"
            time.sleep(0.05)
        return self

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(60)
            self._process = None

    def signal(self, how: signal.Signals) -> None:
        """SIGSTOP: it takes connections, and answers nothing."""
        assert self._process is not None
        self._process.send_signal(how)

    def entries(self, of: Iterable[object] | None = None) -> list[Entry]:
        """What is on disk, whole, or about some authorizations only."""
        wanted = None if of is None else {str(each) for each in of}
        return [each for each in read(self.ledger_file) if wanted is None or each.authorization in wanted]

    def moves(self, authorization: object) -> list[tuple[str, int]]:
        """Status and amount of every entry about one authorization."""
        return [(entry.status, entry.amount) for entry in self.entries([authorization])]

    def tell(self, path: str, key: str, body: dict[str, object]) -> None:
        """A request behind everybody's back."""
        headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/v1/{path}", json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=30) as response:
            assert response.status == 200

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/livez", timeout=1) as response:
                return bool(response.status == 200)
        except OSError:
            return False
