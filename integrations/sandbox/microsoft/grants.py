"""What each account agreed to for each client, and the codes and tokens that live on it."""

import base64
import hashlib
import secrets
from dataclasses import dataclass, field

from integrations.sandbox.clock import Clock
from integrations.sandbox.dials import Dials
from integrations.sandbox.microsoft.accounts import Account
from integrations.sandbox.microsoft.scopes import bares

DAY = 86_400
CAE_SECONDS = 28 * 3_600


@dataclass
class Code:
    """Good once, for ten minutes, at the path of the tenant it was asked at."""

    code: str
    client_id: str
    path: str
    redirect_uri: str
    oid: str
    scopes: tuple[str, ...]
    nonce: str
    challenge: str
    expires_at: float
    used: bool = False

    def verified_by(self, verifier: str) -> bool:
        digest = hashlib.sha256(verifier.encode()).digest()
        shown = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        return secrets.compare_digest(shown, self.challenge)


@dataclass
class Refresh:
    """`dead` is the AADSTS number that it is refused with; 0 while it lives."""

    token: str
    client_id: str
    oid: str
    used_at: float
    dead: int = 0


@dataclass
class Access:
    """`aware` was asked for with cp1: it lives for long, and can be challenged."""

    token: str
    client_id: str
    oid: str
    scopes: tuple[str, ...]
    expires_at: float
    aware: bool = False
    is_challenged: bool = False

    @property
    def bare(self) -> frozenset[str]:
        return bares(self.scopes)


@dataclass
class Grants:
    clock: Clock
    dials: Dials
    codes: dict[str, Code] = field(default_factory=dict)
    refreshes: dict[str, Refresh] = field(default_factory=dict)
    accesses: dict[str, Access] = field(default_factory=dict)
    # What people agreed to themselves: (client id, oid) → scopes.
    consents: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    # Accounts whose refreshes need these claims first (AADSTS50076): oid → claims.
    demanded: dict[str, str] = field(default_factory=dict)

    def agree(self, client_id: str, oid: str, scopes: tuple[str, ...]) -> None:
        self.consents.setdefault((client_id, oid), set()).update(bares(scopes))

    def agreed(self, client_id: str, oid: str) -> set[str]:
        return self.consents.get((client_id, oid), set())

    def new_refresh(self, client_id: str, account: Account) -> Refresh:
        start = "M.C5" if account.is_personal else "1.AX"
        made = Refresh(
            f"{start}{secrets.token_urlsafe(160)}", client_id, account.oid, self.clock.now()
        )
        self.refreshes[made.token] = made
        return made

    def new_access(
        self, client_id: str, oid: str, scopes: tuple[str, ...], *, aware: bool
    ) -> Access:
        lives = CAE_SECONDS if aware else self.dials.graph_access_seconds
        made = Access(
            token=f"EwB{secrets.token_urlsafe(300)}",
            client_id=client_id,
            oid=oid,
            scopes=scopes,
            expires_at=self.clock.now() + lives,
            aware=aware,
        )
        self.accesses[made.token] = made
        return made

    def access(self, token: str) -> Access | None:
        found = self.accesses.get(token)
        return found if found and found.expires_at > self.clock.now() else None

    def why_not(self, refresh: Refresh) -> int:
        """0, or the AADSTS number that this refresh token is refused with."""
        if refresh.dead:
            return refresh.dead
        idle = self.clock.now() - refresh.used_at
        return 700082 if idle > self.dials.graph_refresh_idle_days * DAY else 0

    def of(self, oid: str) -> list[Refresh]:
        return [one for one in self.refreshes.values() if one.oid == oid]

    def kill(self, oid: str, number: int) -> int:
        """Refresh tokens die with this number; access tokens live on. How many died."""
        alive = [one for one in self.of(oid) if not one.dead]
        for one in alive:
            one.dead = number
        return len(alive)

    def forget_consent(self, oid: str) -> int:
        """The person takes the consent back: noticed at the next refresh only (AADSTS65001)."""
        keys = [key for key in self.consents if key[1] == oid]
        for key in keys:
            del self.consents[key]
        self.kill(oid, 65001)
        return len(keys)

    def expire_access(self, oid: str) -> int:
        mine = [token for token, one in self.accesses.items() if one.oid == oid]
        for token in mine:
            del self.accesses[token]
        return len(mine)

    def meet(self, oid: str, claims: str) -> None:
        """The person did what these claims name: refreshes need it no more."""
        if claims and claims == self.demanded.get(oid):
            del self.demanded[oid]

    def challenge(self, oid: str) -> int:
        """Continuous access evaluation: tokens that can be challenged are, from here on."""
        mine = [one for one in self.accesses.values() if one.oid == oid and one.aware]
        for one in mine:
            one.is_challenged = True
        return len(mine)
