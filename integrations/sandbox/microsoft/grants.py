"""Entra's consents, codes and tokens."""

import base64
import hashlib
import secrets
from dataclasses import dataclass, field

from integrations.sandbox.clock import SandboxClock
from integrations.sandbox.knobs import Knobs
from integrations.sandbox.microsoft.accounts import MicrosoftAccount
from integrations.sandbox.microsoft.scopes import to_bare_scopes

DAY = 86_400
CAE_SECONDS = 28 * 3_600


@dataclass
class EntraCode:
    """Valid once, on the tenant path of its request."""

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

    def matches_verifier(self, verifier: str) -> bool:
        digest = hashlib.sha256(verifier.encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        return secrets.compare_digest(challenge, self.challenge)


@dataclass
class EntraRefreshToken:
    """`error_number`: the AADSTS number that refuses it, or 0."""

    token: str
    client_id: str
    oid: str
    used_at: float
    error_number: int = 0


@dataclass
class EntraAccessToken:
    """`can_be_challenged`: requested with cp1, lives long."""

    token: str
    client_id: str
    oid: str
    scopes: tuple[str, ...]
    expires_at: float
    can_be_challenged: bool = False
    is_challenged: bool = False

    @property
    def bare_scopes(self) -> frozenset[str]:
        return to_bare_scopes(self.scopes)


@dataclass
class EntraGrantStore:
    clock: SandboxClock
    knobs: Knobs
    codes: dict[str, EntraCode] = field(default_factory=dict)
    refresh_tokens: dict[str, EntraRefreshToken] = field(default_factory=dict)
    access_tokens: dict[str, EntraAccessToken] = field(default_factory=dict)
    # (client id, oid) → scopes.
    consents: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    # AADSTS50076 until these are met: oid → claims.
    required_claims: dict[str, str] = field(default_factory=dict)

    def add_consent(self, client_id: str, oid: str, scopes: tuple[str, ...]) -> None:
        self.consents.setdefault((client_id, oid), set()).update(to_bare_scopes(scopes))

    def get_consent(self, client_id: str, oid: str) -> set[str]:
        return self.consents.get((client_id, oid), set())

    def issue_refresh_token(self, client_id: str, account: MicrosoftAccount) -> EntraRefreshToken:
        prefix = "M.C5" if account.is_personal else "1.AX"
        refresh = EntraRefreshToken(
            f"{prefix}{secrets.token_urlsafe(160)}", client_id, account.oid, self.clock.now()
        )
        self.refresh_tokens[refresh.token] = refresh
        return refresh

    def issue_access_token(
        self, client_id: str, oid: str, scopes: tuple[str, ...], *, can_be_challenged: bool
    ) -> EntraAccessToken:
        lifetime = CAE_SECONDS if can_be_challenged else self.knobs.graph_access_seconds
        access = EntraAccessToken(
            token=f"EwB{secrets.token_urlsafe(300)}",
            client_id=client_id,
            oid=oid,
            scopes=scopes,
            expires_at=self.clock.now() + lifetime,
            can_be_challenged=can_be_challenged,
        )
        self.access_tokens[access.token] = access
        return access

    def find_access_token(self, token: str) -> EntraAccessToken | None:
        access = self.access_tokens.get(token)
        return access if access and access.expires_at > self.clock.now() else None

    def get_refusal_number(self, refresh: EntraRefreshToken) -> int:
        """Return the AADSTS number, or 0 if the token is not refused."""
        if refresh.error_number:
            return refresh.error_number
        idle_seconds = self.clock.now() - refresh.used_at
        return 700082 if idle_seconds > self.knobs.graph_refresh_idle_days * DAY else 0

    def list_refresh_tokens(self, oid: str) -> list[EntraRefreshToken]:
        return [refresh for refresh in self.refresh_tokens.values() if refresh.oid == oid]

    def kill_refresh_tokens(self, oid: str, number: int) -> int:
        """Access tokens live on."""
        live_tokens = [
            refresh for refresh in self.list_refresh_tokens(oid) if not refresh.error_number
        ]
        for refresh in live_tokens:
            refresh.error_number = number
        return len(live_tokens)

    def forget_consent(self, oid: str) -> int:
        """Only the next refresh notices (AADSTS65001)."""
        keys = [key for key in self.consents if key[1] == oid]
        for key in keys:
            del self.consents[key]
        self.kill_refresh_tokens(oid, 65001)
        return len(keys)

    def expire_access_tokens(self, oid: str) -> int:
        tokens = [token for token, access in self.access_tokens.items() if access.oid == oid]
        for token in tokens:
            del self.access_tokens[token]
        return len(tokens)

    def meet_claims(self, oid: str, claims: str) -> None:
        if claims and claims == self.required_claims.get(oid):
            del self.required_claims[oid]

    def challenge_tokens(self, oid: str) -> int:
        """Continuous access evaluation."""
        access_tokens = [
            access
            for access in self.access_tokens.values()
            if access.oid == oid and access.can_be_challenged
        ]
        for access in access_tokens:
            access.is_challenged = True
        return len(access_tokens)
