"""
Links to set a new password, made by a worker.

A link is valid for a day, until a new password, the next sign-in, or a change of address.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.urls import reverse

from accounts.account_mail import AccountMailKind
from accounts.models import User
from accounts.rate_limit_counters import Rate
from accounts.reset_tokens import ResetTokens

ADDRESS_RATE: Final = Rate("reset-password-mail", 5, 3600)


def make_password_reset_link(user: User, at: datetime) -> dict[str, object]:
    """Return the mail's variables: a new link, and when it expires."""
    token = ResetTokens().make_token(user)
    path = reverse("account_reset_password_from_key", args=[user.pk.hex, token])
    expires_at = at + timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)
    return {"link": settings.PUBLIC_URL + path, "expires_at": expires_at}


MAIL: Final = AccountMailKind(
    "reset-link",
    "accounts.mail_reset_link",
    "account/email/reset_link",
    ADDRESS_RATE,
    make_password_reset_link,
)
