"""As whom Postgres runs: it refuses to be root, so root lends it the id of nobody."""

import os
import shutil
import stat
import subprocess
from enum import StrEnum
from pathlib import Path

from deploy.embedded.errors import Missing

NOBODY = 65534


class Identity(StrEnum):
    """Chosen once per data folder and remembered: the owner of its files hangs on it."""

    DIRECT = "direct"  # we are an ordinary user
    NAMESPACE = "namespace"  # root, seen as nobody inside a user namespace: the files stay root's
    NOBODY = "nobody"  # root where namespaces are refused (containers): the files become nobody's

    @property
    def prefix(self) -> tuple[str, ...]:
        """What to put before a command; both tools exec it, so the pid is the command's own."""
        if self is Identity.NAMESPACE:
            return ("unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}", "--")
        if self is Identity.NOBODY:
            return ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--")
        return ()

    def works(self) -> bool:
        """Try it on a command that does nothing."""
        if not self.prefix:
            return os.geteuid() != 0
        if os.geteuid() != 0 or shutil.which(self.prefix[0]) is None:
            return False
        return subprocess.run([*self.prefix, "true"], capture_output=True, check=False).returncode == 0

    @property
    def user(self) -> int:
        """To whom the files belong, as seen from outside."""
        return NOBODY if self is Identity.NOBODY else os.geteuid()

    def own(self, path: Path) -> None:
        """Give a file or a whole folder to the user Postgres will be; only root has to."""
        if os.geteuid() == 0:
            for each in (path, *path.rglob("*")):
                os.chown(each, self.user, self.user, follow_symlinks=False)


def remembered(file: Path) -> Identity:
    """The identity this data folder was made with while it still works here, else the best that does."""
    if file.exists():
        before = Identity(file.read_text().strip())
        if before.works():
            return before
    for identity in Identity:
        if identity.works():
            return identity
    raise Missing("root needs unshare or setpriv (package util-linux) to run Postgres as nobody")


def check_access(identity: Identity, path: Path) -> None:
    """Nobody has to be able to walk to the folder."""
    if identity is not Identity.NOBODY:
        return
    closed = [each for each in path.parents if not each.stat().st_mode & stat.S_IXOTH]
    if closed:
        raise Missing(
            f"{closed[-1]} is closed to user nobody, as whom Postgres runs here; SHOP_HOME moves the data"
        )
