"""A person in front of a real browser: what they do, what the browser asked for, what it minded."""

from __future__ import annotations

from contextlib import contextmanager
from urllib.parse import urlsplit

from playwright.sync_api import expect

from tests.browser.factor import code
from tests.browser.mail import mailbox
from tests.smoke.person import SmokePerson

# So that nobody waits for a beat, in seconds. News is asked for as in production: sixty mailboxes,
# looked at every few seconds, would take the processor from what is tested.
FAST = {
    "SWEEP_SECONDS": "2",
    "LEASE_SECONDS": "5",
    "GMAIL_UNITS_PER_MINUTE": "600000",
    "RATE_LIMIT_SCALE": "100",
}
MAIL_SCOPE = "gmail.readonly"
# What the service does by itself, a worker on a busy machine included. Milliseconds.
PATIENCE = 60_000


class Visitor:
    """
    One person, one browser context, one Google account with a mailbox of its own.

    `requests` are the addresses that the browser asked for; `minded` is what it wrote to its
    console: refused by a policy, not found, thrown.
    """

    def __init__(self, context, service, google, person, account, *, url=None):
        self.context = context
        self.service = service
        # The site that they visit: the ordinary one, if it is left out.
        self.url = url or service.url
        self.google = google
        self.person = person
        self.account = account
        self.requests = []
        self.minded = []
        self.responses = []
        context.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        context.on("request", lambda request: self.requests.append(request.url))
        context.on("response", lambda response: self.responses.append(response))  # noqa: PLW0108 - Playwright marks its handlers, which a built-in method does not allow
        context.on("console", self._hear)
        context.on("weberror", lambda error: self.minded.append(str(error.error)))
        self.page = context.new_page()
        # The same person without a browser.
        self.http_person = SmokePerson(self.url, person)

    def _hear(self, message):
        # What the sandbox's own pages write is not ours.
        if message.type in {"error", "warning"} and self.service.sandbox_url not in message.text:
            self.minded.append(message.text)

    def go(self, path):
        return self.page.goto(f"{self.url}{path}")

    def sign_in(self):
        self.go("/accounts/login/")
        self.page.get_by_label("Email").fill(self.person["email"])
        self.page.get_by_label("Password").fill(self.person["password"])
        self.page.locator("main").get_by_role("button", name="Sign in").click()
        expect(self.page.locator(".site-user")).to_contain_text(self.person["name"])
        return self

    def sign_in_with_code(self):
        """Sign in with password and code, as staff do who have an authenticator app."""
        self.go("/accounts/login/")
        self.page.get_by_label("Email").fill(self.person["email"])
        self.page.get_by_label("Password").fill(self.person["password"])
        self.page.locator("main").get_by_role("button", name="Sign in").click()
        self.page.get_by_label("Code").first.fill(code(self.person["totp_secret"]))
        self.page.keyboard.press("Enter")
        expect(self.page.locator(".site-user")).to_contain_text(self.person["name"])
        return self

    def sign_in_by_http(self):
        """
        Sign in without a browser, and give the cookies to this one.

        A page costs the browser a second of CPU time; signing in is the subject of few tests.
        """
        self.http_person.sign_in()
        self._take_cookies()
        return self

    def connect_by_http(self):
        """Connect the account without a browser, and wait in settings until it is synced."""
        self.http_person.connect(self.account)
        self._take_cookies()
        self.go("/settings/integrations/")
        expect(self.card.locator(".badge")).to_have_text("Connected")
        return self

    def _take_cookies(self):
        cookies = self.http_person.browser.http.cookies
        self.context.add_cookies(
            [{"name": n, "value": v, "url": self.url} for n, v in cookies.items()]
        )

    def confirm(self):
        """Confirm with the password, where the page asks for it."""
        if "/reauthenticate/" in self.page.url:
            self.page.get_by_label("Password").fill(self.person["password"])
            self.page.get_by_role("button", name="Confirm").click()
        return self

    def to_consent(self, path="/settings/connect/google/"):
        """Read what is asked, agree, and go to the provider."""
        self.go(path)
        self.page.get_by_label("I agree").check()
        self.page.get_by_role("button", name="Continue to Google").click()
        self.page.wait_for_url(f"{self.service.sandbox_url}/**")
        return self

    def decide(self, decision="Allow", *, untick=(), account=None):
        """Choose the account and decide at the provider; come back to the settings page."""
        box = self.page.locator(f'input[name="account"][value="{account or self.account}"]')
        if box.get_attribute("type") == "radio":
            box.check()
        for scope in untick:
            self.page.locator(f'input[name="scope"][value*="{scope}"]').uncheck()
        self.page.get_by_role("button", name=decision, exact=True).click()
        self.page.wait_for_url(f"{self.service.url}/settings/integrations/")
        return self

    def connect(self):
        self.to_consent().decide()
        expect(self.card.locator(".badge")).to_have_text("Connected")
        return self

    @property
    def card(self):
        return self.page.locator("article.card", has_text=self.account)

    def open_mail(self, subject):
        """Open a conversation from the inbox."""
        self.go("/inbox/?folder=all")
        self.page.locator(".mail-row", has_text=subject).click()
        return self.page.frame_locator("iframe.mail-body").first

    def reach(self, target, key="Enter", *, most=120):
        """Go to `target` by keyboard alone, see that the focus shows, and press `key`."""
        for _ in range(most):
            if target.evaluate("one => one === document.activeElement"):
                break
            self.page.keyboard.press("Tab")
        expect(target).to_be_focused()
        outline = target.evaluate("one => getComputedStyle(one).outlineStyle")
        assert outline != "none", "the focus does not show"
        self.page.keyboard.press(key)

    def foreign(self):
        """Return the requests that went to anybody but the site."""
        ours = urlsplit(self.url).netloc
        return [
            url
            for url in self.requests
            if urlsplit(url).scheme not in {"data", "about", "blob"}
            and urlsplit(url).netloc != ours
        ]


def search_elsewhere(visitor, subject):
    """Have a mail beyond the horizon at the provider, and search for it from the inbox."""
    # 2019, in milliseconds.
    visitor.google.deliver(
        visitor.account, subject=subject, text=f"{subject}, at the lake", date=1_560_000_000_000
    )
    visitor.go("/inbox/")
    visitor.page.get_by_role("searchbox").fill(f'subject:"{subject}"')
    visitor.page.get_by_role("button", name="Search").click()
    expect(visitor.page.locator(".mail-row")).to_have_count(1)


@contextmanager
def open_new_visitor(
    browser, service, google, person, *, account, size=0, mail=mailbox, calendars=None, **options
):
    """
    Yield a visitor whose mailbox holds `mail` and `size` made-up messages; close after.

    :param calendars: what the account has of them, as the sandbox is seeded
    """
    made_up = {"size": size, "seed": 1, "days": 30}
    if calendars is not None:
        made_up["calendar_fields"] = calendars
    google.seed(account, name=person["name"], messages=mail(account), **made_up)
    with open_visitor(browser, service, google, person, account, **options) as visitor:
        yield visitor


@contextmanager
def open_visitor(browser, service, google, person, account, *, url=None, **options):
    """Yield that person with their account, as it is, in a browser of its own; close after."""
    context = browser.new_context(reduced_motion="reduce", **options)
    visitor = Visitor(context, service, google, person, account, url=url)
    try:
        yield visitor
    finally:
        visitor.http_person.browser.http.close()
        context.close()
