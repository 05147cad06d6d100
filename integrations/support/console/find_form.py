from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from integrations.models import MAX_TICKET, LookupMeans, SupportReason
from integrations.support import lookups, messages
from integrations.support.lookups import LookupRequest

INVALID_VALUES = {
    LookupMeans.ADDRESS: _("Enter one complete email address."),
    LookupMeans.PLATFORM_ID: _("Enter one platform id."),
    LookupMeans.CONNECTION: _("Enter a connection id, such as the one in a log line."),
    LookupMeans.RECEIPT: _("Enter a receipt id, as on the receipt."),
    LookupMeans.CODE: _("Enter the ten letters and digits that the person reads out."),
}


class FindForm(forms.Form):
    """The value may be an address: it is stored nowhere, shown only in a form with errors."""

    means = forms.ChoiceField(
        label=_("Find by"), choices=tuple(messages.MEANS.items()), widget=forms.RadioSelect
    )
    value = forms.CharField(
        label=_("Exact value"),
        max_length=lookups.MAX_VALUE,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    reason = forms.ChoiceField(
        label=_("Reason"), choices=(("", _("Choose a reason")), *messages.REASON.items())
    )
    ticket = forms.CharField(
        label=_("Ticket (optional)"),
        required=False,
        max_length=MAX_TICKET,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def clean_ticket(self) -> str:
        ticket: str = self.cleaned_data["ticket"]
        if ticket and not lookups.is_ticket(ticket):
            raise forms.ValidationError(messages.TICKET_MALFORMED)
        return ticket

    def make_request(self) -> LookupRequest:
        return LookupRequest(
            means=LookupMeans(self.cleaned_data["means"]),
            value=self.cleaned_data["value"],
            reason=SupportReason(self.cleaned_data["reason"]),
            ticket=self.cleaned_data["ticket"],
        )

    def add_value_error(self) -> None:
        """Say how a value of the chosen kind looks."""
        self.add_error("value", INVALID_VALUES[LookupMeans(self.cleaned_data["means"])])
