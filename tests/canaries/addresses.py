"""
Every route of the service, by every kind of caller, with something typed wherever one can type.

Which routes there are is read from the URLconf, and which names are looked for in requests from
the source: a new one is visited, and a new field typed into, without being told here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from django.urls import NoReverseMatch, Resolver404, URLPattern, get_resolver, resolve, reverse

from config.embedded.embedded_service import ROOT
from tests.canaries import appointment
from tests.canaries.cast import Cast
from tests.canaries.journey import Journey
from tests.canaries.marks import ALICE, BOB
from tests.canaries.saving import CanaryFiles
from tests.smoke.client import SmokeBrowser, forms
from tests.smoke.walk import must

#: Routes of `tests/routes.py` that this walk leaves out, and why.
EXPLAINED: Final[dict[str, str]] = {}
#: Ends the session that walks; it is visited last, by itself.
_LAST: Final = frozenset({"account_logout"})
#: What Alice posts only when it is meant: they would end what the walk still needs.
_MEANT: Final = frozenset(
    {
        "settings-disconnect",
        "settings-disconnect-account",
        "settings-forget",
        "settings-feature",
        "settings-calendars-erase",
    }
)
_READERS: Final = frozenset({"GET", "POST", "COOKIES", "headers", "META", "FILES", "query_params"})
_PACKAGES: Final = ("accounts", "limited_use", "integrations", "config")
# Where support, reviewers and operators have pages of their own.
_FOR_STAFF: Final = (
    "integrations.support", "integrations.review", "integrations.operations.metrics_endpoint",
    "integrations.operations.pages",
)  # fmt: skip
# Larger than what Django keeps in memory of an upload: it goes to a temporary file.
_UPLOAD: Final = 3 * 1024 * 1024


@dataclass
class Addresses:
    journey: Journey
    files: CanaryFiles
    visited: set[str] = field(default_factory=set)

    @property
    def cast(self) -> Cast:
        return self.journey.cast

    @property
    def typed(self) -> str:
        return self.journey.marks.typed

    def walk(self) -> str:
        must(read_names(), "no names are read from requests: the search for them is broken")
        ids = self._ids()
        for name in names():
            self._anonymous(name, ids)
            self._stranger(name, ids)
            self._owner(name, ids)
        self._queries(ids)
        self._forms()
        for who in ("sam", "rita", "otto"):
            self._staff(who, ids)
        return f"{len(names())} routes, {len(read_names())} names read from requests"

    def leave(self) -> str:
        """Sign everybody out."""
        for person in self.cast.people.values():
            page = person.browser.get("/accounts/logout/")
            found = [one for one in forms(page.text) if "logout" in one.action or not one.action]
            if found:
                person.browser.submit(page, found[-1], found[-1].data())
        self.visit(self.cast.anonymous, "GET", "/accounts/logout/")
        return f"{len(self.cast.people)} sessions ended"

    def visit(self, browser: SmokeBrowser, method: str, path: str, **more: Any) -> Any:
        """Ask for `path`, and remember which route that was."""
        try:
            self.visited.add(resolve(path.partition("?")[0]).url_name or path)
        except Resolver404:
            self.visited.add("")
        return browser.http.request(method, f"{browser.base_url}{path}", **more)

    def left_out(self) -> list[str]:
        """Return declared routes that were neither visited nor explained."""
        from tests.routes import ROUTES

        seen = self.visited | {one for one in map(_route_of, self._paths()) if one}
        return sorted((set(ROUTES) | set(names())) - seen - set(EXPLAINED))

    def _paths(self) -> Iterator[str]:
        for one in self.cast.exchanges.all:
            yield one.path

    def _anonymous(self, name: str, ids: dict[str, str]) -> None:
        for method in ("GET", "POST"):
            self.visit(self.cast.anonymous, method, address(name, ids, self.typed))
        # The same address with something else than ids in it.
        raw = re.sub(
            r"[0-9a-f]{8}-[0-9a-f-]{27}", f"{self.typed}-segment", address(name, ids, self.typed)
        )
        self.visit(self.cast.anonymous, "GET", raw)

    def _stranger(self, name: str, ids: dict[str, str]) -> None:
        if name in _LAST:
            return
        browser = self.cast[BOB].browser
        path = address(name, ids, self.typed)
        self.visit(browser, "GET", path, params=self._query())
        self.visit(browser, "POST", path, data=self._form(browser))
        if not name.startswith(("mfa_", "account_")):
            self.visit(browser, "POST", path, json={"k": f"{self.typed}-json"})

    def _owner(self, name: str, ids: dict[str, str]) -> None:
        if name in _LAST:
            return
        browser = self.cast[ALICE].browser
        if name.startswith("settings-calendars"):
            calendars = self.journey.integration(ALICE, product="calendar")
            ids = ids | {"integration_id": calendars["id"]}
        path = address(name, ids, self.typed)
        self.visit(browser, "GET", path)
        if name not in _MEANT and "api" not in name and _is_ours(name):
            self.visit(browser, "POST", path, data=self._form(browser))

    def _staff(self, who: str, ids: dict[str, str]) -> None:
        browser = self.cast[who].browser
        for name in names():
            path = address(name, ids, self.typed)
            if resolve(path).func.__module__.startswith(_FOR_STAFF):
                self.visit(browser, "GET", path)
                self.visit(browser, "POST", path, data=self._form(browser))

    def _query(self) -> dict[str, str]:
        return dict.fromkeys(read_names(), f"{self.typed}-query")

    def _form(self, browser: SmokeBrowser) -> dict[str, str]:
        names_of_both = ("csrf", "staff-csrf")
        token = next(filter(None, map(browser.http.cookies.get, names_of_both)), "")
        return {
            **dict.fromkeys(read_names(), f"{self.typed}-form"),
            "csrfmiddlewaretoken": token,
        }

    def _queries(self, ids: dict[str, str]) -> None:
        """Each parameter of the API by itself: with several, only the first would be read."""
        from integrations.mail.api import serializers

        browser = self.cast[ALICE].browser
        for name in serializers.MessageListQuerySerializer().get_fields():
            for place in ("messages", "threads"):
                self.visit(
                    browser,
                    "GET",
                    f"/v1/users/me/{place}",
                    params={name: f"{self.typed}-q"},
                )
        self.visit(browser, "GET", "/v1/users/me/messages", params={f"{self.typed}-name": "1"})
        self.visit(browser, "GET", "/inbox/", params={"folder": f"{self.typed}-folder"})
        self.visit(browser, "GET", f"/{self.typed}-path/")
        upload = {"file": (f"{self.typed}-upload.txt", self.typed.encode() * (_UPLOAD // 20))}
        answer = self.visit(
            browser,
            "POST",
            address("settings-sync-now", ids, self.typed),
            data=self._form(browser),
            files=upload,
        )
        must(answer.status_code < 500, "an upload broke it")

    def _forms(self) -> None:
        """Every form that a page shows, filled in with what nobody would type."""
        browser = self.cast[ALICE].browser
        for path in (
            "/accounts/password/change/", "/accounts/password/reset/", "/accounts/reauthenticate/",
            "/accounts/mfa/totp/activate/", "/settings/integrations/",
        ):  # fmt: skip
            page = browser.get(path)
            for form in forms(page.text):
                if form.method != "post" or re.search(
                    "logout|sync|organisation|disconnect", form.action
                ):
                    continue
                filled = [
                    (name, value if name == "csrfmiddlewaretoken" else f"{self.typed}-filled")
                    for name, value in form.fields
                ]
                browser.submit(page, form, filled)

    def _ids(self) -> dict[str, str]:
        alice = self.cast[ALICE]
        message = next(one for one in alice.messages(limit=200) if one["has_attachments"])
        files = alice.api(f"/messages/{message['id']}")["attachments"]
        integration = self.journey.integration(ALICE)
        return {
            "user": self.cast.id(ALICE),
            "message_id": message["id"],
            "thread_id": message["thread_id"],
            "attachment_id": files[0]["id"],
            "connection_id": message["connection_id"],
            "integration_id": integration["id"],
            **self._of_calendars(),
            **self.files.kept,
            "provider": "google",
            "key": "inbox-widget",
            "code": "not-found",
        }

    def _of_calendars(self) -> dict[str, str]:
        alice = self.cast[ALICE]
        calendar = next(one for one in alice.api("/calendars")["data"] if one["is_primary"])
        span = {
            "start": appointment.get_day_start(-1).isoformat(),
            "end": appointment.get_day_start(9).isoformat(),
        }
        event = alice.api("/events", **span)["data"][0]
        return {"calendar_id": calendar["id"], "event_id": event["id"]}


def _is_ours(name: str) -> bool:
    return not name.startswith(("account_", "mfa_", "oauth_", "switch_"))


def _route_of(path: str) -> str | None:
    try:
        return resolve(path).url_name
    except Resolver404:
        return None


@cache
def names() -> tuple[str, ...]:
    """Return the names of all routes, as the URLconf has them."""

    def iterate_names(patterns: Any) -> Iterator[str]:
        for one in patterns:
            if isinstance(one, URLPattern):
                yield str(one.name)
            else:
                yield from iterate_names(one.url_patterns)

    return tuple(dict.fromkeys(iterate_names(get_resolver().url_patterns)))


def address(name: str, ids: dict[str, str], typed: str) -> str:
    """Return an address of that route, with `ids` as far as they go, then something typed."""
    if name == "api-nothing":
        return f"/v1/{typed}-nothing"
    (possibilities,) = [
        found for key, found in get_resolver().reverse_dict.lists() if key == name
    ] or [[]]
    wanted = {one for found in possibilities for _, names_ in found[0] for one in names_}
    # Some routes take the id of an occurrence, others only that of its event.
    events = {one: value.partition("_")[0] for one, value in ids.items()}
    for known in (ids, events):
        for other in (str(uuid4()), f"{typed}-word", 999_999):
            try:
                return reverse(name, kwargs={one: known.get(one, other) for one in wanted})
            except NoReverseMatch:
                continue
    # Of several that are missing, each may want another kind.
    mixed = {one: ids.get(one, str(uuid4()) if one.endswith("id") else "a") for one in wanted}
    return reverse(name, kwargs=mixed)


@cache
def read_names() -> tuple[str, ...]:
    """Return every name by which the service's source looks something up in a request."""
    found: set[str] = set()
    for package in _PACKAGES:
        for path in sorted(Path(ROOT, package).rglob("*.py")):
            # Relative: the checkout's own folder may have any name.
            if "sandbox" not in path.relative_to(ROOT).parts:
                found |= set(_names_in(ast.parse(path.read_text(encoding="utf-8"))))
    return tuple(sorted(found))


def _names_in(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        source, argument = None, None
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            source, argument = node.func.value, node.args[0]
        elif isinstance(node, ast.Subscript):
            source, argument = node.value, node.slice
        if (
            isinstance(source, ast.Attribute)
            and source.attr in _READERS
            and isinstance(argument, ast.Constant)
            and isinstance(argument.value, str)
        ):
            yield argument.value
