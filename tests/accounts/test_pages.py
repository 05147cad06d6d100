"""The pages of accounts as a browser gets them, and the skeleton that all pages share."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import reverse

from accounts import demo_people
from accounts.models import User
from accounts.roles import STAFF
from tests.accounts.cast import AT, PASSWORD, sign_in, totp_code

pytestmark = pytest.mark.django_db
PUBLIC = ["account_login", "account_reset_password", "account_reset_password_done"]
SIGNED_IN = ["account_change_password", "account_logout", "mfa_index", "account_reauthenticate"]
CONFIRMED = ["mfa_activate_totp", "mfa_add_webauthn"]
CSS = Path(finders.find("antares/antares.css")).read_text()


class Reader(HTMLParser):
    """Collect what a page loads, and what it says inline."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.urls: list[str] = []
        self.inline: list[str] = []
        self.labels: set[str] = set()
        self.inputs: list[dict[str, str | None]] = []
        self.tags: list[str] = []
        self._script: dict[str, str | None] | None = None
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append(tag)
        self.urls += [given[name] for name in ("src", "href", "action") if given.get(name)]
        self.inline += [name for name in given if name.startswith("on") or name == "style"]
        if tag == "style":
            self.inline.append("style element")
        if tag == "script" and "src" not in given and given.get("type") != "application/json":
            self.inline.append("script element")
        if tag == "label":
            self.labels.add(given.get("for") or "")
        if tag in {"input", "select", "textarea"} and given.get("type") != "hidden":
            self.inputs.append(given)


@pytest.fixture
def confirmed(alice) -> Client:
    browser = sign_in(alice)
    browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return browser


def reverse_all(names: list[str]) -> list[str]:
    return [reverse(name) for name in names]


class TestEveryPage:
    @pytest.mark.invariant(12)
    @pytest.mark.parametrize("name", PUBLIC + SIGNED_IN + CONFIRMED)
    def test_loads_from_its_own_origin_and_holds_nothing_inline(self, confirmed, name):
        browser = Client() if name in PUBLIC else confirmed
        answer = browser.get(reverse(name))

        page = Reader(answer.content.decode())

        assert answer.status_code == 200
        assert page.inline == []
        assert [url for url in page.urls if not url.startswith(("/", "#", "data:image/svg"))] == []

    @pytest.mark.parametrize("name", PUBLIC + SIGNED_IN + CONFIRMED)
    def test_has_landmarks_a_heading_and_labels(self, confirmed, name):
        browser = Client() if name in PUBLIC else confirmed

        page = Reader(browser.get(reverse(name)).content.decode())

        assert {"header", "main", "nav", "footer"} <= set(page.tags)
        assert page.tags.count("h1") == 1
        assert [field for field in page.inputs if field.get("id") not in page.labels] == []

    def test_says_a_strict_policy(self, client):
        policy = client.get("/accounts/login/")["Content-Security-Policy"]

        assert "default-src 'none'" in policy
        assert "unsafe" not in policy

    @pytest.mark.control("6.6.1")
    @pytest.mark.parametrize("name", SIGNED_IN)
    def test_is_not_kept_by_the_browser(self, confirmed, name):
        assert "no-store" in confirmed.get(reverse(name)).headers.get("Cache-Control", "")

    @pytest.mark.control("6.6.1")
    def test_keeps_nothing_in_browser_storage(self):
        ours = Path(finders.find("antares/antares.css")).parent

        scripts = [file.read_text() for file in ours.rglob("*.js")]

        # Removing what a library put there is all that ours may do.
        kept = re.compile(r"(local|session)Storage(?!\.removeItem\()")
        assert not [text for text in scripts if kept.search(text)]

    def test_is_told_from_a_rate_limit(self, client, alice):
        for _ in range(40):
            answer = client.post("/accounts/login/", {"login": "x@x.example", "password": "no"})

        assert answer.status_code == 429
        assert b"Too many attempts" in answer.content


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def theme(number: int) -> dict[str, str]:
    block = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)[number]
    colours = re.findall(r"--([\w-]+):\s*(#[0-9a-f]{3,6})", block)
    return {name: c if len(c) == 7 else "#" + "".join(2 * x for x in c[1:]) for name, c in colours}


class TestTheStylesheet:
    @pytest.mark.parametrize("number", [0, 1], ids=["light", "dark"])
    @pytest.mark.parametrize(
        ("text", "ground"),
        [
            ("ink", "ground"),
            ("ink", "surface"),
            ("ink", "sunken"),
            ("ink-2", "ground"),
            ("ink-2", "surface"),
            ("ink-2", "sunken"),
            ("accent-text", "surface"),
            ("accent-text", "ground"),
            ("accent-text", "accent-soft"),
            ("accent-ink", "accent"),
            ("accent-ink", "accent-hover"),
            ("good", "good-soft"),
            ("warn", "warn-soft"),
            ("bad", "bad-soft"),
            ("bad", "surface"),
            ("info", "info-soft"),
        ],
    )
    def test_has_text_that_can_be_read(self, number, text, ground):
        colours = theme(number)

        assert contrast(colours[text], colours[ground]) >= 4.5

    @pytest.mark.parametrize("number", [0, 1], ids=["light", "dark"])
    def test_has_borders_of_controls_that_can_be_seen(self, number):
        colours = theme(number)

        assert contrast(colours["line-strong"], colours["surface"]) >= 3
        assert contrast(colours["focus"], colours["ground"]) >= 3

    def test_has_avatars_that_can_be_read(self):
        tones = re.findall(r"\.tone-\d \{ background: (#[0-9a-f]{6})", CSS)

        assert len(tones) == 8
        assert min(contrast("#ffffff", tone) for tone in tones) >= 4.5

    @pytest.mark.invariant(12)
    def test_loads_nothing(self):
        assert "url(" not in CSS
        assert "@import" not in CSS


class TestSeeding:
    def test_makes_people_who_can_sign_in(self):
        seeded = {
            one.user.email.split("@")[0]: one for one in demo_people.create_demo_people(at=AT)
        }

        browser = Client()
        browser.post(
            "/accounts/login/",
            {"login": "alice@antares.example", "password": seeded["alice"].password},
        )

        assert "_auth_user_id" in browser.session
        assert seeded["alice"].organisation != seeded["mallory"].organisation

    @pytest.mark.control("3.3.1")
    def test_gives_every_member_of_staff_a_second_factor(self):
        seeded = demo_people.create_demo_people(at=AT)

        assert {one.user.role for one in seeded if one.totp_secret} == STAFF
        assert all(demo_people.has_second_factor(user) for user in User.objects.staff())

    def test_prints_a_secret_that_works(self):
        rita = next(
            one for one in demo_people.create_demo_people(at=AT) if one.user.role == "reviewer"
        )
        browser = Client()
        browser.post("/accounts/login/", {"login": rita.user.email, "password": rita.password})

        browser.post("/accounts/mfa/authenticate/", {"code": totp_code(rita.totp_secret)})

        assert "_auth_user_id" in browser.session

    @pytest.mark.control("1.2.1")
    def test_gives_no_two_the_same_password(self):
        assert len({one.password for one in demo_people.create_demo_people(at=AT)}) == len(
            demo_people.DEMO_PEOPLE
        )

    def test_hides_cookies_from_scripts(self):
        assert settings.SESSION_COOKIE_HTTPONLY
        assert settings.CSRF_COOKIE_HTTPONLY
