"""The accounts that exist, and the OAuth clients that were registered."""

import hashlib
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from integrations.sandbox.calendars.store import CalendarList
from integrations.sandbox.mail.mailbox import Mailbox


@dataclass
class Person:
    """Without Gmail `mailbox` is None, without Calendar `calendars`; `claims` are more to say."""

    email: str
    sub: str
    name: str
    mailbox: Mailbox | None = None
    calendars: CalendarList | None = None
    hosted_domain: str = ""
    claims: dict[str, str] = field(default_factory=dict)

    @staticmethod
    def sub_of(email: str) -> str:
        """21 digits, as Google's are, and the same in every run."""
        digest = hashlib.sha256(email.lower().encode()).digest()
        return "1" + f"{int.from_bytes(digest[:10], 'big'):020d}"[-20:]


@dataclass
class Client:
    client_id: str
    secret: str
    redirect_uris: list[str] = field(default_factory=list)
    project: str = "sandbox-project"
    name: str = "Antares"
    deleted: bool = False
    # Microsoft's: the one tenant it is registered for ("" is all), and that its secret is over.
    tenant: str = ""
    secret_expired: bool = False


P = TypeVar("P", bound=Person)


class People(Generic[P]):
    def __init__(self) -> None:
        self._by_email: dict[str, P] = {}
        self._by_sub: dict[str, P] = {}

    def add(self, person: P) -> None:
        self._by_email[person.email.lower()] = person
        self._by_sub[person.sub] = person

    def find(self, email_or_sub: str) -> P | None:
        return self._by_email.get(email_or_sub.lower()) or self._by_sub.get(email_or_sub)

    def all(self) -> list[P]:
        return list(self._by_email.values())
