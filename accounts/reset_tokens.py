from __future__ import annotations

from typing import Any, Final

from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.db import connection

from accounts.derived_keys import derive_keys_from_secrets

_INFO: Final = "antares password reset v1"


class ResetTokens(PasswordResetTokenGenerator):
    """
    Django's tokens: they end with the next sign-in, password or address of the person.

    The database hashes password and last sign-in, so that no worker reads either. This is no
    subclass of allauth's class, which adds addresses from an unused table, and loads this class
    while half imported.
    """

    @property
    def secret(self) -> bytes:  # type: ignore[override]  # Django's takes both
        return derive_keys_from_secrets(_INFO)[0]

    @property
    def secret_fallbacks(self) -> list[bytes]:  # type: ignore[override]
        return derive_keys_from_secrets(_INFO)[1:]

    def _make_hash_value(self, user: Any, timestamp: int) -> str:
        return f"{user.pk}|{_read_password_state(user)}|{timestamp}|{user.email}"


def _read_password_state(user: Any) -> str | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT password_state(%s)", [user.pk])
        state: str | None = cursor.fetchone()[0]
    return state
