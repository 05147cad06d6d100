"""Fields of a form by which a person agrees to a feature."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django import forms

from integrations.calendar.messages import settings as settings_messages

if TYPE_CHECKING:
    from django.http import QueryDict
    from django_stubs_ext import StrOrPromise


class AgreementForm(forms.Form):
    """:cvar version: of the feature's description that the page shows"""

    version = forms.IntegerField(widget=forms.HiddenInput)

    def ask_again(self, *, version: int, says: StrOrPromise) -> None:
        """Ask for agreement to the current description: the posted fields hold the old one."""
        # Only posted forms come here.
        data = cast("QueryDict", self.data).copy()
        data["version"] = str(version)
        data.pop("agree", None)
        self.data = data
        self.add_error(None, says)


def make_agree_field(label: StrOrPromise) -> forms.BooleanField:
    return forms.BooleanField(
        label=label, error_messages={"required": settings_messages.TICK_TO_AGREE}
    )
