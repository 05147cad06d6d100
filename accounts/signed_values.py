"""Values that leave us and come back, signed under a key for one purpose."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core import signing  # noqa: TID251 - each call below names the key of its purpose

from accounts.derived_keys import derive_keys_from_secrets


class InvalidSignedValue(Exception):
    """Forged, altered, too old, or signed for another use. Ignore the value."""


def sign_value(value: Any, *, purpose: str, bound_to: str = "") -> str:
    """
    Return a JSON `value` with its time and a signature, not encrypted.

    :param purpose: one of the list in config/README.md
    :param bound_to: a context that has to be the same on reading; not part of the text
    """
    key, *_ = _derive_keys(purpose)
    return signing.dumps(value, key=key, salt=_make_salt(bound_to))


def read_signed_value(
    text: str, *, purpose: str, bound_to: str = "", max_age: timedelta | None = None
) -> Any:
    """
    Return a value signed under the current secret or a former one.

    :raises InvalidSignedValue: if it was not signed for this use, or is older than `max_age`
    """
    key, *former = _derive_keys(purpose)
    try:
        return signing.loads(
            text, key=key, salt=_make_salt(bound_to), max_age=max_age, fallback_keys=[*former]
        )
    except (signing.BadSignature, ValueError):
        raise InvalidSignedValue from None


def _derive_keys(purpose: str) -> list[bytes]:
    return derive_keys_from_secrets(f"antares signature {purpose} v1")


def _make_salt(bound_to: str) -> str:
    # Part of the signing key.
    return f"antares {bound_to}"
