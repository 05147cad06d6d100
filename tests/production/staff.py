"""Members of staff at the staff site: a second factor, signing in with it, and their pages."""

from __future__ import annotations

import html
from contextlib import closing
from urllib.parse import urlsplit

from tests.browser.factor import code
from tests.production.deployment import STAFF_URL, URL, Production
from tests.production.passwords import set_password
from tests.production.report import say, wait_for
from tests.smoke.client import Page, SmokeBrowser
from tests.smoke.person import SmokePerson, find_on_page

SAM = {"email": "sam@acme.example", "name": "Sam", "password": "a long password of Sam's"}
OLGA = {"email": "olga@acme.example", "name": "Olga", "password": "a long password of Olga's"}
ITEMS, METRICS = "/support/items/", "/metrics"
SET_UP = "/accounts/mfa/totp/activate/"
# What the sign-in page says to a wrong password, and to everybody who is not of the staff.
REFUSED = "The email address and/or password you specified are not correct."


def visit_staff_site(production: Production, alice: SmokePerson, message_id: str) -> None:
    """Have support read a message that Alice opens, and an operator read the figures."""
    sam, olga = enroll(production, SAM), enroll(production, OLGA)
    with closing(sam.http), closing(olga.http):
        have_support_read(sam, alice, message_id)
        # Measured every half a minute: of what follows OpenBao's return.
        wait_for(lambda: "antares_keyring_available 1" in olga.get(METRICS).text)
        assert (sam.get(METRICS).status, olga.get(ITEMS).status) == (403, 403)
        say("Olga of operations, with her factor: /metrics", "200; the list of support 403")
    refuse_others(production, alice)


def enroll(production: Production, person: dict[str, str]) -> SmokeBrowser:
    """Have them set a password and a second factor; return a browser where they signed in."""
    servers, name = production.servers, person["name"]
    ordinary = servers.internet.browser(URL)
    with ordinary.http:
        set_password(ordinary, servers.mail, person)
    first = servers.internet.browser(STAFF_URL)
    with first.http:
        secret = set_up_factor(first, person)
    browser = servers.internet.browser(STAFF_URL)
    enter_password(browser, person)
    page = browser.get(ITEMS)
    assert path_of(page) == "/accounts/mfa/authenticate/"
    form = page.form("mfa/authenticate")
    browser.submit(page, form, form.data(code=code(secret)))
    assert name in browser.get("/accounts/mfa/").text
    say(f"{name} of staff", "a password by mail, a TOTP factor, a new browser: signed in with both")
    return browser


def set_up_factor(browser: SmokeBrowser, person: dict[str, str]) -> str:
    """Sign in with the password, which opens nothing but the set-up; return the TOTP secret."""
    enter_password(browser, person)
    assert path_of(browser.get(ITEMS)) == "/accounts/mfa/"
    page = browser.get(SET_UP)
    form = page.form("reauthenticate")
    page = browser.submit(page, form, form.data(password=person["password"]))
    assert path_of(page) == SET_UP
    secret = find_on_page(r'id="authenticator_secret"[^>]* value="([A-Z2-7]+)"', page)
    form = page.form("totp/activate")
    assert browser.submit(page, form, form.data(code=code(secret))).status == 200
    return secret


def enter_password(browser: SmokeBrowser, person: dict[str, str]) -> Page:
    page = browser.get("/accounts/login/")
    form = page.form("login")
    data = form.data(login=person["email"], password=person["password"])
    return browser.submit(page, form, data)


def path_of(page: Page) -> str:
    return urlsplit(page.url).path


def have_support_read(sam: SmokeBrowser, alice: SmokePerson, message_id: str) -> None:
    """See what support sees before Alice opens one message, then, and when she took it back."""
    item = f"{ITEMS}{message_id}/"
    assert "No messages or events to read" in sam.get(ITEMS).text
    assert sam.get(item).status == 403
    subject = alice.api(f"/messages/{message_id}")["subject"]
    page = alice.browser.get(f"/inbox/messages/{message_id}/support/")
    form = page.own_form()
    alice.confirm(alice.browser.submit(page, form, form.data(agree="yes", hours="1")))
    assert message_id in sam.get(ITEMS).text
    page = sam.get(item)
    assert (page.status, subject in html.unescape(page.text)) == (200, True)
    say("Sam of support reads what Alice opened to support", f"“{subject}”, at {STAFF_URL}")
    page = alice.browser.get(f"/inbox/messages/{message_id}/support/")
    form = page.form("support/close")
    alice.browser.submit(page, form, form.data())
    assert sam.get(item).status == 403
    say("Sam of support, when she took it back", "403")


def refuse_others(production: Production, alice: SmokePerson) -> None:
    """Ask the ordinary site for pages of staff as Alice, and let her try to sign in with staff."""
    answers = [alice.browser.http.get(f"{URL}{path}").status_code for path in (ITEMS, METRICS)]
    assert answers == [404, 404]
    say("Alice asks the ordinary site for pages of staff", "404")
    browser = production.servers.internet.browser(STAFF_URL)
    with browser.http:
        right = enter_password(browser, alice.seeded)
        wrong = enter_password(browser, alice.seeded | {"password": "not hers at all"})
        assert [path_of(page) for page in (right, wrong)] == ["/accounts/login/"] * 2
        assert REFUSED in html.unescape(right.text)
        assert REFUSED in html.unescape(wrong.text)
        assert path_of(browser.get(ITEMS)) == "/accounts/login/"
    say("Alice signs in at the staff site", "refused, in the words for a wrong password")
