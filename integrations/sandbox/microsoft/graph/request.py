"""An authorized Graph call and its parameters."""

from dataclasses import dataclass
from typing import Any

import orjson

from integrations.sandbox.http_messages import HttpCall
from integrations.sandbox.mail.entry import MailboxEntry
from integrations.sandbox.microsoft.accounts import MicrosoftAccount
from integrations.sandbox.microsoft.grants import EntraAccessToken
from integrations.sandbox.microsoft.graph import problems
from integrations.sandbox.microsoft.mail.outlook_mailbox import OutlookFolder, OutlookMailbox
from integrations.sandbox.state import SandboxState

LARGEST_PAGE = 1000


@dataclass(frozen=True)
class GraphRequest:
    """`path` holds placeholders; `prefer` has lower-case names."""

    state: SandboxState
    call: HttpCall
    account: MicrosoftAccount
    access: EntraAccessToken
    path: dict[str, str]
    prefer: dict[str, str]

    @property
    def outlook(self) -> OutlookMailbox:
        if self.account.outlook is None:
            raise problems.no_mailbox()
        return self.account.outlook

    @property
    def wants_immutable_ids(self) -> bool:
        return self.prefer.get("idtype", "").lower() == "immutableid"

    def get_option(self, name: str) -> str:
        """Return an option such as `$select`."""
        return self.call.get_param(f"${name}")

    def get_number(self, name: str, default: int, largest: int = LARGEST_PAGE) -> int:
        value = self.get_option(name) or str(default)
        if not value.isdecimal() or int(value) > largest:
            raise problems.bad_request(f"Invalid value for ${name}: {value}.")
        return int(value)

    def get_page_size(self, default: int = 10) -> int:
        """`$top`, or `Prefer: odata.maxpagesize`."""
        preferred = self.prefer.get("odata.maxpagesize", "")
        return (
            self.get_number("top", int(preferred) if preferred.isdecimal() else default) or default
        )

    def read_json(self) -> dict[str, Any]:
        """:raises HttpProblem: not a JSON object"""
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

    def read_parameters(self) -> dict[str, Any]:
        """The documentation writes `comment`, the metadata `Comment`."""
        return {name[:1].lower() + name[1:]: value for name, value in self.read_json().items()}

    def find_entry(self, name: str = "message") -> MailboxEntry:
        number = self.outlook.parse_id(self.path[name])
        if number is None:
            raise problems.invalid_id()
        entry = self.outlook.store.entries.get(number)
        if entry is None:
            raise problems.not_found()
        return entry

    def find_folder(self, name: str = "folder") -> OutlookFolder:
        folder = self.outlook.find_folder(self.path[name])
        if folder is None:
            raise problems.not_found()
        return folder

    @property
    def root_url(self) -> str:
        """By default the address that the client called."""
        host = self.call.headers.get("host")
        called_url = f"http://{host}" if host else self.state.url
        return self.state.graph or called_url

    @property
    def url(self) -> str:
        return f"{self.root_url}{self.call.path}"

    def make_context(self, resource: str) -> dict[str, str]:
        user = f"users('{self.account.oid}')"
        return {"@odata.context": f"{self.state.url}/v1.0/$metadata#{user}/{resource}"}
