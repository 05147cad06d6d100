"""Who walks: the demo's people at their browsers, and its features at the API, all recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import httpx

from accounts.roles import STAFF
from tests.browser import factor
from tests.canaries.exchanges import Exchanges, typed_headers
from tests.canaries.marks import Marks
from tests.canaries.secrets_seen import SecretsSeen
from tests.canaries.world import CanaryWorld
from tests.raw_feature import RawFeature
from tests.smoke.client import Form, Page, SmokeBrowser
from tests.smoke.person import SmokePerson
from tests.smoke.walk import must


@dataclass
class Cast:
    """
    The people by their first names; `features` and `seeded_clients` by their client's id.

    :param anonymous: a browser without a cookie
    """

    people: dict[str, SmokePerson]
    features: dict[str, RawFeature]
    seeded_clients: dict[str, dict[str, Any]]
    delegation_of_campaigns: str
    anonymous: SmokeBrowser
    exchanges: Exchanges
    secrets: SecretsSeen

    def __getitem__(self, name: str) -> SmokePerson:
        return self.people[name]

    def id(self, name: str) -> str:
        return str(self.people[name].seeded["id"])

    def client(self, feature: str, delegation: str, *, of: str) -> httpx.Client:
        """Return the API as that feature sees it, acting for `of`."""
        asked = self.features[feature]
        http = httpx.Client(base_url=asked.base_url, timeout=30)
        self.exchanges.watch(http, f"{feature} for {of}")
        answer = asked.request_token(delegation)
        must(answer.status_code == 200, f"no token for {feature}: {answer.status_code}")
        form = dict(parse_qsl(answer.request.content.decode()))
        self.secrets.add("client assertion", form["client_assertion"].rpartition(".")[2])
        token = answer.json()["access_token"]
        self.secrets.add("service token", token)
        http.headers["authorization"] = f"Bearer {token}"
        return http

    def close(self) -> None:
        for browser in (self.anonymous, *(one.browser for one in self.people.values())):
            browser.http.close()


def assemble_cast(
    world: CanaryWorld, marks: Marks, exchanges: Exchanges, secrets: SecretsSeen
) -> Cast:
    """Return the demo's people and features, none of whom is signed in yet."""
    seeded = world.seeded()
    people = {
        one["email"].partition("@")[0]: SmokePerson(_site_of(world, one["role"]), one)
        for one in seeded["people"]
    }
    anonymous = SmokeBrowser(world.url)
    for name, browser in (
        ("anonymous", anonymous),
        *((name, one.browser) for name, one in people.items()),
    ):
        browser.http.headers.update(typed_headers(marks))
        exchanges.watch(browser.http, name)
        secrets.watch(browser.http)
    for one in seeded["people"]:
        secrets.add("password", one["password"])
        if one["totp_secret"]:
            secrets.add("authenticator secret", one["totp_secret"])
    clients = {one["client_id"]: one for one in seeded["clients"]}
    for one in clients.values():
        secrets.add("private key of a feature", one["private_jwk"]["d"])
    return Cast(
        people=people,
        features={name: RawFeature(world.url, one) for name, one in clients.items()},
        seeded_clients=clients,
        delegation_of_campaigns=clients["campaigns"]["delegation_id"],
        anonymous=anonymous,
        exchanges=exchanges,
        secrets=secrets,
    )


def _site_of(world: CanaryWorld, role: str) -> str:
    return world.staff_url if role in STAFF else world.url


def sign_in_with_code(person: SmokePerson, secrets: SecretsSeen) -> Page:
    """Sign in as a member of staff: password, then the code of their authenticator."""
    page = person.browser.get("/accounts/login/")
    form = page.form("login")
    seeded: dict[str, Any] = person.seeded
    page = person.browser.submit(
        page, form, form.data(login=seeded["email"], password=seeded["password"])
    )
    must("mfa" in page.url, f"no second factor was asked for: {page.url}")
    page = _enter_code(person, page, page.form(""), secrets)
    must("mfa" not in page.url, "the code was not taken")
    return page


def confirm_with_code(person: SmokePerson, page: Page, secrets: SecretsSeen) -> Page:
    """Confirm with another code where the page asks for it; the form that waited is then sent."""
    if "reauthenticate" not in page.url:
        return page
    return _enter_code(person, page, page.form("reauthenticate"), secrets)


def _enter_code(person: SmokePerson, page: Page, form: Form, secrets: SecretsSeen) -> Page:
    code = factor.code(person.seeded["totp_secret"])
    secrets.add_short_code("authenticator code", code)
    return person.browser.submit(page, form, form.data(code=code))
