"""
A platform feature that a person lets in: its codes, verifiers, tokens and assertions are secrets.

The feature is the typed client. What it sends and receives is recorded, and each secret of it is
searched for in every store.
"""

from __future__ import annotations

import html
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import psycopg

from config.client.antares_client import (
    Antares,
    DelegationEnded,
    HandedOver,
    HandOverDeclined,
    PendingHandOver,
)
from config.client.antares_client.credentials import ASSERTION_TYPE, Credentials
from tests.canaries import appointment
from tests.canaries.control import Ground
from tests.canaries.exchanges import Exchanges
from tests.canaries.journey import Journey
from tests.canaries.marks import ALICE
from tests.canaries.needles import Needles
from tests.canaries.scanner import Stores, search
from tests.smoke.hand_over import open_client
from tests.smoke.person import SmokePerson
from tests.smoke.walk import Failed, must

WIDGET: Final = "inbox-widget"
SCHEDULER: Final = "scheduler"
OPERATORS_KEY: Final = "private key of an operator"
#: What the walk has to bring, by name.
KINDS: Final = (
    "state of a feature", "code verifier", "authorization code", "hand-over token",
    "client's own token", "client assertion", OPERATORS_KEY,
)  # fmt: skip
_MESSAGES: Final = "/v1/users/me/messages"
_FORM: Final = {
    "code": "authorization code",
    "code_verifier": "code verifier",
    "client_assertion": "client assertion",
}
# Not in the WAL, where the later searches would find it.
_TABLE: Final = "CREATE UNLOGGED TABLE canary_secrets (words text)"
_SHORTEST_VERIFIER: Final = 43


class _RecordingTransport(httpx.BaseTransport):
    """Sends a feature's requests, records their answers, and notes the secrets of both."""

    def __init__(self, exchanges: Exchanges, actor: str, note: Callable[[str, str], None]) -> None:
        self._inner = httpx.HTTPTransport()
        self._exchanges = exchanges
        self._actor = actor
        self._note = note

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        began = time.time_ns() // 1_000_000
        response = self._inner.handle_request(request)
        response.request = request
        response.read()
        self._exchanges.add(response, self._actor, began=began)
        if request.url.path.startswith("/oauth/"):
            self._note_secrets(dict(parse_qsl(request.read().decode())), response)
        return response

    def close(self) -> None:
        self._inner.close()

    def _note_secrets(self, form: dict[str, str], response: httpx.Response) -> None:
        for name, kind in _FORM.items():
            if name in form:
                self._note(kind, form[name])
        token = response.json().get("access_token") if response.is_success else None
        if token:
            self._note(_get_token_kind(form), token)


def _get_token_kind(form: dict[str, str]) -> str:
    if form.get("grant_type") == "authorization_code":
        return "hand-over token"
    return "client's own token" if form.get("scope") == "client" else "service token"


