"""
The form that asks for a link to set a new password: allauth's, with a limit of mails.

Beyond the limit the page answers as usual and no mail is sent: a stranger learns nothing, and the
mailbox holds links that work for a day. A device that the person signed in with before has a
counter of its own, which nobody else can use up.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from allauth.account import forms
from allauth.account.adapter import get_adapter
from django.http import HttpRequest
from django.utils import timezone

from accounts import known_origins, owned, people, rates
from accounts.models import User
from accounts.rates import Rate

_HOUR: Final = 3600
_NOBODY: Final = UUID(int=0)

TO_ADDRESS: Final = Rate("reset-password-mail", 5, _HOUR)
FROM_DEVICE: Final = Rate("reset-password-mail-device", 5, _HOUR)


class ResetPasswordForm(forms.ResetPasswordForm):  # type: ignore[misc]  # untyped
    """Counted when it is valid, after the limits of the page (`accounts.route_limits`)."""

    users: list[User]

    def clean_email(self) -> str:
        # allauth looks for rows, of which the database shows none before somebody is entered.
        address: str = get_adapter().clean_email(self.cleaned_data["email"].lower())
        person_id = people.find_person(address)
        # Looked up for an address without an account as well, so that the time tells nothing.
        with owned.acting_for(person_id or _NOBODY, None):
            self.users = list(User.objects.active().filter(id=person_id or _NOBODY))
        return address

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        address: str = self.cleaned_data["email"]
        user = next(iter(self.users), None)
        if _may_mail(request, address.lower(), user):
            with owned.acting_for(user.pk if user else _NOBODY, None):
                super().save(request, **kwargs)
        return address


def _may_mail(request: HttpRequest, address: str, user: User | None) -> bool:
    # Looked up for an address without an account as well, so that the time tells nothing.
    person_id = user.pk if user else _NOBODY
    at = timezone.now()
    if device := known_origins.find_device(request, person_id):
        return rates.count(FROM_DEVICE, f"{person_id} {device}", at=at).is_within
    return rates.count(TO_ADDRESS, address, at=at).is_within
