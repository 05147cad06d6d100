"""Google's grants, codes and tokens."""

import base64
import hashlib
import secrets
from dataclasses import dataclass, field

from integrations.sandbox.clock import SandboxClock
from integrations.sandbox.google import scopes as scope_names
from integrations.sandbox.knobs import Knobs

TESTING_SECONDS = 7 * 86_400
DAY = 86_400


@dataclass
class GoogleRefreshToken:
    token: str
    client_id: str
    scopes: tuple[str, ...]
    used_at: float
    expires_at: float = 0.0


@dataclass
class GoogleAccessToken:
    token: str
    client_id: str
    scopes: tuple[str, ...]
    expires_at: float
    grant: "GoogleGrant"
    refresh_token: str = ""


@dataclass
class GoogleGrant:
    """Ends as a whole, at `ends_at` if set."""

    project: str
    sub: str
    scopes: set[str] = field(default_factory=set)
    offline: bool = False
    refresh_tokens: dict[str, GoogleRefreshToken] = field(default_factory=dict)
    access_tokens: dict[str, GoogleAccessToken] = field(default_factory=dict)
    ends_at: float = 0.0


@dataclass
class GoogleCode:
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

    def matches_verifier(self, verifier: str) -> bool:
        if self.challenge_method == "S256":
            digest = hashlib.sha256(verifier.encode()).digest()
            verifier = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        return secrets.compare_digest(verifier, self.challenge)


class GoogleGrantStore:
    def __init__(self, clock: SandboxClock, knobs: Knobs) -> None:
        self._clock, self._knobs = clock, knobs
        self._grants: dict[tuple[str, str], GoogleGrant] = {}
        self._access_tokens: dict[str, GoogleAccessToken] = {}
        self._refresh_tokens: dict[str, tuple[GoogleGrant, GoogleRefreshToken]] = {}
        self.codes: dict[str, GoogleCode] = {}

    def get_grant(self, project: str, sub: str) -> GoogleGrant | None:
        grant = self._grants.get((project, sub))
        if grant and grant.ends_at and grant.ends_at <= self._clock.now():
            self.end_grant(grant)
            return None
        return grant

    def list_grants(self, sub: str) -> list[GoogleGrant]:
        return [grant for grant in list(self._grants.values()) if grant.sub == sub]

    def extend_grant(self, project: str, sub: str, scopes: tuple[str, ...]) -> GoogleGrant:
        """Add scopes to the account's grant. An ending grant still ends, as in a real race."""
        grant = self.get_grant(project, sub)
        if grant is None:
            grant = self._grants[project, sub] = GoogleGrant(project, sub)
        grant.scopes |= set(scopes)
        return grant

    def issue_refresh_token(
        self, grant: GoogleGrant, client_id: str, scopes: tuple[str, ...]
    ) -> GoogleRefreshToken:
        now, knobs = self._clock.now(), self._knobs
        lifetimes = [float(knobs.grant_seconds)] if knobs.grant_seconds else []
        if knobs.testing_project and not set(scopes) <= scope_names.SIGN_IN:
            lifetimes.append(TESTING_SECONDS)
        refresh = GoogleRefreshToken(
            token=f"1//0{secrets.token_urlsafe(75)}",
            client_id=client_id,
            scopes=scopes,
            used_at=now,
            expires_at=now + min(lifetimes) if lifetimes else 0.0,
        )
        grant.offline = True
        grant.refresh_tokens[refresh.token] = refresh
        self._refresh_tokens[refresh.token] = (grant, refresh)
        client_tokens = [
            refresh for refresh in grant.refresh_tokens.values() if refresh.client_id == client_id
        ]
        for oldest in client_tokens[: max(0, len(client_tokens) - knobs.refresh_tokens_per_client)]:
            self.drop_refresh_token(oldest.token)
        return refresh

    def issue_access_token(
        self, grant: GoogleGrant, client_id: str, scopes: tuple[str, ...], refresh: str = ""
    ) -> GoogleAccessToken:
        access = GoogleAccessToken(
            token=f"ya29.a0{secrets.token_urlsafe(120)}",
            client_id=client_id,
            scopes=scopes,
            expires_at=self._clock.now() + self._knobs.access_token_seconds,
            grant=grant,
            refresh_token=refresh,
        )
        grant.access_tokens[access.token] = access
        self._access_tokens[access.token] = access
        return access

    def find_access_token(self, token: str) -> GoogleAccessToken | None:
        access = self._access_tokens.get(token)
        if access is None or access.expires_at <= self._clock.now():
            return None
        return (
            access
            if self.get_grant(access.grant.project, access.grant.sub) is access.grant
            else None
        )

    def find_refresh_token(self, token: str) -> tuple[GoogleGrant, GoogleRefreshToken] | None:
        """The caller records its use."""
        match = self._refresh_tokens.get(token)
        if match is None:
            return None
        grant, refresh = match
        now = self._clock.now()
        is_idle = now - refresh.used_at > self._knobs.refresh_idle_days * DAY
        is_ended = bool(refresh.expires_at) and refresh.expires_at <= now
        if is_idle or is_ended or self.get_grant(grant.project, grant.sub) is not grant:
            self.drop_refresh_token(token)
            return None
        return match

    def find_grant(self, token: str) -> GoogleGrant | None:
        if match := self.find_refresh_token(token):
            return match[0]
        access = self.find_access_token(token)
        return access.grant if access else None

    def drop_refresh_token(self, token: str) -> bool:
        """With the access tokens issued from it."""
        match = self._refresh_tokens.pop(token, None)
        if match is None:
            return False
        grant = match[0]
        grant.refresh_tokens.pop(token, None)
        for access in [a for a in grant.access_tokens.values() if a.refresh_token == token]:
            self.drop_access_token(access.token)
        return True

    def drop_access_token(self, token: str) -> bool:
        access = self._access_tokens.pop(token, None)
        if access is None:
            return False
        access.grant.access_tokens.pop(token, None)
        return True

    def revoke_grant(self, grant: GoogleGrant) -> None:
        """For the whole project, after the lag of the knob."""
        lag = self._knobs.revocation_lag_seconds
        if lag:
            grant.ends_at = grant.ends_at or self._clock.now() + lag
        else:
            self.end_grant(grant)

    def end_grant(self, grant: GoogleGrant) -> None:
        for token in list(grant.refresh_tokens):
            self._refresh_tokens.pop(token, None)
        for token in list(grant.access_tokens):
            self._access_tokens.pop(token, None)
        for code in self.codes.values():
            if (code.project, code.sub) == (grant.project, grant.sub):
                code.used = True
        grant.refresh_tokens.clear()
        grant.access_tokens.clear()
        if self._grants.get((grant.project, grant.sub)) is grant:
            del self._grants[grant.project, grant.sub]

    def end_gmail_tokens(self, sub: str) -> int:
        """Return how many refresh tokens ended."""
        tokens = [
            refresh.token
            for grant in self.list_grants(sub)
            for refresh in grant.refresh_tokens.values()
            if any(scope_names.is_gmail_scope(scope) for scope in refresh.scopes)
        ]
        for token in tokens:
            self.drop_refresh_token(token)
        return len(tokens)
