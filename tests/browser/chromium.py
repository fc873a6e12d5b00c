"""Where Chromium is; on a machine that may install packages and lacks it, it comes from Debian."""

import os
import shutil
import subprocess

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PACKAGES = ("chromium", "fonts-dejavu-core")
ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]


def executable() -> str:
    """Skips the tests where there is none and none can be had; on CI that is a failure."""
    path = found() or installed()
    if path is None:
        end = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        end(f"these tests need a browser: {' '.join(('apt-get install', *PACKAGES))}")
    return path


def found() -> str | None:
    return next(filter(None, map(shutil.which, NAMES)), None)


def installed() -> str | None:
    """Only root may, and only where apt is; what apt has to say stands in the test's output."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return None
    apt = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120"]
    quietly = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run([*apt, "update"], env=quietly, check=False)
    subprocess.run([*apt, "install", "-y", "--no-install-recommends", *PACKAGES], env=quietly, check=False)
    return found()
