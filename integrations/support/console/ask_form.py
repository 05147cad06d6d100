from __future__ import annotations

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from integrations.models import MAX_TEXT, MAX_TICKET
from integrations.support import lookups, messages, questions

TEXT_INVALID = _("Write one paragraph of at most %(most)d characters.")


class AskForm(forms.Form):
    """The fields of `questions.ask_for_item`."""

    kind = forms.ChoiceField(
        label=_("What do you need to see?"),
        choices=list(messages.ITEM.items()),
        widget=forms.RadioSelect,
    )
    reason = forms.ChoiceField(
        label=_("Why?"),
        choices=[("", _("Choose a reason")), *messages.REASON.items()],
    )
    text = forms.CharField(
        label=_("What is it about?"),
        max_length=MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_(
            "The person reads this. Say how they recognise the item, and what you want to find"
            " out. One paragraph."
        ),
    )
    ticket = forms.CharField(label=_("Ticket"), max_length=MAX_TICKET, required=False)

    def clean_text(self) -> str:
        try:
            return questions.clean_text(self.cleaned_data["text"])
        except questions.TextInvalid:
            raise ValidationError(TEXT_INVALID % {"most": MAX_TEXT}) from None

    def clean_ticket(self) -> str:
        ticket: str = self.cleaned_data["ticket"]
        if ticket and not lookups.is_ticket(ticket):
            raise ValidationError(messages.TICKET_MALFORMED)
        return ticket
