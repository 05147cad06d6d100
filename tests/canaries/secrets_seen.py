"""Every secret of the run, as it was handed over: from the browser, the provider, the keyring."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

import httpx

from tests.canaries.encodings import SHORTEST
from tests.canaries.relay import SECRETS_GO_TO, Relay

# What goes to the token endpoint and comes from it is secret; these are not.
PUBLIC: Final = frozenset({"client_id", "grant_type", "redirect_uri", "scope"})
_IN_ADDRESSES: Final = frozenset({"state", "nonce", "code", "login_hint"})
_IN_ANSWERS: Final = re.compile(rb'"(access_token|refresh_token|id_token)"\s*:\s*"([^"]+)"')
#: Ids and places that the provider gave, and that we sent back to it.
_IDS: Final = re.compile(r"/gmail/v1/users/me/(?:messages|threads|attachments)/([^/?]+)")
# Every one of them is as good as another, and a needle more.
_MOST_IDS: Final = 300
_MOST_PROOFS: Final = 100
# Names that the provider has for what is in calendars, whether or not they went back to it.
_OF_CALENDARS: Final = re.compile(
    rb'"(?:nextSyncToken|iCalUID|resourceId)"\s*:\s*"([^"]+)"|"id"\s*:\s*"([^"]+@group[^"]+)"'
)
_ATTACHMENT: Final = re.compile(r"/attachments/([^/?]+)")


@dataclass
class SecretsSeen:
    """
    By name, what must stand nowhere.

    `ids` are the provider's own names of things: no secrets, but none of ours to write down.
    They stand the other way round, the value first.
    """

    found: dict[str, str | bytes] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)

    def add(self, kind: str, value: str | bytes) -> None:
        if len(value) >= SHORTEST and value not in self.found.values():
            self.found[f"{kind} {sum(name.startswith(kind) for name in self.found) + 1}"] = value

    def watch(self, http: httpx.Client) -> None:
        """Look at every address that this browser goes to, and at the session it gets."""

        def answered(response: httpx.Response) -> None:
            for address in (str(response.url), response.headers.get("location", "")):
                for name, value in parse_qsl(urlsplit(address).query):
                    if name in _IN_ADDRESSES - {"login_hint"}:
                        self.add(name, value)
            for cookie in response.headers.get_list("set-cookie"):
                name, _, value = cookie.partition(";")[0].partition("=")
                if name.strip() == "session":
                    self.add("session", value)

        hooks = http.event_hooks
        http.event_hooks = {**hooks, "response": [*hooks["response"], answered]}

    def collect(self, relay: Relay) -> None:
        """Remember everything that went to the provider as a secret, or came from it as one."""
        for data in relay.answered():
            for kind, value in _IN_ANSWERS.findall(data):
                self.add(kind.decode(), value.decode())
            for one, other in _OF_CALENDARS.findall(data):
                self._name((one or other).decode())
        for sent in relay.sent():
            if sent.path in SECRETS_GO_TO:
                for name, value in parse_qsl(sent.body.decode("latin-1")):
                    if name not in PUBLIC:
                        self.add(name, value)
            self._ids_of(sent.target)
            # The parts of a batch are requests of their own.
            for target in re.findall(r"GET (\S+)", sent.body.decode("latin-1")):
                self._ids_of(target)

    def told(self, pushes: Mapping[str, Any]) -> None:
        """Remember by what the provider proved itself when it told us of news, as far as needed."""
        for one in pushes["sent"][-_MOST_PROOFS:]:
            kind, name, *_ = f"{one['about']} ".split(" ")
            self.add(f"{kind} token", one["proof"])
            if kind == "channel":
                self.add("channel id", name)

    def _ids_of(self, target: str) -> None:
        path, _, query = target.partition("?")
        given = [unquote(one) for one in (*_IDS.findall(path), *_ATTACHMENT.findall(path))]
        given += [value for name, value in parse_qsl(query) if name == "pageToken"]
        for value in given:
            if len(self.ids) < _MOST_IDS:
                self._name(value)

    def _name(self, value: str) -> None:
        # The ids that bear a canary are searched for by it.
        if len(value) >= SHORTEST and len(self.ids) < 2 * _MOST_IDS and "cnry" not in value:
            self.ids.setdefault(value, f"provider's id {len(self.ids) + 1}")

    def needles(self) -> dict[str, str | bytes]:
        return {**self.found, **{name: value for value, name in self.ids.items()}}
