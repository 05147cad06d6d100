"""Promises that one look keeps: at a page, at an answer, at what is in the repository."""

from __future__ import annotations

import re
import subprocess
from html import unescape
from pathlib import Path

import pytest
from django.test import Client

ROOT = Path(__file__).parents[1]
PACKAGES = ("accounts", "config", "integrations", "limited_use")


def sources():
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            if "sandbox" not in path.relative_to(ROOT).parts:
                yield path, path.read_text(encoding="utf-8")


def list_files_holding(pattern):
    found = re.compile(pattern, re.MULTILINE)
    return [path.relative_to(ROOT).as_posix() for path, text in sources() if found.search(text)]


@pytest.mark.django_db
class TestThePublicPage:
    @pytest.mark.clause("AN-4")
    def test_promises_limited_use(self):
        page = " ".join(re.sub(r"<[^>]+>", "", Client().get("/data-use/").content.decode()).split())

        assert "including the Limited Use requirements" in unescape(page)

    @pytest.mark.clause("CB-SCRIPTS")
    def test_is_not_what_the_callback_answers_with(self):
        answer = Client().get("/connect/google/callback", {"state": "x", "code": "y"})

        assert (answer.status_code, answer.content) == (303, b"")
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "?" not in answer.headers["Location"]

    @pytest.mark.control("3.1.6")
    @pytest.mark.parametrize("folder", ["/static/", "/static/antares/", "/media/"])
    def test_lists_no_folder(self, folder):
        assert Client().get(folder).status_code == 404


class TestTheRepository:
    def test_promises_no_mail_beside_channels_that_are_not_built(self):
        promise = re.compile(
            r"(next to|beside|with) (your|their) (other channels|calls|texts|chats)", re.IGNORECASE
        )
        documents = [path for path in ROOT.glob("*.md") if path.name != "CONTRIBUTING.md"]
        pages = [*(ROOT / "templates").rglob("*"), *(ROOT / "config").rglob("*.html")]
        texts = [(path, path.read_text("utf-8")) for path in documents + pages if path.is_file()]

        found = [path.name for path, text in [*texts, *sources()] if promise.search(text)]

        assert found == []

    @pytest.mark.parametrize(
        ("listed", "built"),
        [
            ("Mail cannot be organised", r"/messages/batchModify|/messages/[^\"]*/(modify|trash)"),
            ("OneDrive cannot be connected", r"/me/drive|Files\.ReadWrite"),
            ("no SCIM", r"/scim/"),
            ("(RISC) are not received", r"/risc\b|set\+jwt|secevent"),
            ("sending cannot be scheduled", r"(?i)\bsend_at\b|scheduled_for"),
        ],
    )
    def test_lists_as_not_built_what_is_not_built(self, listed, built):
        assert listed in (ROOT / "config" / "limits.md").read_text("utf-8")
        assert list_files_holding(built) == [], "it is built: take it off the list"

    @pytest.mark.clause("SECRET-REPO")
    def test_holds_no_credentials(self):
        looked = subprocess.run(
            ["git", "grep", "-lIE", "GOCSPX-[A-Za-z0-9_-]{10}|-----BEGIN [A-Z ]*PRIVATE KEY-----"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )

        # 1: nothing found. Anything above: git did not look.
        assert (looked.returncode, looked.stdout) == (1, "")

    @pytest.mark.control("4.1.2")
    def test_switches_no_verification_of_certificates_off(self):
        assert list_files_holding(r"verify\s*=\s*False|CERT_NONE|check_hostname\s*=\s*False") == []

    @pytest.mark.control("4.1.2")
    def test_is_looked_at_by_searches_that_find(self):
        assert "config/settings.py" in list_files_holding(r"^from config\.environment import")
