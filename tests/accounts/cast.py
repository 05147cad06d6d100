"""Who acts in the tests of accounts, and how they sign in or ask for a token."""

from __future__ import annotations

import base64
import hmac
import secrets
import struct
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.test import Client
from django.utils import timezone
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from accounts import user_provisioning
from accounts.models import User
from accounts.roles import Role
from accounts.user_provisioning import NewPerson

AT = datetime(2026, 11, 25, 12, 0, 5, tzinfo=UTC)
PASSWORD = "correct-horse-battery"
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
EC = ECKey.generate_key("P-256", {"kid": "ec"})
# A test finds this line in no file of the repository.
PEM_HEAD = f"-----BEGIN {'PRIVATE'} KEY-----"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def person(name: str, role: Role = Role.MEMBER) -> User:
    return user_provisioning.register_user(
        NewPerson(f"platform-{name}", f"{name}@antares.example", name.title(), role),
        password=PASSWORD,
        at=AT - timedelta(days=30),
    )


def sign_in(user: User, *, strict: bool = False) -> Client:
    """Sign in by the page, with a password, and return the browser."""
    browser = Client(enforce_csrf_checks=strict)
    answer = browser.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    assert answer.status_code == 302, answer.content
    return browser


@dataclass
class Asking:
    """A request to the token endpoint as a well-behaved client makes it; tests bend one part."""

    delegation: Any
    client_id: str = "widget"
    alg: str = "RS256"
    key: Any = field(default_factory=lambda: RSA)

    def claims(self, **changed: Any) -> dict[str, Any]:
        now = int(timezone.now().timestamp())
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": f"{settings.PUBLIC_URL}/oauth/token",
            "iat": now,
            "exp": now + 60,
            "jti": secrets.token_urlsafe(8),
        } | changed
        return {name: value for name, value in claims.items() if value is not None}

    def assertion(self, **changed: Any) -> str:
        header = {"alg": self.alg, "kid": self.key.kid}
        return jwt.encode(header, self.claims(**changed), self.key, algorithms=[self.alg])

    def form(self, **changed: Any) -> dict[str, Any]:
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION,
            "client_assertion": self.assertion(),
            "scope": "purpose:inbox.display",
            "delegation": str(getattr(self.delegation, "id", self.delegation)),
        } | changed
        return {name: value for name, value in form.items() if value is not None}


def post_form(form: dict[str, Any], path: str = "/oauth/token") -> Any:
    return Client(enforce_csrf_checks=True).post(
        path, urlencode(form, doseq=True), content_type="application/x-www-form-urlencoded"
    )


def totp_code(secret: str) -> str:
    """Return the code that an authenticator app shows now (RFC 6238)."""
    counter = struct.pack(">Q", int(time.time()) // 30)
    digest = hmac.digest(base64.b32decode(secret), counter, "sha1")
    start = digest[-1] & 0x0F
    return f"{(struct.unpack_from('>I', digest, start)[0] & 0x7FFFFFFF) % 10**6:06}"


def tamper_with_token(token: str) -> str:
    """Return a JWT whose payload says something else under the old signature."""
    header, payload, signature = token.split(".")
    raw = base64.urlsafe_b64decode(payload + "==").replace(b'"iat"', b'"iaT"')
    return ".".join((header, base64.urlsafe_b64encode(raw).decode().rstrip("="), signature))
