"""One admitted call of Graph: who, where in the path, what the headers prefer, what the body is."""

from dataclasses import dataclass
from typing import Any

import orjson

from integrations.sandbox.mail.entry import Entry
from integrations.sandbox.messages import Call
from integrations.sandbox.microsoft.accounts import Account
from integrations.sandbox.microsoft.grants import Access
from integrations.sandbox.microsoft.graph import problems
from integrations.sandbox.microsoft.mail.outlook import Folder, Outlook
from integrations.sandbox.world import World

LARGEST_PAGE = 1000


@dataclass(frozen=True)
class Ask:
    """`path` are the values of the placeholders; `prefer` the preferences, names in lower case."""

    world: World
    call: Call
    account: Account
    access: Access
    path: dict[str, str]
    prefer: dict[str, str]

    @property
    def outlook(self) -> Outlook:
        if self.account.outlook is None:
            raise problems.no_mailbox()
        return self.account.outlook

    @property
    def immutable(self) -> bool:
        return self.prefer.get("idtype", "").lower() == "immutableid"

    def option(self, name: str) -> str:
        """`$select` and its like."""
        return self.call.first(f"${name}")

    def number(self, name: str, default: int, most: int = LARGEST_PAGE) -> int:
        value = self.option(name) or str(default)
        if not value.isdecimal() or int(value) > most:
            raise problems.bad_request(f"Invalid value for ${name}: {value}.")
        return int(value)

    def page_size(self, default: int = 10) -> int:
        """`$top`, or what `Prefer: odata.maxpagesize` says."""
        preferred = self.prefer.get("odata.maxpagesize", "")
        return self.number("top", int(preferred) if preferred.isdecimal() else default) or default

    def json(self) -> dict[str, Any]:
        """:raises Problem: not a JSON object"""
        try:
            value = orjson.loads(self.call.body or b"{}")
        except orjson.JSONDecodeError as error:
            raise problems.bad_request(
                "Unable to read JSON request payload. Please ensure Content-Type header is set and "
                "payload is of valid JSON format."
            ) from error
        if not isinstance(value, dict):
            raise problems.bad_request("Expected an object.")
        return value

    def parameters(self) -> dict[str, Any]:
        """Of an action: the documentation writes them `comment`, the metadata `Comment`."""
        return {name[:1].lower() + name[1:]: value for name, value in self.json().items()}

    def entry(self, name: str = "message") -> Entry:
        number = self.outlook.number(self.path[name])
        if number is None:
            raise problems.invalid_id()
        found = self.outlook.box.entries.get(number)
        if found is None:
            raise problems.not_found()
        return found

    def folder(self, name: str = "folder") -> Folder:
        found = self.outlook.folder(self.path[name])
        if found is None:
            raise problems.not_found()
        return found

    @property
    def url(self) -> str:
        """Return the address that links lead to: by default the one that the client called."""
        host = self.call.headers.get("host")
        called = f"http://{host}" if host else self.world.url
        return f"{self.world.graph or called}{self.call.path}"

    def context(self, what: str) -> dict[str, str]:
        return {
            "@odata.context": f"{self.world.url}/v1.0/$metadata#users('{self.account.oid}')/{what}"
        }
