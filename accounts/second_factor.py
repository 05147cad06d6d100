"""
allauth's forms of the second factor, with attempts counted apart from passwords.

A known device has its own counters, against a stranger with the password.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from allauth.core import context
from allauth.mfa.base import forms
from allauth.mfa.models import Authenticator
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import ngettext

from accounts import credential_forms, known_origins, messages, rate_limit_counters
from accounts.models import User
from accounts.rate_limit_counters import Rate, RateLimitUsage

ATTEMPT_RATES: Final = (
    Rate("second-factor", 5, 300),
    Rate("second-factor-day", 30, 24 * 3600),
)
#: A code of an authenticator app works once, and is valid for at most two minutes.
CODE_USE_RATE: Final = Rate("totp-code", 1, 120)


class _CodeFormMixin:
    """Counts attempts; a code works once."""

    user: User
    authenticator: Authenticator
    clean: Callable[..., Any]

    def clean_code(self) -> str:
        with _count_failed_attempt(self.user):
            code: str = super().clean_code()  # type: ignore[misc]  # of the form it is mixed into
            if self.authenticator.type == Authenticator.Type.TOTP:
                _use_code(self.user, code)
        return code


class _KeyFormMixin:
    user: User

    def clean_credential(self) -> Authenticator:
        with _count_failed_attempt(self.user):
            return super().clean_credential()  # type: ignore[misc]  # of the form it is mixed into


class AuthenticateForm(_CodeFormMixin, forms.AuthenticateForm):  # type: ignore[misc]  # untyped
    """A code, to sign in."""


class ReauthenticateForm(_CodeFormMixin, forms.ReauthenticateForm):  # type: ignore[misc]  # untyped
    """A code, to confirm."""


class AuthenticateKeyForm(_KeyFormMixin, credential_forms.AuthenticateWithKeyForm):
    """A security key, to sign in."""


class ReauthenticateKeyForm(_KeyFormMixin, credential_forms.ReauthenticateWithKeyForm):
    """A security key, to confirm."""


@contextmanager
def _count_failed_attempt(user: User) -> Iterator[None]:
    """Count an attempt as failed, and take the count back if the block raises nothing."""
    at = timezone.now()
    key = f"{user.pk} {known_origins.find_known_device(context.request, user.pk) or ''}"
    for number, rate in enumerate(ATTEMPT_RATES):
        usage = rate_limit_counters.add_rate_limit_count(rate, key, at=at)
        if not usage.is_within:
            # A refused attempt counts towards no other rate.
            _take_back_counts(ATTEMPT_RATES[:number], key, at=at)
            raise ValidationError(messages.TOO_MANY_CODES % {"wait": _format_wait(usage)})
    yield
    _take_back_counts(ATTEMPT_RATES, key, at=at)


def _format_wait(usage: RateLimitUsage) -> str:
    minutes = math.ceil(usage.reset_after / 60)
    if minutes <= 60:  # noqa: PLR2004 - of an hour
        return ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes}
    hours = math.ceil(minutes / 60)
    return ngettext("%(count)d hour", "%(count)d hours", hours) % {"count": hours}


def _take_back_counts(rates: Iterable[Rate], key: str, *, at: datetime) -> None:
    for rate in rates:
        rate_limit_counters.take_back_rate_count(rate, key, at=at)


def _use_code(user: User, code: str) -> None:
    digits = "".join(filter(str.isdigit, code))
    if not rate_limit_counters.add_rate_limit_count(
        CODE_USE_RATE, f"{user.pk} {digits}", at=timezone.now()
    ).is_within:
        raise ValidationError(messages.CODE_ALREADY_USED)
