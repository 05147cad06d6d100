"""
allauth's form that asks for a link to set a new password, with a limit of mails.

Beyond the limit the page answers as usual but sends no mail. A known device has its own counter,
which strangers cannot use up. A worker sends the mail, so time reveals no accounts.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from allauth.account import forms
from allauth.account.adapter import get_adapter
from django.http import HttpRequest
from django.utils import timezone

from accounts import account_mail, known_origins, people, reset_links
from accounts.account_mail import MailCounter
from accounts.rate_limit_counters import Rate

_NO_PERSON_ID: Final = UUID(int=0)

DEVICE_RATE: Final = Rate("reset-password-mail-device", 5, 3600)


class ResetPasswordForm(forms.ResetPasswordForm):  # type: ignore[misc]  # untyped
    """Counts valid forms, after the limits of the page."""

    def clean_email(self) -> str:
        # allauth makes more queries for an address with an account.
        address: str = get_adapter().clean_email(self.cleaned_data["email"].lower())
        return address

    def save(self, request: HttpRequest, **_: Any) -> str:
        address: str = self.cleaned_data["email"]
        user_id = people.find_person(address)
        counter = _choose_counter(request, address, user_id)
        account_mail.queue_mail(
            reset_links.MAIL, counter=counter, user_id=user_id, at=timezone.now()
        )
        return address


def _choose_counter(request: HttpRequest, address: str, user_id: UUID | None) -> MailCounter:
    # Looked up for unknown addresses too, so that the time reveals nothing.
    person_id = user_id or _NO_PERSON_ID
    if device := known_origins.find_known_device(request, person_id):
        return MailCounter(DEVICE_RATE, f"{person_id} {device}")
    return MailCounter(reset_links.ADDRESS_RATE, address)
