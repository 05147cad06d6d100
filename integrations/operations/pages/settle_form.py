from __future__ import annotations

from django import forms

from accounts.models.alarm import MAX_REASON

from . import messages


class _OneLineField(forms.CharField):
    """Text whose runs of spaces and lines count as one space, as they are stored."""

    def to_python(self, value: object) -> str:
        return " ".join(str(super().to_python(value)).split())


class SettleForm(forms.Form):
    """The reason for which an operator settles an alarm."""

    reason = _OneLineField(
        label=messages.REASON,
        max_length=MAX_REASON,
        error_messages={
            "required": messages.REASON_REQUIRED,
            "max_length": messages.REASON_TOO_LONG,
        },
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
