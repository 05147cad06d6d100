"""The steps of a feature that a person lets in: hand-over, people, switching off, removal."""

from __future__ import annotations

import html
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from config.client.antares_client import (
    Antares,
    ApiClient,
    Credentials,
    DelegationEnded,
    HandedOver,
    HandOverFailed,
    ProblemError,
    TokenRefused,
)
from tests.smoke.person import SmokePerson
from tests.smoke.receipts import Receipts
from tests.smoke.walk import Failed, Walk, must

_ASKS: Final = "asks for your data"
_NOTHING_ON: Final = "Nothing is switched on yet."
_TOLD: Final = "It was told to delete its copies, and has not confirmed this yet."
_CONFIRMED: Final = "that it deleted its copies."
_MESSAGES: Final = "/v1/users/me/messages"


def open_client(base_url: str, seeded: dict[str, Any], **more: Any) -> Antares:
    """Return the typed client of a seeded feature."""
    credentials = Credentials(
        client_id=seeded["client_id"], private_key=seeded["private_jwk"], base_url=base_url
    )
    return Antares(credentials, **more)


@dataclass
class SmokeHandOver:
    """
    :param owner: whose mail the feature reads
    :param widget: the feature that is let in, as it was seeded
    :param campaigns: the one that is refused
    """

    walk: Walk
    owner: SmokePerson
    receipts: Receipts
    base_url: str
    widget: dict[str, Any]
    campaigns: dict[str, Any]
    handed_over: HandedOver | None = None
    confirmed: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.antares = open_client(self.base_url, self.widget)

    def run(self) -> None:
        step = self.walk.step
        step("feature is let in by the person", self.let_in)
        step("feature lists its people", self.list_people)
        step("switched off: refused at the next call", self.switch_off)
        step("campaigns refused where a person would let it in", self.refuse_campaigns)

    def let_in(self) -> str:
        """Sent to the page, not agreed, agreed; the code is exchanged, and brings nothing twice."""
        address, pending = self.antares.begin_hand_over(
            purpose=self.widget["purpose"], redirect_uri=self.widget["redirect_uri"]
        )
        page = self.owner.browser.get(address)
        must(_ASKS in html.unescape(page.text), f"the page does not ask: {page.url}")
        form = page.form("/oauth/authorize")
        page = self.owner.browser.submit(page, form, form.data(button="allow"))
        must(_NOTHING_ON in page.text, "without the tick, the page does not say so")
        began = time.monotonic()
        location = self.owner.answer_feature(address, "allow")
        must(location.startswith(f"{self.widget['redirect_uri']}?"), "it led elsewhere")
        query = urlsplit(location).query
        handed_over = self.handed_over = self.antares.complete_hand_over(pending, query)
        must(str(handed_over.user) == self.owner.seeded["id"], "it names somebody else")
        rows = self._act().request("GET", _MESSAGES).json()["data"]
        must(rows, "no rows")
        milliseconds = (time.monotonic() - began) * 1000
        try:
            self.antares.complete_hand_over(pending, query)
        except TokenRefused as refusal:
            return (
                f"{len(rows)} messages, {milliseconds:.0f} ms from the click; the code once more:"
                f" {refusal.error}"
            )
        raise Failed("a code was exchanged twice")

    def list_people(self) -> str:
        own = self.antares.act_for_client()
        rows = own.request("GET", "/v1/delegations").json()["data"]
        [row] = [row for row in rows if row["state"] == "on"]
        handed_over = self._get_handed_over()
        must(row["id"] == str(handed_over.delegation), "another delegation is listed")
        person = {"id": str(handed_over.user), "platform_id": handed_over.platform_user}
        must(row["user"] == person, "another person is listed")
        try:
            own.request("GET", _MESSAGES)
        except ProblemError as problem:
            return f"{len(rows)}, by the client's own token; with it, mail is {problem.status}"
        raise Failed("the client's own token reads mail")

    def switch_off(self) -> str:
        """By the person; the token of the feature would be valid for minutes."""
        api = self._act()
        api.request("GET", _MESSAGES)
        began = time.monotonic()
        self.owner.switch_off(self.widget["feature"])
        try:
            api.request("GET", _MESSAGES)
        except DelegationEnded as refusal:
            milliseconds = (time.monotonic() - began) * 1000
            said = refusal.error
        else:
            raise Failed("the feature still reads")
        [removal] = self._list_removals()
        must(removal["reason"] == "switched_off", f"it is told {removal['reason']}")
        self._confirm(removal)
        return f"{said} after {milliseconds:.0f} ms; a removal, confirmed"

    def refuse_campaigns(self) -> str:
        antares = open_client(self.base_url, self.campaigns)
        address, pending = antares.begin_hand_over(
            purpose=self.campaigns["purpose"], redirect_uri=self.campaigns["redirect_uri"]
        )
        answer = self.owner.browser.http.get(address)
        must(answer.status_code == 302, f"the person was asked: {answer.status_code}")
        try:
            antares.complete_hand_over(pending, urlsplit(answer.headers["location"]).query)
        except HandOverFailed as refusal:
            must(refusal.error == "invalid_scope", f"it was told {refusal.error}")
            return f"{refusal.error}: {refusal.description}"
        finally:
            antares.close()
        raise Failed("campaigns was let in")

    def confirm_removal(self, page_url: str) -> str:
        """
        After a disconnect, the feature lists its removal and confirms it.

        :param page_url: of the removal
        """
        must(_TOLD in self._read(page_url), "the page does not say that it was told")
        [removal] = self._list_removals()
        must(removal["reason"] == "disconnected", f"it is told {removal['reason']}")
        must(removal["product"] == "mail", f"it is told of {removal['product']}")
        must(removal["user"]["id"] == self.owner.seeded["id"], "it is told of somebody else")
        began = time.monotonic()
        self.confirmed = self._confirm(removal)
        must(not self._list_removals(), "it is listed as open")
        return f"{(time.monotonic() - began) * 1000:.0f} ms; due {removal['due_at']}"

    def check_receipt(self, receipt: bytes, page_url: str) -> str:
        """The verifier and the page say what the feature did, and when."""
        [feature] = self.receipts.check_features(receipt, self.widget["feature"])
        must(self.confirmed, "nothing was confirmed")
        at = feature["acknowledged_at"]
        if at is not None:
            must(_is_same_moment(at, self.confirmed["acknowledged_at"]), f"confirmed at {at}")
        page = self._read(page_url)
        must("It confirmed on" in page and _CONFIRMED in page, "the page does not say so")
        must(_TOLD not in page, "the page says that it is not confirmed")
        when = "before" if at is not None else "after"
        return f"{feature['feature']}: confirmed {when} the receipt was signed"

    def _act(self) -> ApiClient:
        handed_over = self._get_handed_over()
        return self.antares.act_for_person(handed_over.delegation, purpose=handed_over.purpose)

    def _get_handed_over(self) -> HandedOver:
        if self.handed_over is None:
            raise Failed("the feature was not let in")
        return self.handed_over

    def _list_removals(self) -> list[dict[str, Any]]:
        """Return the open removals of whole accounts; confirm those of single messages."""
        rows = self.antares.act_for_client().request("GET", "/v1/removals").json()["data"]
        for row in rows:
            if row["items"]:
                self._confirm(row)
        return [row for row in rows if not row["items"]]

    def _confirm(self, removal: dict[str, Any]) -> dict[str, Any]:
        path = f"/v1/removals/{UUID(removal['id'])}/acknowledge"
        confirmed: dict[str, Any] = self.antares.act_for_client().request("POST", path).json()
        must(confirmed["acknowledged_at"], "it is not confirmed")
        return confirmed

    def _read(self, page_url: str) -> str:
        return " ".join(html.unescape(self.owner.browser.get(page_url).text).split())


def _is_same_moment(first: str, second: str) -> bool:
    """Return whether they are equal to the millisecond, which receipts have."""
    return _count_milliseconds(first) == _count_milliseconds(second)


def _count_milliseconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)
