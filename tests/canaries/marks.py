"""
The canaries of one run: one mark per origin, and under it a word for the field.

`cnry4f…a1-subject` stands in one field of one account's mail. The search looks for the mark, which
all canaries of that origin begin with, so that a new field is found without being told.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

ALICE, BOB, MALLORY = "alice", "bob", "mallory"
# Who delivers: three mailboxes, and whoever types something into the service.
ORIGINS = (ALICE, BOB, MALLORY)


@dataclass(frozen=True, slots=True)
class Marks:
    run: str = field(default_factory=lambda: secrets.token_hex(6))

    def of(self, origin: str) -> str:
        """Return the mark of an origin: letters and digits, small, safe in any header."""
        return f"cnry{self.run}{origin}"

    @property
    def typed(self) -> str:
        return self.of("typed")

    def all(self) -> dict[str, str]:
        mail = {f"mail of {name}": self.of(name) for name in ORIGINS}
        return {**mail, "typed": self.typed}

    def account(self, origin: str) -> str:
        """Return the address of that person's mailbox at the provider."""
        return f"{self.of(origin)}-email@{self.of(origin)}-domain.example"
