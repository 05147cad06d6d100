"""The pages of the demo: sign in with one click, and a list that evidence ticks."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from django.http import HttpRequest
from django.test import override_settings
from django.urls import Resolver404, resolve

from config.embedded import sandbox_seed
from config.embedded.demo_cast import CAST
from config.embedded.demo_site.evidence import PROOFS
from config.embedded.demo_site.loopback import is_loopback_request
from config.embedded.demo_site.messages import STEPS
from tests.browser.factor import code
from tests.config import production
from tests.config.running_demo import PATIENCE, ROOT, build_environment, start_demo, stop_demo
from tests.smoke import planning
from tests.smoke.client import SmokeBrowser, forms
from tests.smoke.person import SmokePerson, find_on_page
from tests.smoke.walk import eventually

GOOGLE_BOX = CAST["alice"].email
#: An address of the sandbox whose mail comes back.
BOUNCING = "nobody@bounce.example"
PAGES = ("demo/", "demo/changes/", "demo/sign-in/")


@pytest.fixture(scope="module")
def demo():
    """A running demo on new data."""
    with tempfile.TemporaryDirectory(prefix="antares-demo-site-") as made:
        folder = Path(made)
        folder.chmod(0o711)
        process, url, printed = start_demo(folder)
        try:
            yield SimpleNamespace(
                url=url,
                staff_url=re.search(r"Staff site +(http://localhost:\d+)", printed)[1],
                folder=folder,
                people={
                    person["name"].partition(" ")[0]: person
                    for person in json.loads((folder / "people.json").read_text())["people"]
                },
            )
        finally:
            stop_demo(process)


def sign_in(browser, name, **values):
    """Press the button *Sign in as* somebody on the demo's page; return the page that follows."""
    page = browser.get("/demo/")
    buttons = {
        dict(form.fields).get("person"): form
        # The first button of each person.
        for form in reversed(forms(page.text))
        if form.action == "/demo/sign-in/"
    }
    form = buttons[name]
    return browser.submit(page, form, form.data(**values))


def list_ticks(url):
    page = httpx.get(f"{url}/demo/").text
    return set(re.findall(r'id="tick-([a-z-]+)" class="demo-tick done"', page))


class TestSignInButton:
    def test_signs_a_user_in_as_the_sign_in_page_does(self, demo):
        browser = SmokeBrowser(demo.url)
        with browser.http:
            page = sign_in(browser, "mallory", time_zone="Asia/Tokyo")
            session, device = (browser.http.cookies.get(name) for name in ("session", "device"))
            profile = browser.get("/accounts/profile/").text
            inbox = browser.get("/inbox/")

        assert page.status == inbox.status == HTTPStatus.OK
        assert "Mallory Moreau" in page.text
        assert session
        assert device
        assert re.search(r'value="Asia/Tokyo"[^>]* selected', profile)

    def test_ends_the_session_of_another_person(self, demo):
        browser = SmokeBrowser(demo.url)
        with browser.http:
            sign_in(browser, "bob")
            before = browser.http.cookies.get("session")
            page = sign_in(browser, "mallory")
            after = browser.http.cookies.get("session")
            old = httpx.get(f"{demo.url}/inbox/", cookies={"session": before})

        assert "Mallory Moreau" in page.text
        assert after != before
        assert old.headers["location"].startswith("/accounts/login/")

    def test_asks_for_the_password_before_a_disconnect_as_ever(self, demo):
        browser = SmokeBrowser(demo.url)
        with browser.http:
            sign_in(browser, "mallory")
            form = next(
                form
                for form in forms(browser.get("/accounts/profile/").text)
                if form.action == "/accounts/profile/"
            )
            answer = browser.http.post(
                f"{demo.url}/settings/features/inbox/withdraw/",
                data={"csrfmiddlewaretoken": dict(form.fields)["csrfmiddlewaretoken"]},
                headers={"Referer": demo.url},
            )

        assert answer.headers["location"].startswith("/accounts/reauthenticate/")

    @pytest.mark.parametrize("person", ["sam", "sue", "rita", "otto"])
    @pytest.mark.control("3.3.1")
    def test_signs_staff_in_with_their_second_factor(self, demo, person):
        browser = SmokeBrowser(demo.staff_url)
        with browser.http:
            # A code works once on the sign-in page; the button must not need a new one.
            pages = [sign_in(browser, person) for _ in range(2)]

        assert [page.status for page in pages] == [HTTPStatus.OK] * 2
        assert "/accounts/" not in pages[1].url

    @pytest.mark.parametrize(
        ("site", "person"), [("url", "rita"), ("staff_url", "alice"), ("url", "nobody")]
    )
    def test_is_at_the_site_of_the_person_only(self, demo, site, person):
        browser = SmokeBrowser(getattr(demo, site))
        with browser.http:
            page = browser.get("/demo/")
            form = page.form("/demo/sign-in/")
            answer = browser.submit(page, form, form.data(person=person))

            assert answer.status == HTTPStatus.NOT_FOUND
            assert not re.search("(staff-)?session=", answer.response.headers.get("set-cookie", ""))

    def test_opens_only_a_page_of_its_own_site(self, demo):
        browser = SmokeBrowser(demo.url)
        with browser.http:
            inside = sign_in(browser, "mallory", next="/settings/access/")
            outside = sign_in(browser, "mallory", next="https://evil.example/")

        assert inside.url.endswith("/settings/access/")
        assert outside.url.startswith(demo.url)

    def test_says_when_the_password_was_changed(self, demo):
        person = SmokePerson(demo.url, demo.people["Mallory"])
        first, other = person.seeded["password"], "another horse battery staple"
        with person.browser.http:
            sign_in(person.browser, "mallory")
            change_password(person, other)
            refused = sign_in(person.browser, "mallory")
            signed_in = person.sign_in()
            change_password(person, first)

        assert refused.url.endswith("/demo/")
        assert "Mallory cannot sign in with one click" in refused.text
        assert signed_in.status == HTTPStatus.OK


