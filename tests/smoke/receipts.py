"""Receipts of removals: as their owner fetches them, and as anybody checks them offline."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from tests.smoke.person import SmokePerson


@dataclass
class Receipts:
    """
    :param reader: who fetches the public keys
    :param known: where those are that were fetched
    """

    reader: SmokePerson
    known: set[str] = field(default_factory=set)

    def next(self, person: SmokePerson) -> bytes | None:
        """Return a receipt of theirs that was not returned before."""
        page = person.settings().text
        there = re.findall(r'href="(/settings/removals/[^"]+/receipt.json)"', page)
        fresh = [one for one in there if one not in self.known]
        self.known.update(fresh[:1])
        return person.browser.get(fresh[0]).response.content if fresh else None

    def verify(self, receipt: bytes) -> tuple[int, str]:
        """Return the status of the offline verifier, and what it says."""
        keys = self.reader.browser.get("/keys/?format=text").text.split("\n")
        pinned = [part for key in keys if key for part in ("--key", key)]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "receipt.json"
            path.write_bytes(receipt)
            done = subprocess.run(
                [sys.executable, "-m", "limited_use.verify", *pinned, str(path)],
                capture_output=True,
                text=True,
                check=False,
            )
        return done.returncode, done.stdout + done.stderr
