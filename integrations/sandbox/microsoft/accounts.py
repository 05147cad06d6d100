"""Microsoft's accounts: work accounts in tenants, and personal accounts."""

import hashlib
import uuid
from dataclasses import dataclass, field

from integrations.sandbox.accounts import AccountDirectory, SandboxAccount
from integrations.sandbox.microsoft.mail.outlook_mailbox import OutlookMailbox

# The tenant of all personal accounts: learn.microsoft.com/entra/identity-platform/id-token-claims
PERSONAL_TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"
PERSONAL_DOMAINS = frozenset({"outlook.com", "hotmail.com", "live.com", "msn.com"})


@dataclass
class EntraTenant:
    """
    `consent`: who may consent to reading mail or calendars, "user" or "admin" (Microsoft's default
    since 2025). `workflow`: users can request it.
    """

    tid: str
    domain: str
    consent: str = "user"
    workflow: bool = False
    # For the whole tenant, by client id.
    admin_consents: dict[str, frozenset[str]] = field(default_factory=dict)
    # Clients for assigned accounts only (AADSTS50105).
    assigned_only: dict[str, frozenset[str]] = field(default_factory=dict)
    # (client id, oid)
    requests: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class MicrosoftAccount(SandboxAccount):
    """`sub` is the `oid`; `zone` is a Windows name."""

    tid: str = ""
    is_admin: bool = False
    is_disabled: bool = False
    zone: str = "W. Europe Standard Time"
    outlook: OutlookMailbox | None = None

    @property
    def oid(self) -> str:
        return self.sub

    @property
    def is_personal(self) -> bool:
        return self.tid == PERSONAL_TENANT


def make_oid(email: str) -> str:
    """The same in every run."""
    return str(uuid.UUID(bytes=hashlib.sha256(f"oid {email.lower()}".encode()).digest()[:16]))


def make_personal_oid(email: str) -> str:
    digest = hashlib.sha256(f"cid {email.lower()}".encode()).hexdigest()
    return f"00000000-0000-0000-{digest[:4]}-{digest[4:16]}"


def make_tid(domain: str) -> str:
    return str(uuid.UUID(bytes=hashlib.sha256(f"tid {domain.lower()}".encode()).digest()[:16]))


class MicrosoftDirectory(AccountDirectory[MicrosoftAccount]):
    def __init__(self) -> None:
        super().__init__()
        self.tenants: dict[str, EntraTenant] = {}

    def find_tenant(self, name: str) -> EntraTenant | None:
        tenant = self.tenants.get(name.lower())
        named_tenants = (other for other in self.tenants.values() if other.domain == name.lower())
        return tenant or next(named_tenants, None)

    def add_tenant(self, tid: str, domain: str) -> EntraTenant:
        return self.tenants.setdefault(tid, EntraTenant(tid, domain.lower()))

    def list_allowed(self, path: str) -> list[MicrosoftAccount]:
        """`path` is common, organizations, consumers, or a tenant."""
        tenant = self.find_tenant(path)
        return [
            account
            for account in self.list_all()
            if path == "common"
            or (path == "organizations" and not account.is_personal)
            or (path == "consumers" and account.is_personal)
            or (tenant is not None and account.tid == tenant.tid)
        ]