def change_password(person, password):
    page = person.confirm(person.browser.get("/accounts/password/change/"))
    form = page.form("password/change")
    data = form.data(oldpassword=person.seeded["password"], password1=password, password2=password)
    person.browser.submit(page, form, data)
    person.seeded = {**person.seeded, "password": password}


@pytest.mark.control("3.1.1")
class TestSignInRequest:
    @pytest.mark.parametrize("site", ["url", "staff_url"])
    def test_needs_a_form_token(self, demo, site):
        url = f"{getattr(demo, site)}/demo/sign-in/"
        origin = {"origin": getattr(demo, site)}
        with httpx.Client() as client:
            client.get(f"{getattr(demo, site)}/demo/")
            without = client.post(url, data={"person": "alice"}, headers=origin)
            foreign = client.post(
                url,
                data={"person": "alice", "csrfmiddlewaretoken": "x" * 64},
                headers={"origin": "https://evil.example"},
            )

            assert {without.status_code, foreign.status_code} == {HTTPStatus.FORBIDDEN}
            assert "session" not in client.cookies
            assert "staff-session" not in client.cookies

    def test_is_no_get(self, demo):
        answer = httpx.get(f"{demo.url}/demo/sign-in/", params={"person": "alice"})

        assert answer.status_code == HTTPStatus.METHOD_NOT_ALLOWED
        assert "session" not in answer.cookies

    @pytest.mark.parametrize("host", ["evil.example", "antares.example:8000"])
    def test_is_refused_for_a_foreign_host(self, demo, host):
        for page in PAGES:
            answer = httpx.get(f"{demo.url}/{page}", headers={"host": host})

            assert answer.status_code == HTTPStatus.BAD_REQUEST

    @pytest.mark.parametrize("header", ["forwarded", "x-forwarded-for", "x-real-ip", "via"])
    def test_finds_no_page_through_a_proxy(self, demo, header):
        statuses = {
            httpx.get(f"{demo.url}/{page}", headers={header: "192.0.2.7"}).status_code
            for page in PAGES
        }

        assert statuses == {HTTPStatus.NOT_FOUND}

    @pytest.mark.parametrize(
        ("client", "host", "is_loopback"),
        [
            ("127.0.0.1", "localhost:8000", True),
            ("127.0.0.9", "127.0.0.1:8000", True),
            ("::1", "[::1]:8000", True),
            ("::ffff:127.0.0.1", "localhost", True),
            ("192.0.2.7", "localhost:8000", False),
            ("::ffff:192.0.2.7", "localhost:8000", False),
            ("10.0.0.1", "127.0.0.1", False),
            ("", "localhost", False),
            ("127.0.0.1", "antares.example", False),
            ("127.0.0.1", "localhost.evil.example", False),
            ("127.0.0.1", "evil example", False),
        ],
    )
    def test_comes_from_this_machine(self, client, host, is_loopback):
        request = HttpRequest()
        request.META = {"REMOTE_ADDR": client, "HTTP_HOST": host, "SERVER_PORT": "8000"}
        with override_settings(ALLOWED_HOSTS=["*"]):
            assert is_loopback_request(request) is is_loopback


