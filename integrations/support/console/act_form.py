from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from integrations.models import (
    MAX_TEXT,
    MAX_TICKET,
    REVOCATIONS,
    SupportActKind,
    SupportReason,
)
from integrations.support import acts, lookups, messages


class TargetForm(forms.Form):
    """What the act is about: in the address of the page, and in hidden fields of its form."""

    kind = forms.ChoiceField(choices=SupportActKind.choices, widget=forms.HiddenInput)
    connection = forms.UUIDField(required=False, widget=forms.HiddenInput)
    integration = forms.UUIDField(required=False, widget=forms.HiddenInput)
    receipt = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def get_target(self) -> acts.ActTarget | None:
        """Return None unless the kind has exactly the id that it needs."""
        if not self.is_valid():
            return None
        kind = SupportActKind(self.cleaned_data["kind"])
        ids = {name: self.cleaned_data[name] for name in ("connection", "integration", "receipt")}
        needed = _get_needed_id(kind)
        if {name for name, value in ids.items() if value is not None} != needed:
            return None
        return acts.ActTarget(
            kind=kind,
            connection_id=ids["connection"],
            integration_id=ids["integration"],
            receipt_id=ids["receipt"],
        )


class ActForm(forms.Form):
    reason = forms.ChoiceField(
        label=_("Reason"), choices=[("", _("Choose a reason")), *messages.REASON.items()]
    )
    text = forms.CharField(
        required=False,
        max_length=MAX_TEXT,
        label=_("The case, in your words"),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    ticket = forms.CharField(required=False, max_length=MAX_TICKET, label=_("Ticket"))

    def __init__(self, *args: Any, kind: SupportActKind, **kwargs: Any) -> None:
        self._is_revocation = kind in REVOCATIONS
        super().__init__(*args, **kwargs)

    def clean_text(self) -> str:
        text: str = self.cleaned_data["text"]
        if self._is_revocation and not text:
            raise forms.ValidationError(messages.TEXT_NEEDED)
        return text

    def clean_ticket(self) -> str:
        ticket: str = self.cleaned_data["ticket"]
        if self._is_revocation and not ticket:
            raise forms.ValidationError(messages.TICKET_NEEDED)
        if ticket and not lookups.is_ticket(ticket):
            raise forms.ValidationError(messages.TICKET_MALFORMED)
        return ticket

    def make_order(self, target: acts.ActTarget) -> acts.ActOrder:
        return acts.ActOrder(
            target=target,
            reason=SupportReason(self.cleaned_data["reason"]),
            text=self.cleaned_data["text"],
            ticket=self.cleaned_data["ticket"],
        )


def _get_needed_id(kind: SupportActKind) -> set[str]:
    match kind:
        case SupportActKind.REVOKE_PERSON:
            return set()
        case SupportActKind.REVOKE_CONNECTION:
            return {"connection"}
        case SupportActKind.SEND_RECEIPT_LINK:
            return {"receipt"}
        case _:
            return {"integration"}
