"""Who has an account at Microsoft: people of companies (tenants), and private ones."""

import hashlib
import uuid
from dataclasses import dataclass, field

from integrations.sandbox.microsoft.mail.outlook import Outlook
from integrations.sandbox.people import People, Person

# All private accounts live in this one: learn.microsoft.com/entra/identity-platform/id-token-claims
PERSONAL = "9188040d-6c67-4c5b-b112-36a304b66dad"
PERSONAL_DOMAINS = frozenset({"outlook.com", "hotmail.com", "live.com", "msn.com"})


@dataclass
class Tenant:
    """
    A company. `consent` is who may agree to an app that reads mail or calendars: "user", or "admin"
    (Microsoft's own default since 2025); `workflow` lets people ask their administrator for it.
    """

    tid: str
    domain: str
    consent: str = "user"
    workflow: bool = False
    # What administrators agreed to for everybody, by client id; "*" of a client is not a thing.
    admin_consents: dict[str, frozenset[str]] = field(default_factory=dict)
    # Clients that only assigned people may use (AADSTS50105 for everybody else).
    assigned_only: dict[str, frozenset[str]] = field(default_factory=dict)
    # Requests of people to their administrator: (client id, oid).
    requests: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Account(Person):
    """`sub` is the `oid`; `zone` is what Windows calls the person's time zone."""

    tid: str = ""
    is_admin: bool = False
    is_disabled: bool = False
    zone: str = "W. Europe Standard Time"
    outlook: Outlook | None = None

    @property
    def oid(self) -> str:
        return self.sub

    @property
    def is_personal(self) -> bool:
        return self.tid == PERSONAL


def oid_of(email: str) -> str:
    """The same in every run; private accounts have 16 digits behind zeros."""
    return str(uuid.UUID(bytes=hashlib.sha256(f"oid {email.lower()}".encode()).digest()[:16]))


def personal_oid_of(email: str) -> str:
    digest = hashlib.sha256(f"cid {email.lower()}".encode()).hexdigest()
    return f"00000000-0000-0000-{digest[:4]}-{digest[4:16]}"


def tid_of(domain: str) -> str:
    return str(uuid.UUID(bytes=hashlib.sha256(f"tid {domain.lower()}".encode()).digest()[:16]))


class Directory(People[Account]):
    """Everybody, by e-mail and by oid, and the tenants, by id and by domain."""

    def __init__(self) -> None:
        super().__init__()
        self.tenants: dict[str, Tenant] = {}

    def tenant(self, name: str) -> Tenant | None:
        found = self.tenants.get(name.lower())
        named = (one for one in self.tenants.values() if one.domain == name.lower())
        return found or next(named, None)

    def open(self, tid: str, domain: str) -> Tenant:
        return self.tenants.setdefault(tid, Tenant(tid, domain.lower()))

    def welcome(self, path: str) -> list[Account]:
        """Who may sign in at this path: common, organizations, consumers, or a tenant."""
        tenant = self.tenant(path)
        return [
            one
            for one in self.all()
            if path == "common"
            or (path == "organizations" and not one.is_personal)
            or (path == "consumers" and one.is_personal)
            or (tenant is not None and one.tid == tenant.tid)
        ]