class TestPage:
    def test_is_linked_from_every_page_and_the_home_page_invites(self, demo):
        pages = {
            url: httpx.get(url).text
            for url in (f"{demo.url}/", f"{demo.url}/accounts/login/", f"{demo.url}/keys/")
        }

        assert all('href="/demo/"' in text for text in pages.values())
        assert ["This is the demo." in text for text in pages.values()] == [True, True, False]

    @pytest.mark.parametrize("site", ["url", "staff_url"])
    def test_shows_the_current_codes_of_staff(self, demo, site):
        wanted = code(demo.people["Rita"]["totp_secret"])
        pages = [httpx.get(f"{getattr(demo, site)}/demo/{part}").text for part in ("", "changes/")]

        assert all(wanted in page for page in pages)
        assert all(re.search(r"Now, for \d+ seconds?<", page) for page in pages)

    @pytest.mark.parametrize("site", ["url", "staff_url"])
    def test_leads_developers_to_the_quick_start(self, demo, site):
        page = httpx.get(f"{getattr(demo, site)}/demo/").text

        link = f"{demo.url}/api/guides/quick-start/"
        assert f'href="{link}"' in page
        assert httpx.get(link).status_code == HTTPStatus.OK
        assert "feature inbox-widget</code>" in page

    def test_shows_no_authenticator_secret(self, demo):
        page = httpx.get(f"{demo.staff_url}/demo/").text

        assert demo.people["Rita"]["totp_secret"] not in page

    def test_has_hashed_and_compressed_static_files(self, demo):
        page = httpx.get(f"{demo.url}/demo/").text
        sheets = re.findall(r'href="(/static/[^"]+\.css)"', page)
        for path in sheets:
            answer = httpx.get(f"{demo.url}{path}", headers={"accept-encoding": "gzip"})

            assert re.search(r"\.[0-9a-f]{12}\.css$", path)
            assert answer.headers["content-encoding"] == "gzip"
            assert "immutable" in answer.headers["cache-control"]
        assert len(sheets) == 2


class TestSteps:
    def test_name_the_accounts_of_the_sandbox(self):
        texts = " ".join(str(text) for _, text in STEPS.values())
        seed = sandbox_seed.build_demo_seed(datetime.now(UTC))
        accounts = {one["email"] for one in (*seed["accounts"], *seed["microsoft"])}
        named = set(re.findall(r"[\w.]+@[\w.]+[.]example", texts))

        assert named <= accounts | {"bob@antares.example", BOUNCING}
        assert named >= {GOOGLE_BOX, sandbox_seed.ODDITIES, sandbox_seed.ADMINISTRATOR}

    def test_each_have_a_text_and_a_proof(self):
        assert list(STEPS) == [*PROOFS, "check-receipt"]

    @pytest.mark.thorough("every step of the demo, ticked one after the other")
    def test_are_ticked_by_evidence_alone(self, demo):
        """Walk through the list as a visitor, and look at the ticks after each step."""
        assert list_ticks(demo.url) == set()
        person = SmokePerson(demo.url, demo.people["Alice"])
        bob = SmokePerson(demo.url, demo.people["Bob"])
        with person.browser.http, bob.browser.http:
            walk = _Walk(demo, person, bob)
            wanted = set()
            for key in STEPS:
                getattr(walk, key.replace("-", "_"))()
                wanted.add(key)
                eventually(
                    lambda: list_ticks(demo.url) >= wanted, within=60, says=f"the tick of {key}"
                )
                assert list_ticks(demo.url) == wanted
        assert f"{len(STEPS)} of {len(STEPS)} done" in httpx.get(f"{demo.url}/demo/").text


