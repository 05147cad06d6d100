"""What each person granted each project, and the codes and tokens that live on it."""

import base64
import hashlib
import secrets
from dataclasses import dataclass, field

from integrations.sandbox.clock import Clock
from integrations.sandbox.dials import Dials
from integrations.sandbox.google import scopes as scope_names

TESTING_SECONDS = 7 * 86_400
DAY = 86_400


@dataclass
class Refresh:
    token: str
    client_id: str
    scopes: tuple[str, ...]
    used_at: float
    ends_at: float = 0.0


@dataclass
class Access:
    token: str
    client_id: str
    scopes: tuple[str, ...]
    expires_at: float
    grant: "Grant"
    refresh: str = ""


@dataclass
class Grant:
    """One project's access to one person. Dies as a whole, at `dies_at` if that is set."""

    project: str
    sub: str
    scopes: set[str] = field(default_factory=set)
    offline: bool = False
    refreshes: dict[str, Refresh] = field(default_factory=dict)
    accesses: dict[str, Access] = field(default_factory=dict)
    dies_at: float = 0.0


@dataclass
class Code:
    code: str
    client_id: str
    project: str
    redirect_uri: str
    sub: str
    scopes: tuple[str, ...]
    nonce: str
    challenge: str
    challenge_method: str
    offline: bool
    consented: bool
    expires_at: float
    used: bool = False

    def verified_by(self, verifier: str) -> bool:
        if self.challenge_method == "S256":
            digest = hashlib.sha256(verifier.encode()).digest()
            verifier = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        return secrets.compare_digest(verifier, self.challenge)


class Grants:
    def __init__(self, clock: Clock, dials: Dials) -> None:
        self._clock, self._dials = clock, dials
        self._grants: dict[tuple[str, str], Grant] = {}
        self._accesses: dict[str, Access] = {}
        self._refreshes: dict[str, tuple[Grant, Refresh]] = {}
        self.codes: dict[str, Code] = {}

    def get(self, project: str, sub: str) -> Grant | None:
        grant = self._grants.get((project, sub))
        if grant and grant.dies_at and grant.dies_at <= self._clock.now():
            self.kill(grant)
            return None
        return grant

    def of_person(self, sub: str) -> list[Grant]:
        return [grant for grant in list(self._grants.values()) if grant.sub == sub]

    def open(self, project: str, sub: str, scopes: tuple[str, ...]) -> Grant:
        """The person's grant, widened by these scopes. A dying one still dies: reconnects race."""
        grant = self.get(project, sub)
        if grant is None:
            grant = self._grants[project, sub] = Grant(project, sub)
        grant.scopes |= set(scopes)
        return grant

    def new_refresh(self, grant: Grant, client_id: str, scopes: tuple[str, ...]) -> Refresh:
        now, dials = self._clock.now(), self._dials
        limited = [float(dials.grant_seconds)] if dials.grant_seconds else []
        if dials.testing_project and not set(scopes) <= scope_names.SIGN_IN:
            limited.append(TESTING_SECONDS)
        refresh = Refresh(
            token=f"1//0{secrets.token_urlsafe(75)}",
            client_id=client_id,
            scopes=scopes,
            used_at=now,
            ends_at=now + min(limited) if limited else 0.0,
        )
        grant.offline = True
        grant.refreshes[refresh.token] = refresh
        self._refreshes[refresh.token] = (grant, refresh)
        mine = [r for r in grant.refreshes.values() if r.client_id == client_id]
        for oldest in mine[: max(0, len(mine) - dials.refresh_tokens_per_client)]:
            self.drop_refresh(oldest.token)
        return refresh

    def new_access(
        self, grant: Grant, client_id: str, scopes: tuple[str, ...], refresh: str = ""
    ) -> Access:
        access = Access(
            token=f"ya29.a0{secrets.token_urlsafe(120)}",
            client_id=client_id,
            scopes=scopes,
            expires_at=self._clock.now() + self._dials.access_token_seconds,
            grant=grant,
            refresh=refresh,
        )
        grant.accesses[access.token] = access
        self._accesses[access.token] = access
        return access

    def access(self, token: str) -> Access | None:
        access = self._accesses.get(token)
        if access is None or access.expires_at <= self._clock.now():
            return None
        return access if self.get(access.grant.project, access.grant.sub) is access.grant else None

    def refresh(self, token: str) -> tuple[Grant, Refresh] | None:
        """The living refresh token; using it is the caller's to note."""
        found = self._refreshes.get(token)
        if found is None:
            return None
        grant, refresh = found
        now = self._clock.now()
        idle = now - refresh.used_at > self._dials.refresh_idle_days * DAY
        ended = bool(refresh.ends_at) and refresh.ends_at <= now
        if idle or ended or self.get(grant.project, grant.sub) is not grant:
            self.drop_refresh(token)
            return None
        return found

    def find(self, token: str) -> Grant | None:
        """The grant behind either kind of token, if that token still lives."""
        if found := self.refresh(token):
            return found[0]
        access = self.access(token)
        return access.grant if access else None

    def drop_refresh(self, token: str) -> bool:
        """Kill one refresh token, with the access tokens that came of it."""
        found = self._refreshes.pop(token, None)
        if found is None:
            return False
        grant = found[0]
        grant.refreshes.pop(token, None)
        for access in [a for a in grant.accesses.values() if a.refresh == token]:
            self.drop_access(access.token)
        return True

    def drop_access(self, token: str) -> bool:
        access = self._accesses.pop(token, None)
        if access is None:
            return False
        access.grant.accesses.pop(token, None)
        return True

    def revoke(self, grant: Grant) -> None:
        """Project-wide, for this person; after the lag that the dial asks for."""
        lag = self._dials.revocation_lag_seconds
        if lag:
            grant.dies_at = grant.dies_at or self._clock.now() + lag
        else:
            self.kill(grant)

    def kill(self, grant: Grant) -> None:
        for token in list(grant.refreshes):
            self._refreshes.pop(token, None)
        for token in list(grant.accesses):
            self._accesses.pop(token, None)
        for code in self.codes.values():
            if (code.project, code.sub) == (grant.project, grant.sub):
                code.used = True
        grant.refreshes.clear()
        grant.accesses.clear()
        if self._grants.get((grant.project, grant.sub)) is grant:
            del self._grants[grant.project, grant.sub]

    def password_changed(self, sub: str) -> int:
        """Refresh tokens with Gmail scopes die, and their access tokens. How many died."""
        doomed = [
            refresh.token
            for grant in self.of_person(sub)
            for refresh in grant.refreshes.values()
            if any(scope_names.is_gmail(scope) for scope in refresh.scopes)
        ]
        for token in doomed:
            self.drop_refresh(token)
        return len(doomed)
