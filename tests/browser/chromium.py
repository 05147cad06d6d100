"""
Find a Chromium or Chrome; as root, where apt is there, install Debian's and say so.

Playwright's own browsers are not used: they come from a download that a closed network lacks.
"""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import contextmanager

from tests import debian
from tests.tiers import skip_on_this_machine

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
# A closed network, and quiet: no update checks, no metrics, no first-run pages.
ARGUMENTS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
MISSING = (
    "no browser: install Chromium or Chrome (Debian: apt-get install chromium), or set CHROMIUM to"
    " its path"
)


def find_browser() -> str | None:
    """Return the path of an installed browser."""
    named = os.environ.get("CHROMIUM")
    candidates = [named] if named else [shutil.which(name) for name in NAMES]
    return next(
        (path for path in (*candidates, *PLACES) if path and os.access(path, os.X_OK)), None
    )


def install() -> None:
    """Install Debian's Chromium, if we are root and apt is there."""
    debian.install("chromium", reason="browser: no Chromium found")


def executable() -> str:
    """Return a browser's path, installing one where that is possible; skip the test otherwise."""
    if find_browser() is None:
        install()
    found = find_browser()
    if found is None:
        skip_on_this_machine(MISSING)
    return found


@contextmanager
def run_browser():
    """Yield a running headless browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


if __name__ == "__main__":
    # `make` calls this before several test processes would each install a browser.
    if find_browser() is None:
        install()
    if find_browser() is None:
        sys.stderr.write(f"{MISSING}; tests that need one will be skipped\n")
