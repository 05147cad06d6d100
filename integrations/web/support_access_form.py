"""The form with which an owner opens one item to support. Mail and calendar pages share it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Protocol

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from integrations.access.request_context import InvalidChoice
from integrations.access.support_permits import SUPPORT
from limited_use.agreements import consents
from limited_use.models import Consent
from limited_use.policy.feature_registry import FEATURES

from .form_numbers import read_number

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

TIMES: Final[Mapping[int, StrOrPromise]] = {
    1: _("1 hour"),
    24: _("24 hours"),
    72: _("3 days"),
}
NO_TIME: Final = _("Choose from the list when the access ends.")
OUTDATED: Final = _("The text that you agree to has changed. Please read it again.")


class OpenItem(Protocol):
    def __call__(self, *, hours: int, version: int) -> Consent | None: ...


@dataclass(frozen=True, slots=True)
class SupportAccessTexts:
    """What the page says of its kind of item after the form was sent."""

    started: StrOrPromise
    not_agreed: StrOrPromise


def get_form_context(*, until: datetime | None) -> dict[str, Any]:
    """:param until: the end of the access that the owner has already given"""
    feature = FEATURES[SUPPORT]
    return {
        "choices": TIMES.items(),
        "disclosure": feature.disclosure,
        "version": feature.version,
        "until": until,
    }


def open_from_form(
    request: HttpRequest, open_to_support: OpenItem, texts: SupportAccessTexts
) -> bool:
    """
    Open the item if the form agrees to the current text and names an end; else say what is
    missing.
    """
    if request.POST.get("agree") != "yes":
        messages.error(request, texts.not_agreed)
        return False
    try:
        open_to_support(
            hours=read_number(request.POST.get("hours", "")) or 0,
            version=read_number(request.POST.get("version", "")) or 0,
        )
    except InvalidChoice:
        messages.error(request, NO_TIME)
        return False
    except consents.DeclarationOutdated:
        messages.info(request, OUTDATED)
        return False
    messages.success(request, texts.started)
    return True
