"""
Forms of security keys that refuse malformed credentials.

In django-allauth, nesting, numbers of 5,000 digits or broken base64 raise exceptions.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from allauth.mfa.adapter import get_adapter
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from django import forms

_UNREADABLE: Final = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
)


class SecurityKeyCredentialField(forms.JSONField):
    """The JSON of a credential, never shown again in a form."""

    def to_python(self, value: Any) -> Any:
        try:
            return super().to_python(value)
        except (RecursionError, ValueError):
            error = forms.ValidationError(self.error_messages["invalid"], code="invalid")
        # Raised outside the handler, so that the parser's error with its text is not attached.
        raise error

    def bound_data(self, data: Any, initial: Any) -> Any:  # noqa: ARG002 - Django's shape
        return None

    def prepare_value(self, value: Any) -> str:  # noqa: ARG002
        return ""


def _make_field() -> SecurityKeyCredentialField:
    return SecurityKeyCredentialField(required=True, widget=forms.HiddenInput)


def _refuse_unreadable(check: Callable[[Any], Any]) -> Callable[[Any], Any]:
    @wraps(check)
    def check_credential(form: Any) -> Any:
        try:
            return check(form)
        except _UNREADABLE:
            error = get_adapter().validation_error("incorrect_code")
        raise error

    return check_credential


class AddSecurityKeyForm(AddWebAuthnForm):  # type: ignore[misc]  # allauth ships no types
    credential = _make_field()
    clean = _refuse_unreadable(AddWebAuthnForm.clean)


class AuthenticateWithKeyForm(AuthenticateWebAuthnForm):  # type: ignore[misc]
    credential = _make_field()
    clean_credential = _refuse_unreadable(AuthenticateWebAuthnForm.clean_credential)


class ReauthenticateWithKeyForm(ReauthenticateWebAuthnForm):  # type: ignore[misc]
    credential = _make_field()
    clean_credential = _refuse_unreadable(ReauthenticateWebAuthnForm.clean_credential)
