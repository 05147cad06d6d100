"""Where the platform's mail goes."""

from __future__ import annotations

import pytest

from config.environment import Environment, InvalidSettings
from config.mail_settings import read_mail_settings
from tests.config import production


def read_settings(url="", *, is_production=True, **more):
    env = Environment({**({"EMAIL_URL": url} if url else {}), **more})
    made = read_mail_settings(env, production=is_production, folder="/data/mail")
    env.raise_problems()
    return made


class TestOutgoing:
    def test_is_nowhere_in_production_unless_it_is_said(self):
        made = read_settings()

        assert made.is_sent is False
        assert made.backend.endswith("dummy.EmailBackend")

    @pytest.mark.control("4.1.1")
    @pytest.mark.parametrize(
        ("url", "host", "port", "tls", "ssl"),
        [
            ("smtps://u:p%40w@mail.example", "mail.example", 465, False, True),
            ("smtp://u:p%40w@mail.example:2525", "mail.example", 2525, True, False),
        ],
    )
    def test_is_a_server_that_is_talked_to_under_tls(self, url, host, port, tls, ssl):
        made = read_settings(url)

        assert (made.host, made.port) == (host, port)
        assert (made.use_starttls, made.use_tls) == (tls, ssl)
        assert (made.user, made.password) == ("u", "p@w")
        assert made.is_sent is True

    def test_is_files_in_development(self):
        made = read_settings(is_production=False)

        assert made.backend.endswith("filebased.EmailBackend")
        assert made.folder == "/data/mail"
        assert read_settings(is_production=False, EMAIL_DIR="/other").folder == "/other"
        assert read_settings("file:///mine", is_production=False).folder == "/mine"

    def test_is_the_console_in_development_where_that_is_said(self):
        assert read_settings("console:", is_production=False).backend.endswith(
            "console.EmailBackend"
        )

    @pytest.mark.parametrize(
        "url", ["file:///var/mail", "console:", "smtp:", "http://mail.example", "mail.example"]
    )
    def test_is_nothing_else_in_production(self, url):
        with pytest.raises(InvalidSettings, match="EMAIL_URL"):
            read_settings(url)


class TestProductionMail:
    def test_starts_without_and_says_that_no_mail_is_sent(self, tmp_path):
        tmp_path.chmod(0o700)
        env = production.environment(tmp_path)
        production.run_manage(env, "init_keyring")

        done = production.run_manage(env, "check", "--deploy")

        assert done.returncode == 0
        assert "no mail is sent" in done.stderr
