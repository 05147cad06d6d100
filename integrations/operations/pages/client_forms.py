"""Forms of the pages of service clients."""

from __future__ import annotations

from typing import Any

from django import forms

from accounts.client_keys import MAX_KEY_SET, UnusableClientKeys, has_private_key, parse_key_set
from accounts.models import ServiceClient
from accounts.redirect_uris import UnusableRedirectUri, check_redirect_uris
from integrations.operations.client_faults import describe_key_fault, describe_redirect_fault
from limited_use.policy.feature_registry import Feature

from . import client_messages

_PLAIN_TEXT = {"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}


class _PublicTextarea(forms.Textarea):
    """Shows a text again, unless it contains a private key."""

    def format_value(self, value: Any) -> str | None:
        text: str | None = super().format_value(value)
        return None if text is None or has_private_key(text) else text


class _KeySetTextarea(_PublicTextarea):
    """Shows nothing again but a set of public keys."""

    def format_value(self, value: Any) -> str | None:
        text = super().format_value(value)
        try:
            parse_key_set(text or "")
        except UnusableClientKeys:
            return None
        return text


class KeySetField(forms.CharField):
    """The clean value is the key set of `client_keys.parse_key_set`."""

    def __init__(self) -> None:
        super().__init__(
            label=client_messages.KEYS,
            help_text=client_messages.KEYS_HINT,
            error_messages={"required": client_messages.KEYS_REQUIRED},
            widget=_KeySetTextarea(attrs={"rows": 8, "maxlength": MAX_KEY_SET, **_PLAIN_TEXT}),
        )

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        try:
            return parse_key_set(text)
        except UnusableClientKeys as problem:
            raise forms.ValidationError(describe_key_fault(problem), code=problem.fault) from None


class RedirectUrisField(forms.CharField):
    """The clean value is a list. Spaces around a URI and empty lines do not count."""

    def __init__(self) -> None:
        super().__init__(
            label=client_messages.REDIRECTS,
            help_text=client_messages.REDIRECTS_HINT,
            required=False,
            # The numbers of lines count from the first.
            strip=False,
            widget=_PublicTextarea(attrs={"rows": 4, "wrap": "off", **_PLAIN_TEXT}),
        )

    def clean(self, value: Any) -> Any:
        lines = [line.strip() for line in super().clean(value).splitlines()]
        numbers = [number for number, line in enumerate(lines, 1) if line]
        try:
            return check_redirect_uris([line for line in lines if line])
        except UnusableRedirectUri as problem:
            fault = describe_redirect_fault(problem)
            values = {"number": numbers[problem.place], "fault": fault}
            text = client_messages.LINE_FAULT % values
            raise forms.ValidationError(text, code=problem.fault) from None


class RegisterForm(forms.Form):
    purposes = forms.MultipleChoiceField(
        label=client_messages.PURPOSES,
        help_text=client_messages.PURPOSES_HINT,
        error_messages={"required": client_messages.PURPOSES_REQUIRED},
        widget=forms.CheckboxSelectMultiple,
    )
    keys = KeySetField()
    redirect_uris = RedirectUrisField()

    def __init__(self, *args: Any, feature: Feature, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(purpose, purpose) for purpose in sorted(feature.purposes)]
        self.fields["purposes"].choices = choices  # type: ignore[attr-defined]  # declared above


class _ChangeForm(forms.Form):
    # See `clients.compute_client_digest`.
    seen = forms.CharField(max_length=64, widget=forms.HiddenInput)


class KeysForm(_ChangeForm):
    keys = KeySetField()


class RedirectsForm(_ChangeForm):
    redirect_uris = RedirectUrisField()


def join_redirect_uris(client: ServiceClient) -> str:
    return "\n".join(client.redirect_uris)
