"""The tool itself: a whole run finds nothing, and a run of a service with bugs finds each."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from config.embedded.embedded_service import ROOT
from tests.canaries import fields, graph_fields

# What `leaky.py` does with what a person was shown, by the store in which that is found.
LEAKS = (
    "rows", "sessions", "broker traffic", "logs", "mail", "temporary files",
    "crash reports", "outgoing requests", "database files", "WAL",
)  # fmt: skip
# Of a hand-over, and of the pages of service clients: it prints them.
LEAKED_SECRETS = (
    "state of a feature", "code", "code verifier", "hand-over token", "client's own token",
    "client assertion", "private key of an operator",
)  # fmt: skip
# Only root may look into the memory of a parser process.
if os.geteuid() == 0:
    LEAKS = (*LEAKS, "parser memory")
# A minute and a half on two idle cores, and several times that beside a whole suite.
PATIENCE = 900


def tool(*arguments: str) -> tuple[int, str]:
    """Run the tool on servers of its own, and return its status and what it printed."""
    given = {key: value for key, value in os.environ.items() if key not in OURS}
    done = subprocess.run(
        [sys.executable, "-m", "tests.canaries", *arguments],
        cwd=ROOT,
        env=given,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


# What pytest runs on is not what the tool is to run on.
OURS = {"DATABASE_URL", "BROKER_URL", "KEYRING_DIR", "DJANGO_SETTINGS_MODULE", "KEYRING_URL"}


class TestTheFieldsOfAProvider:
    @pytest.mark.invariant(4)
    def test_are_each_seeded_or_explained(self):
        assert fields.unaccounted() == []
        assert graph_fields.unaccounted() == []
        assert len(fields.deliverable()) > 80
        assert len(graph_fields.deliverable()) > 80


@pytest.mark.invariant(4)
@pytest.mark.invariant(3)
@pytest.mark.invariant(6)
@pytest.mark.scenario("D5", "X2", "O3")
@pytest.mark.clause("WDEL", "CASA-DEL", "AN-15", "WSEC-TOK")
@pytest.mark.control("6.5.1")
class TestARun:
    @pytest.mark.claim("data-use.encrypted", "data-use.backups")
    def test_of_mail_finds_nothing_anywhere(self):
        status, said = tool("--short")

        assert status == 0, said
        assert "✗" not in re.sub(r"✗ MISSED", "", said), said

    @pytest.mark.claim("data-use.encrypted", "data-use.backups")
    @pytest.mark.thorough("the long canary run: every feature, calendars, Microsoft")
    def test_of_the_service_finds_nothing_anywhere(self):
        status, said = tool()

        assert status == 0, said
        assert "✗" not in re.sub(r"✗ MISSED", "", said), said

    @pytest.mark.thorough("a canary run of a service with planted bugs")
    def test_of_a_service_with_bugs_finds_each_of_them(self):
        status, said = tool("--settings", "tests.canaries.leaky", "--short")

        assert status == 1, said
        # Both searches: what one answer left in a place, the next one may write over.
        found = " ".join(line for line in said.splitlines() if "hits" in line and "FAILED" in line)
        missed = [store for store in LEAKS if f"{store}, " not in found]
        assert missed == [], found
        missed = [kind for kind in LEAKED_SECRETS if not re.search(rf", {kind} \d+, ", found)]
        assert missed == [], found
        # Where, in what form, and nothing of what.
        assert "cnry" not in found
