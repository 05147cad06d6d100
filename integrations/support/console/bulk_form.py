"""The form that proposes a bulk revocation. Times are in UTC, as on all pages of staff."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from integrations.models import MAX_TEXT, MAX_TICKET, SupportReason
from integrations.providers import PROVIDERS
from integrations.support import bulk_revocation, lookups, messages
from integrations.support.bulk_revocation import BulkProposal

_MAX_ORGANISATION: Final = 64


def _make_time_field(label: Any) -> forms.DateTimeField:
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    return forms.DateTimeField(label=label, required=False, widget=widget)


class BulkForm(forms.Form):
    organisation = forms.CharField(
        label=_("Organisation (exact id or platform id)"),
        required=False,
        max_length=_MAX_ORGANISATION,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    provider = forms.ChoiceField(
        label=_("Provider"),
        required=False,
        choices=lambda: [
            ("", _("Every provider")),
            *((provider.key, provider.label) for provider in PROVIDERS.values() if provider.grants),
        ],
    )
    connected_from = _make_time_field(_("Connected from (UTC)"))
    connected_until = _make_time_field(_("Connected until (UTC)"))
    reason = forms.ChoiceField(label=_("Reason"), choices=list(messages.REASON.items()))
    text = forms.CharField(
        label=_("Explanation, which the people concerned read"),
        max_length=MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    ticket = forms.CharField(
        label=_("Ticket"),
        max_length=MAX_TICKET,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def clean_organisation(self) -> UUID | None:
        typed = self.cleaned_data["organisation"]
        if not typed:
            return None
        try:
            return bulk_revocation.find_organisation(typed)
        except bulk_revocation.OrganisationUnknown:
            raise forms.ValidationError(messages.BULK_NO_ORGANISATION, code="invalid") from None

    def clean_ticket(self) -> str:
        ticket: str = self.cleaned_data["ticket"]
        if not lookups.is_ticket(ticket):
            raise forms.ValidationError(messages.TICKET_MALFORMED, code="invalid")
        return ticket

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        since, until, now = data.get("connected_from"), data.get("connected_until"), timezone.now()
        if since is not None and since >= min(until or now, now):
            self.add_error("connected_from", messages.BULK_WINDOW)
        has_criterion = data.get("organisation") or data.get("provider") or since
        if not has_criterion and not self.errors:
            raise forms.ValidationError(messages.BULK_NO_CRITERION, code="required")
        return data

    def get_proposal(self) -> BulkProposal:
        """Call it after the form was found valid."""
        data = self.cleaned_data
        return BulkProposal(
            organisation_id=data["organisation"],
            provider=data["provider"],
            connected_from=data["connected_from"],
            connected_until=data["connected_until"],
            reason=SupportReason(data["reason"]),
            text=data["text"],
            ticket=data["ticket"],
        )
