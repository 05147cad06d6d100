from __future__ import annotations

import os

import pytest

from tests import debian
from tests.browser import chromium


@pytest.mark.browser
class TestBrowser:
    def test_shows_a_page_of_ours(self, page):
        page.set_content("<h1>Antares</h1>")

        assert page.inner_text("h1") == "Antares"


class TestAMissingBrowser:
    @pytest.fixture(autouse=True)
    def _nowhere(self, monkeypatch):
        monkeypatch.setenv("CHROMIUM", "/nowhere/chromium")
        monkeypatch.setattr(chromium, "PLACES", ())

    @pytest.mark.parametrize(
        ("ci", "outcome"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)]
    )
    def test_skips_with_a_line_that_says_what_to_install_and_fails_in_ci(
        self, monkeypatch, ci, outcome
    ):
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
        monkeypatch.setenv("CI", ci)

        with pytest.raises(outcome, match=r"\(Debian: apt-get install chromium\)"):
            chromium.executable()

    def test_is_installed_by_root_who_is_told(self, monkeypatch, capsys):
        asked = []

        def record_command(command, **_):
            asked.append(command)
            return type("Done", (), {"returncode": 0})

        monkeypatch.setattr(os, "geteuid", lambda: 0)
        monkeypatch.setattr(debian.shutil, "which", lambda name: f"/usr/bin/{name}")
        monkeypatch.setattr(debian.subprocess, "run", record_command)

        chromium.install()

        assert "installing Debian's (apt-get install chromium)" in capsys.readouterr().err
        assert [command[-1] for command in asked] == ["update", "chromium"]
