"""A person at the pages of the service and at a provider's consent page, over HTTP only."""

from __future__ import annotations

import html
import re
import time
from typing import Any
from urllib.parse import urlencode

from tests.smoke.client import Form, Page, SmokeBrowser, forms
from tests.smoke.walk import Failed, must

MAIL_SCOPE = "gmail.readonly"
# The button by which somebody agrees, by provider.
_AGREES = {"google": "allow", "microsoft": "accept"}


class SmokePerson:
    def __init__(self, base_url: str, seeded: dict[str, Any]) -> None:
        self.browser = SmokeBrowser(base_url)
        self.seeded = seeded

    def sign_in(self) -> Page:
        page = self.browser.get("/accounts/login/")
        form = page.form("login")
        data = form.data(login=self.seeded["email"], password=self.seeded["password"])
        page = self.browser.submit(page, form, data)
        must(self.seeded["name"] in html.unescape(page.text), "the page does not greet them")
        return page

    def settings(self) -> Page:
        return self.browser.get("/settings/integrations/")

    def connect(
        self,
        account: str,
        *,
        provider: str = "google",
        product: str = "mail",
        untick: tuple[str, ...] = (),
        connection: str = "",
    ) -> Page:
        """Disclosure, affirmative click, consent there, and back on the settings page."""
        query = {"product": product} | ({"connection": connection} if connection else {})
        page = self.browser.get(f"/settings/connect/{provider}/?{urlencode(query)}")
        return self.agree_at_provider(page, account, provider=provider, untick=untick)

    def agree_at_provider(
        self, page: Page, account: str, *, provider: str = "google", untick: tuple[str, ...] = ()
    ) -> Page:
        """Click on a page before consent, consent there, and come back."""
        form = page.form(f"connect/{provider}/begin")
        consent = self.browser.submit(page, form, form.data(agree="yes"))
        if "decision" in consent.text:
            form = consent.form("decision")
            data = form.data(untick=(*untick, "@"), button=_AGREES[provider])
            if not any(name == "account" for name, _ in data):
                data.append(("account", account))
            consent = self.browser.submit(consent, form, data)
        must(consent.status == 200, f"the way back ended with {consent.status}")
        must("code=" not in consent.url, "the address still holds the code")
        return consent

    def allow_sending(self, account: str, *, undo_seconds: int) -> None:
        """Be asked on the way to a new message, agree, and choose the time to undo."""
        page = self.browser.get("/inbox/compose/")
        must("sending/allow" in page.url, f"it did not ask, but showed {page.url}")
        page = self.agree_at_provider(page, account)
        must("/inbox/compose/" in page.url, f"it led to {page.url}")
        (settings,) = set(re.findall(r'href="(/settings/integrations/[^"#]+)#sending"', page.text))
        page = self.browser.get(settings)
        form = page.form("/sending/")
        data = form.data(undo_seconds=str(undo_seconds), signature="")
        must(self.browser.submit(page, form, data).status == 200, "settings not saved")

    def switch_on(self, feature: str) -> str:
        """Read what a platform feature does, agree, and return the delegation that it gets."""
        page = self.browser.get(f"/settings/features/{feature}/")
        page = self.agree(page)
        must(page.status == 200, f"agreeing ended with {page.status}")
        _, form = self._find_switch(feature)
        return str(dict(form.fields)["delegation"])

    def switch_off(self, feature: str) -> Page:
        """Switch a platform feature off by the page of access."""
        page, form = self._find_switch(feature)
        return self.browser.submit(page, form, form.data(button="off"))

    def _find_switch(self, feature: str) -> tuple[Page, Form]:
        page = self.browser.get("/settings/access/")
        for form in forms(page.text):
            if f"/settings/features/{feature}/" in form.action and "delegation" in dict(
                form.fields
            ):
                return page, form
        raise Failed(f"{feature} is not on")

    def answer_feature(self, address: str, decision: str) -> str:
        """
        Answer a platform feature's question, and return where the browser is sent.

        :param decision: ``allow`` or ``deny``
        """
        page = self.browser.get(address)
        form = page.form("/oauth/authorize")
        answer = self.browser.send_form(page, form, form.data(agree="yes", button=decision))
        must(answer.status_code == 302, f"the feature's question ended with {answer.status_code}")
        return str(answer.headers["location"])

    def agree(self, page: Page, **values: str) -> Page:
        """Tick that one agrees, and send the form that asks for it."""
        form = next(f for f in forms(page.text) if any(name == "agree" for name, *_ in f.boxes))
        return self.browser.submit(page, form, form.data(agree="yes", **values))

    def confirm(self, page: Page) -> Page:
        """Confirm with the password that it is them, where the page asks for it."""
        if "reauthenticate" not in page.url:
            return page
        form = page.form("reauthenticate")
        return self.browser.submit(page, form, form.data(password=self.seeded["password"]))

    def disconnect(self, integration: str = '[^"]+') -> tuple[Page, float]:
        """
        Press the button, confirm, and return the page of the removal and how many ms it took.

        :param integration: its id; the first one of the page, if it is left out
        """
        pattern = rf'href="(/settings/integrations/{integration}/disconnect/)"'
        link = find_on_page(pattern, self.settings())
        page = self.browser.get(link)
        form = page.own_form()
        began = time.monotonic()
        page = self.confirm(self.browser.submit(page, form, form.data()))
        return page, (time.monotonic() - began) * 1000

    def api(self, path: str, **query: Any) -> Any:
        response = self.browser.http.get(f"{self.browser.base_url}/v1/users/me{path}", params=query)
        must(response.status_code == 200, f"{path} answered {response.status_code}")
        return response.json()

    def send(
        self, method: str, path: str, *, json: Any = None, content: bytes = b"", **headers: str
    ) -> Any:
        """Return the answer to a call of the API that may change something, as from a page."""
        base = self.browser.base_url
        given = {
            "origin": base,
            "x-csrftoken": self.browser.http.cookies.get("csrf", ""),
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        place = f"{base}/v1/users/me{path}"
        body: dict[str, Any] = {"content": content} if content else {"json": json}
        return self.browser.http.request(method, place, headers=given, **body)

    def messages(self, **query: Any) -> list[dict[str, Any]]:
        return list(self.api("/messages", **query)["data"])


def find_on_page(pattern: str, page: Page) -> str:
    match = re.search(pattern, page.text)
    if match is None:
        raise Failed(f"nothing on {page.url} matches {pattern}")
    return html.unescape(match[1])
