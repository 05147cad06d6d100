"""Every secret of the run, as it was handed over: from the browser, the provider, the keyring."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

import httpx

from tests.canaries.encodings import SHORTEST
from tests.canaries.relay import Relay

# What goes to the token endpoint and comes from it is secret; these are not.
PUBLIC: Final = frozenset({"client_id", "grant_type", "redirect_uri", "scope"})
_IN_ADDRESSES: Final = frozenset({"state", "nonce", "code", "login_hint"})
_IN_ANSWERS: Final = re.compile(rb'"(access_token|refresh_token|id_token)"\s*:\s*"([^"]+)"')
# Of an upload session: with it, anybody may send its bytes for a week.
_SESSIONS: Final = re.compile(rb"[?&]upload_id=([\w-]+)")
#: Ids and places that the provider gave, and that we sent back to it.
_IDS: Final = {
    "of Gmail": re.compile(r"/gmail/v1/users/me/(?:messages|threads)/([^/?]+)"),
    "of a file": re.compile(r"/attachments/([^/?]+)"),
    "of Drive": re.compile(r"/drive/v3/files/((?!generateIds)[^/?]+)"),
    # Not the names that folders have everywhere.
    "of Graph": re.compile(r"/v1\.0/me/(?:messages|mailFolders|events|calendars)/(A[AQ][^/?]+)"),
}
# Of each kind. Every one of them is as good as another, and a needle more.
_MOST_IDS: Final = 250
# Of each connection: the newest are those that are kept.
_MOST_LINKS: Final = 15
_MOST_PROOFS: Final = 100
# Names that the provider has for what is in calendars, whether or not they went back to it.
_OF_CALENDARS: Final = re.compile(
    rb'"(?:nextSyncToken|iCalUID|resourceId)"\s*:\s*"([^"]+)"|"id"\s*:\s*"([^"]+@group[^"]+)"'
)
# Of links to pages and to changes: what makes each of them one.
_OF_LINKS: Final = frozenset({"pageToken", "$skiptoken", "$deltatoken"})
_LINKS: Final = re.compile(rb'"@odata\.(?:next|delta)Link"\s*:\s*"([^"]+)"')


@dataclass
class SecretsSeen:
    """
    By name, what must stand nowhere.

    `ids` are the provider's own names of things: no secrets, but none of ours to write down.
    They stand the other way round, the value first.
    """

    found: dict[str, str | bytes] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    _counts: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, value: str | bytes) -> None:
        if len(value) >= SHORTEST and value not in self.found.values():
            self.found[f"{kind} {sum(name.startswith(kind) for name in self.found) + 1}"] = value

    def add_short_code(self, kind: str, code: str) -> None:
        """
        Add a code of six digits as forms, JSON and Python write the field `code`.

        The digits alone stand by chance in every file of a database.
        """
        for text in (f"code={code}", f'"code": "{code}"', f"'code': '{code}'", f"['{code}']"):
            self.add(kind, text)

    def watch(self, http: httpx.Client) -> None:
        """Look at every address that this browser goes to, and at the session it gets."""

        def note_response(response: httpx.Response) -> None:
            for address in (str(response.url), response.headers.get("location", "")):
                for name, value in parse_qsl(urlsplit(address).query):
                    if name in _IN_ADDRESSES - {"login_hint"}:
                        self.add(name, value)
            for cookie in response.headers.get_list("set-cookie"):
                name, _, value = cookie.partition(";")[0].partition("=")
                if name.strip() == "session":
                    self.add("session", value)

        hooks = http.event_hooks
        http.event_hooks = {**hooks, "response": [*hooks["response"], note_response]}

    def collect(self, relay: Relay) -> None:
        """Remember everything that went to the provider as a secret, or came from it as one."""
        for data in relay.answered():
            self._collect_answered(data)
        for sent in relay.sent():
            if sent.is_for_secrets:
                for name, value in parse_qsl(sent.body.decode("latin-1")):
                    if name not in PUBLIC:
                        self.add(name, value)
            self._ids_of(sent.target)
            # The parts of a batch are requests of their own.
            for target in re.findall(r"GET (\S+)", sent.body.decode("latin-1")):
                self._ids_of(target)

    def _collect_answered(self, data: bytes) -> None:
        for kind, value in _IN_ANSWERS.findall(data):
            self.add(kind.decode(), value.decode())
        for value in _SESSIONS.findall(data):
            self.add("upload session", value.decode())
        for one, other in _OF_CALENDARS.findall(data):
            self._name((one or other).decode(), "of calendars")
        for link in _LINKS.findall(data)[-_MOST_LINKS:]:
            self._links_of(link.decode())

    def told(self, pushes: Mapping[str, Any]) -> None:
        """Remember by what the provider proved itself when it told us of news, as far as needed."""
        for one in pushes["sent"][-_MOST_PROOFS:]:
            kind, name, *_ = f"{one['about']} ".split(" ")
            # What a subscription says is its id of ours and the token.
            own, _, token = one["proof"].partition(".")
            self.add(f"{kind} token", token if kind == "graph" else one["proof"])
            if kind in {"channel", "graph"}:
                self.add("channel id", name)
            if kind == "graph":
                self.add("channel id", own)

    def _ids_of(self, target: str) -> None:
        path = target.partition("?")[0]
        for what, pattern in _IDS.items():
            for one in pattern.findall(path):
                self._name(unquote(one), what)
        self._links_of(target)

    def _links_of(self, target: str) -> None:
        for name, value in parse_qsl(urlsplit(target).query):
            if name in _OF_LINKS:
                self._name(value, "in a link")

    def _name(self, value: str, what: str) -> None:
        # The ids that bear a canary are searched for by it.
        is_new = len(value) >= SHORTEST and value not in self.ids and "cnry" not in value
        if is_new and self._counts[what] < _MOST_IDS:
            self._counts[what] += 1
            self.ids[value] = f"provider's id {what} {self._counts[what]}"

    def needles(self) -> dict[str, str | bytes]:
        return {**self.found, **{name: value for value, name in self.ids.items()}}
