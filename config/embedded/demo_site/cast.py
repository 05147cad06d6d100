"""The demo's people with their secrets, from the file that only the demo writes."""

from __future__ import annotations

import base64
import hmac
import json
import struct
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from accounts.roles import STAFF, Role
from config.embedded.demo_site import messages
from config.embedded.demo_site.folder import get_demo_folder

_STEP: Final = 30  # seconds that a code of an authenticator app is current (RFC 6238)


@dataclass(frozen=True, slots=True)
class CastMember:
    """
    One person of the demo.

    :ivar key: name in addresses and forms, such as `alice`
    :ivar totp_secret: base32; None without a second factor
    """

    key: str
    person_id: UUID
    organisation_id: UUID
    email: str
    name: str
    role: str
    password: str = field(repr=False)
    totp_secret: str | None = field(default=None, repr=False)

    @property
    def is_staff(self) -> bool:
        return self.role in STAFF

    @property
    def first_name(self) -> str:
        return self.name.partition(" ")[0]

    @property
    def role_label(self) -> str:
        return str(messages.ROLES.get(self.role, ""))

    @property
    def description(self) -> str:
        return str(messages.PEOPLE.get(self.key, ""))

    def make_code(self, at: float, *, steps_ahead: int = 0) -> str:
        """
        Return six digits, or an empty text without a second factor.

        :param at: Unix time
        """
        if self.totp_secret is None:
            return ""
        counter = int(at) // _STEP + steps_ahead
        key = base64.b32decode(self.totp_secret)
        digest = hmac.digest(key, struct.pack(">Q", counter), "sha1")
        start = digest[-1] & 15
        return f"{(int.from_bytes(digest[start : start + 4]) & 0x7FFFFFFF) % 1_000_000:06d}"


def count_seconds_left(at: float) -> int:
    """Return how long the codes of Unix time `at` stay current."""
    return _STEP - int(at) % _STEP


def list_cast() -> list[CastMember]:
    """Return nobody while the first start is still writing the file."""
    path = get_demo_folder() / "people.json"
    if not path.exists():
        return []
    people = json.loads(path.read_text(encoding="utf-8"))["people"]
    return [
        CastMember(
            key=str(person["email"]).partition("@")[0],
            person_id=UUID(person["id"]),
            organisation_id=UUID(person["organisation_id"]),
            email=person["email"],
            name=person["name"],
            role=person.get("role", Role.MEMBER),
            password=person["password"],
            totp_secret=person["totp_secret"],
        )
        for person in people
    ]


def find_member(key: str) -> CastMember | None:
    return next((member for member in list_cast() if member.key == key), None)
