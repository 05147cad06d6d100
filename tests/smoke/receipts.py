"""Receipts of removals: as their owner fetches them, and as anybody checks them offline."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.smoke.person import SmokePerson
from tests.smoke.walk import must


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

    def check_features(self, receipt: bytes, *expected: str) -> list[dict[str, Any]]:
        """
        Return what a receipt says of the features that received the data.

        The offline verifier has to print the same, and a receipt that says otherwise has to fail.

        :param expected: the features
        """
        features: list[dict[str, Any]] = json.loads(receipt)["body"]["features"]
        names = sorted(feature["feature"] for feature in features)
        must(names == sorted(expected), f"the receipt names the features {names}")
        status, said = self.verify(receipt)
        must(status == 0, said)
        lines = [line for line in said.splitlines() if line.startswith("feature ")]
        must(lines == [_format_line(feature) for feature in features], f"it prints {lines}")
        was_told = "removal.issued" in said
        must(was_told is bool(features), f"told, by an entry of the ledger: {was_told}")
        if features:
            changed = re.sub(
                rb'"acknowledged_at":(null|"[^"]+")',
                b'"acknowledged_at":"2026-01-01T00:00:00.000+00:00"',
                receipt,
            )
            must(changed != receipt, "the receipt has no time of a confirmation")
            status, _ = self.verify(changed)
            must(status != 0, "a receipt with another time of a confirmation verifies")
        return features


def _format_line(feature: dict[str, Any]) -> str:
    confirmed = feature["acknowledged_at"]
    return (
        f"feature         {feature['feature']}: last received {feature['last_read_at']}, told"
        f" {feature['issued_at']}, deletion of copies"
        f" {'not confirmed' if confirmed is None else f'confirmed {confirmed}'}"
    )