class _Walk:
    def __init__(self, demo, alice, bob):
        self.demo, self.alice, self.bob = demo, alice, bob
        sign_in(alice.browser, "alice")

    def connect_mail(self):
        self.alice.connect(GOOGLE_BOX)
        eventually(self.alice.messages, within=PATIENCE, says="the newest mail")

    def read_mail(self):
        inbox = self.alice.browser.get("/inbox/")
        thread = self.alice.browser.get(find_on_page(r'href="(/inbox/threads/[^"]+)"', inbox))
        # The frame that a browser loads with the page.
        body = self.alice.browser.get(find_on_page(r'src="(/inbox/[^"]+/body/)', thread))
        assert body.status == HTTPStatus.OK

    def search_mail(self):
        page = self.alice.browser.get("/inbox/search/")
        form = next(form for form in forms(page.text) if "words" in dict(form.fields))

        def has_results():
            # While the import uses the quota of the account, the page asks to wait.
            answer = self.alice.browser.submit(page, form, form.data(words="the"))
            return answer.status == HTTPStatus.OK

        eventually(has_results, within=PATIENCE, says="results of the search", every=1)

    def answer_mail(self):
        """Write to an address that does not exist as well; the message comes back."""
        browser = self.alice.browser
        self.alice.agree_at_provider(browser.get("/inbox/compose/"), GOOGLE_BOX)
        connections = self.alice.api("/connections")["data"]
        [mailbox] = next(one for one in connections if one["provider"] == "google")["integrations"]
        message = self.alice.messages()[0]
        answer = self.alice.send(
            "POST", "/outbox",
            json={
                "mailbox": mailbox["id"],
                "answer": {"message_id": message["id"], "mode": "reply"},
                "to": [{"address": BOUNCING}], "subject": "Re", "text": "Thanks.",
            },
            idempotency_key="answered-once",
        )  # fmt: skip
        assert answer.status_code == HTTPStatus.ACCEPTED, answer.text
        path = f"/outbox/{answer.json()['id']}"
        eventually(
            lambda: self.alice.api(path)["bounced_at"],
            within=PATIENCE, says="the message to come back",
        )  # fmt: skip
        assert "Returned" in browser.get("/inbox/outbox/").text

    def connect_calendar(self):
        connection = find_on_page(
            r'href="/settings/connect/google/[?]product=calendar&amp;connection=([^"]+)"',
            self.alice.settings(),
        )
        self.alice.connect(GOOGLE_BOX, product="calendar", connection=connection)

    def write_event(self):
        def find_calendar():
            listed = self.alice.api("/calendars")["data"]
            return next((one["id"] for one in listed if one["is_primary"]), None)

        calendar_id = eventually(find_calendar, within=PATIENCE, says="the Google calendar")
        day = datetime.now(UTC).date() + timedelta(days=1)
        when = {
            "object": "timespan", "timezone": "Europe/Berlin",
            "start": f"{day}T18:00:00", "end": f"{day}T19:00:00",
        }  # fmt: skip
        answer = self.alice.send(
            "POST", "/events",
            json={"calendar_id": calendar_id, "title": "Written", "when": when},
            idempotency_key="written-once",
        )  # fmt: skip
        assert answer.is_success, answer.text
        self.calendar_id = calendar_id

    def share_calendar(self):
        planning.share_calendar(self.alice, self.calendar_id, self.bob.seeded["email"])

    def view_shared(self):
        sign_in(self.bob.browser, "bob")
        assert self.bob.browser.get("/calendar/?view=month").status == HTTPStatus.OK

    def save_file(self):
        """Send a file to the Drive, as a client of tus does."""
        connection = next(
            one for one in self.alice.api("/connections")["data"] if one["provider"] == "google"
        )
        self.alice.connect(GOOGLE_BOX, product="drive", connection=connection["id"])
        tus, data = {"tus_resumable": "1.0.0"}, b"A file of Alice's."
        made = self.alice.send("POST", "/files", upload_length=str(len(data)), **tus)
        assert made.status_code == HTTPStatus.CREATED, made.text
        path = f"/files/{made.headers['location'].rpartition('/')[2]}"
        sent = self.alice.send(
            "PATCH", path, content=data,
            upload_offset="0", content_type="application/offset+octet-stream", **tus,
        )  # fmt: skip
        assert sent.status_code == HTTPStatus.NO_CONTENT, sent.text
        assert self.alice.api(path)["state"] == "done"
        assert "In the Drive" in self.alice.browser.get("/files/").text

    def see_refusal(self):
        command = [sys.executable, "-m", "config.embedded", "--data", str(self.demo.folder)]
        done = subprocess.run(
            [*command, "feature", "campaigns"],
            cwd=ROOT, env=build_environment(), capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert "403 limited-use-refused" in done.stdout

    def ask_administrator(self):
        assert (
            "Need admin approval"
            in self.alice.connect(sandbox_seed.ADMINISTERED, provider="microsoft").text
        )
        connect = self.alice.browser.get("/settings/connect/microsoft/?product=mail")
        page = self.alice.browser.get(
            find_on_page(r'href="(/settings/[^"]*administrator[^"]*)"', connect)
        )
        form = page.own_form()
        made = self.alice.browser.submit(page, form, form.data())
        administrator = SmokeBrowser(self.demo.url)
        with administrator.http:
            consent = administrator.get(find_on_page(r'href="(http://127[^"]+)"', made))
            form = consent.form("decision")
            data = [
                *form.data(untick=("@",), button="accept"),
                ("account", sandbox_seed.ADMINISTRATOR),
            ]
            administrator.submit(consent, form, data)

    def hostile_mail(self):
        self.alice.connect(sandbox_seed.ODDITIES)

    def disconnect(self):
        self.removal, _ = self.alice.disconnect()

    def check_receipt(self):
        def find_receipt():
            page = self.alice.browser.get(self.removal.url)
            return re.search(r'href="(/settings/removals/[^"]+/receipt.json)"', page.text)

        link = eventually(find_receipt, within=PATIENCE, says="the receipt")[1]
        assert self.alice.browser.get(link).response.json()["body"]


@pytest.mark.control("3.1.1")
class TestProduction:
    MODULES = ("demo_settings", *(f"demo_site.{name}" for name in (
        "views", "sign_in", "cast", "demo_routes", "web_urls", "staff_urls", "context", "steps",
    )))  # fmt: skip

    @pytest.mark.parametrize("module", MODULES)
    def test_cannot_import_the_pages(self, tmp_path, module):
        environment = production.environment(make_keyring(tmp_path))
        done = run_python(
            "import django; django.setup(); import config.embedded." + module,
            {**environment, "DJANGO_SETTINGS_MODULE": "config.settings"},
        )

        assert done.returncode == 1
        assert "have no place in production" in done.stderr

    def test_cannot_start_with_the_demo_s_settings(self, tmp_path):
        environment = production.environment(make_keyring(tmp_path)) | {
            "DJANGO_SETTINGS_MODULE": "config.embedded.demo_settings",
            "DEMO_FOLDER": str(tmp_path),
            "DEMO_STATIC_ROOT": str(tmp_path),
        }
        done = run_python("from config import wsgi", environment)

        assert done.returncode == 1
        assert "have no place in production" in done.stderr

    @pytest.mark.parametrize("urlconf", ["config.urls", "config.web_urls", "config.staff_urls"])
    @pytest.mark.parametrize("page", PAGES)
    def test_has_no_route_to_them(self, urlconf, page):
        with pytest.raises(Resolver404):
            resolve(f"/{page}", urlconf)


def make_keyring(tmp_path):
    folder = tmp_path / "keyring"
    folder.mkdir(mode=0o700)
    return folder


def run_python(program, environment):
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE,
    )  # fmt: skip
