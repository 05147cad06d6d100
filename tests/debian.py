"""Debian's packages that a test needs, installed where we are root and apt is there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys


def install(package: str, *, reason: str) -> None:
    """
    Install a package of Debian's and say so; do nothing without root or apt.

    :param reason: what begins the lines on standard error, such as "browser: no Chromium found"
    """
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return
    sys.stderr.write(f"{reason}; installing Debian's (apt-get install {package})\n")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (["update"], ["install", "-y", "--no-install-recommends", package]):
        command = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300", *step]
        done = subprocess.run(
            command, env=quiet, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
        if done.returncode:
            sys.stderr.write(f"{reason}; {' '.join(command)} failed\n")
            return