@dataclass
class HandingOver:
    """
    :ivar noted: secrets by kind
    :ivar handed_over: by feature
    """

    journey: Journey
    noted: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    handed_over: dict[str, HandedOver] = field(default_factory=dict)
    _opened: dict[str, Antares] = field(default_factory=dict)

    @property
    def person(self) -> SmokePerson:
        return self.journey.cast[ALICE]

    @property
    def typed(self) -> str:
        return self.journey.marks.typed

    # --- Hand-over --------------------------------------------------------------------------------

    def let_in(self, feature: str = WIDGET) -> str:
        """Sent to the page without a session, declined, allowed; then the feature reads."""
        address, _ = self._begin(feature)
        page = self.journey.cast.anonymous.get(address)
        must("/accounts/login/" in page.url, f"without a session it is {page.url}")
        self._decline(feature)
        self._exchange_wrongly(feature)
        self._hand_over(feature)
        return f"declined, exchanged wrongly, allowed; {self._read(feature)}"

    def type_wrong_words(self) -> str:
        """Words in every parameter of the page, and in every field of both endpoints."""
        browser, typed = self.person.browser, self.typed
        address, _ = self._begin(WIDGET)
        given = dict(parse_qsl(urlsplit(address).query))
        statuses = []
        for name in given:
            query = urlencode({**given, name: f"{typed}-authorize{name.replace('_', '')}"})
            place = f"{browser.base_url}/oauth/authorize?{query}"
            visitors = (browser.http, self.journey.cast.anonymous.http)
            statuses += [http.get(place).status_code for http in visitors]
        assertions = (f"{typed}-assertion", f"{typed}-a.{typed}-b.{typed}-c")
        for path in ("/oauth/token", "/oauth/revoke"):
            for assertion in (*assertions, self._sign(WIDGET)):
                form = {
                    "grant_type": "authorization_code",
                    "code": f"{typed}-code",
                    "code_verifier": f"{typed}-verifier".ljust(_SHORTEST_VERIFIER, "x"),
                    "redirect_uri": f"{typed}-redirecturi",
                    "token": f"{typed}-token",
                    "scope": f"purpose:{typed}-scope",
                    "delegation": f"{typed}-delegation",
                    "client_assertion_type": ASSERTION_TYPE,
                    "client_assertion": assertion,
                }
                answer = httpx.post(f"{browser.base_url}{path}", data=form, timeout=30)
                statuses.append(answer.status_code)
        must(all(status < 500 for status in statuses), f"one broke it: {sorted(statuses)}")
        return f"{len(statuses)} requests, answered {_list_numbers(statuses)}"

    def list_people(self) -> str:
        answer = self._open(WIDGET).act_for_client().request("GET", "/v1/delegations")
        rows = {row["id"]: row["state"] for row in answer.json()["data"]}
        must(rows.get(str(self.handed_over[WIDGET].delegation)) == "on", "Alice is not listed")
        return f"{len(rows)} for the client's own token"

    def switch_off(self) -> str:
        """By the person; the feature is told to delete its copies, and confirms."""
        self.person.switch_off(WIDGET)
        try:
            self._act(WIDGET).request("GET", _MESSAGES)
        except DelegationEnded as refusal:
            return f"{refusal.error}; {self.confirm_removals(WIDGET, 'switched_off')}"
        raise Failed("the feature still reads")

    def revoke(self) -> str:
        """Let in once more while it is on; the token of the code is revoked by its client."""
        self._hand_over(WIDGET)
        self._read(WIDGET)
        url, token = self.person.browser.base_url, self.noted["hand-over token"][-1]
        bearer = {"authorization": f"Bearer {token}"}
        before = httpx.get(f"{url}{_MESSAGES}", headers=bearer, timeout=30)
        form = {
            "token": token,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self._sign(WIDGET),
        }
        answer = httpx.post(f"{url}/oauth/revoke", data=form, timeout=30)
        after = httpx.get(f"{url}{_MESSAGES}", headers=bearer, timeout=30)
        statuses = [one.status_code for one in (before, answer, after)]
        must(statuses == [200, 200, 401], f"answered {statuses}")
        return "200 before, 401 after"

    def confirm_removals(self, feature: str, reason: str) -> str:
        """List the removals of `feature`, of which one has `reason`, and confirm all of them."""
        own = self._open(feature).act_for_client()
        rows = own.request("GET", "/v1/removals").json()["data"]
        must(reason in {row["reason"] for row in rows}, f"no removal is {reason}")
        for row in rows:
            answer = own.request("POST", f"/v1/removals/{row['id']}/acknowledge").json()
            must(answer["acknowledged_at"], "a removal is not confirmed")
        left = own.request("GET", "/v1/removals").json()["data"]
        must(not left, f"{len(left)} are still open")
        return f"removals listed and confirmed: {len(rows)}"

    def confirm_disconnect(self, feature: str = WIDGET) -> str:
        """Confirm the removal of a disconnect; its page says so."""
        said = self.confirm_removals(feature, "disconnected")
        place = f"/settings/removals/{self.journey.removals[ALICE]}/"
        page = " ".join(html.unescape(self.person.browser.get(place).text).split())
        must("It confirmed on" in page, "the page does not say so")
        return f"{said}; the page says so"

    # --- Control ----------------------------------------------------------------------------------

    def control(self) -> str:
        """
        Plant each secret in a row and in a file of each store: the search must find it.

        They are the needles of the later searches, which find none.
        """
        missing = [kind for kind in KINDS if not self.noted[kind]]
        must(not missing, f"there was no {', '.join(missing)}")
        values = {value for noted in self.noted.values() for value in noted}
        known = self.journey.cast.secrets.found
        needles = {name: value for name, value in known.items() if value in values}
        must(set(needles.values()) == values, "a secret is not searched for")
        ground = self.journey.world.ground()
        with _planted(ground, sorted(values)) as files:
            where = Stores(database_url=ground.database_url, folders=files)
            hits = search(Needles(needles), where).hits
        found = {(hit.store, hit.needle) for hit in hits}
        wanted = {(store, name) for store in ("rows", *files) for name in needles}
        missed = sorted(wanted - found)
        must(not missed, f"the search misses {len(missed)}: {missed[:5]}")
        counts = ", ".join(f"{len(noted)} {kind}" for kind, noted in sorted(self.noted.items()))
        return f"in {len(files) + 1} stores: {counts}"

    # --- Parts ------------------------------------------------------------------------------------

    def note(self, kind: str, value: str) -> None:
        if kind == "client assertion":
            # The rest is no secret: who it is, and until when. A part of a leak would be found too.
            value = value.rpartition(".")[2]
        if value not in self.noted[kind]:
            self.noted[kind].append(value)
        self.journey.cast.secrets.add(kind, value)

    def _open(self, feature: str) -> Antares:
        if feature not in self._opened:
            cast = self.journey.cast
            transport = _RecordingTransport(cast.exchanges, f"{feature} for {ALICE}", self.note)
            self._opened[feature] = open_client(
                self.person.browser.base_url, cast.seeded_clients[feature], transport=transport
            )
        return self._opened[feature]

    def _begin(self, feature: str) -> tuple[str, PendingHandOver]:
        seeded = self.journey.cast.seeded_clients[feature]
        address, pending = self._open(feature).begin_hand_over(
            purpose=seeded["purpose"], redirect_uri=seeded["redirect_uri"]
        )
        self.note("state of a feature", pending.state)
        self.note("code verifier", pending.code_verifier)
        return address, pending

    def _decline(self, feature: str) -> None:
        address, pending = self._begin(feature)
        query = urlsplit(self.person.answer_feature(address, "deny")).query
        try:
            self._open(feature).complete_hand_over(pending, query)
        except HandOverDeclined:
            return
        raise Failed("a person who declined let it in")

    def _exchange_wrongly(self, feature: str) -> None:
        """Exchange a code with another verifier; then switch the feature off again."""
        address, pending = self._begin(feature)
        query = dict(parse_qsl(urlsplit(self.person.answer_feature(address, "allow")).query))
        self.note("authorization code", query["code"])
        _, other = self._begin(feature)
        form = {
            "grant_type": "authorization_code",
            "code": query["code"],
            "redirect_uri": pending.redirect_uri,
            "code_verifier": other.code_verifier,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self._sign(feature),
        }
        url = f"{self.person.browser.base_url}/oauth/token"
        answer = httpx.post(url, data=form, timeout=30)
        must(answer.status_code == 400, f"another verifier was answered {answer.status_code}")
        self.person.switch_off(feature)

    def _hand_over(self, feature: str) -> None:
        address, pending = self._begin(feature)
        query = urlsplit(self.person.answer_feature(address, "allow")).query
        handed_over = self._open(feature).complete_hand_over(pending, query)
        must(str(handed_over.user) == self.journey.cast.id(ALICE), "it names somebody else")
        self.handed_over[feature] = handed_over

    def _act(self, feature: str) -> Any:
        handed_over = self.handed_over[feature]
        return self._open(feature).act_for_person(
            handed_over.delegation, purpose=handed_over.purpose
        )

    def _read(self, feature: str) -> str:
        path, params = _MESSAGES, {"limit": "200"}
        if feature == SCHEDULER:
            path = "/v1/users/me/events"
            params |= {
                "start": appointment.get_day_start(-1).isoformat(),
                "end": appointment.get_day_start(9).isoformat(),
            }
        rows = self._act(feature).request("GET", path, params=params).json()["data"]
        must(rows, f"{feature} reads nothing")
        return f"{len(rows)} rows of {path.rpartition('/')[2]}"

    def _sign(self, feature: str) -> str:
        seeded = self.journey.cast.seeded_clients[feature]
        assertion = Credentials(
            client_id=feature,
            private_key=seeded["private_jwk"],
            base_url=self.person.browser.base_url,
        ).make_assertion()
        self.note("client assertion", assertion)
        return assertion


@contextmanager
def _planted(ground: Ground, values: list[str]) -> Iterator[dict[str, list[Path]]]:
    """Write the values to a table and to a file of each store; yield the files."""
    paths = {store: folder / "control-secrets" for store, folder in ground.folders.items()}
    with psycopg.connect(ground.database_url, autocommit=True) as connection:
        connection.execute(_TABLE)
        try:
            for value in values:
                connection.execute("INSERT INTO canary_secrets VALUES (%s)", [value])
            for path in paths.values():
                path.write_text("\n".join(values), encoding="utf-8")
            yield {store: [path] for store, path in paths.items()}
        finally:
            for path in paths.values():
                path.unlink(missing_ok=True)
            connection.execute("DROP TABLE canary_secrets")


def _list_numbers(numbers: list[int]) -> str:
    return ", ".join(str(number) for number in sorted(set(numbers)))
