"""Google accounts and registered OAuth clients."""

import hashlib
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from integrations.sandbox.calendars.store import AccountCalendars
from integrations.sandbox.google.drive.store import AccountDrive
from integrations.sandbox.mail.mailbox import SandboxMailbox


@dataclass
class SandboxAccount:
    """
    Without Gmail `mailbox` is None, without Calendar `calendars`, without Drive `drive`; `claims`
    go into tokens.

    :param send_as: Gmail's resources; empty: only the account's own address
    """

    email: str
    sub: str
    name: str
    mailbox: SandboxMailbox | None = None
    calendars: AccountCalendars | None = None
    drive: AccountDrive | None = None
    hosted_domain: str = ""
    claims: dict[str, str] = field(default_factory=dict)
    send_as: list[dict[str, Any]] = field(default_factory=list)

    @staticmethod
    def make_sub(email: str) -> str:
        """Return 21 digits as at Google, the same in every run."""
        digest = hashlib.sha256(email.lower().encode()).digest()
        return "1" + f"{int.from_bytes(digest[:10], 'big'):020d}"[-20:]


@dataclass
class OAuthClient:
    client_id: str
    secret: str
    redirect_uris: list[str] = field(default_factory=list)
    project: str = "sandbox-project"
    name: str = "Antares"
    deleted: bool = False
    # Microsoft only: its single tenant ("" is all), and an expired secret.
    tenant: str = ""
    secret_expired: bool = False


AccountType = TypeVar("AccountType", bound=SandboxAccount)


class AccountDirectory(Generic[AccountType]):
    def __init__(self) -> None:
        self._by_email: dict[str, AccountType] = {}
        self._by_sub: dict[str, AccountType] = {}

    def add(self, account: AccountType) -> None:
        self._by_email[account.email.lower()] = account
        self._by_sub[account.sub] = account

    def find(self, email_or_sub: str) -> AccountType | None:
        return self._by_email.get(email_or_sub.lower()) or self._by_sub.get(email_or_sub)

    def list_all(self) -> list[AccountType]:
        return list(self._by_email.values())
