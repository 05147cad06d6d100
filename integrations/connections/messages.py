"""What the products of a connection are for, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from limited_use.policy.claims import claim

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True, slots=True)
class ProductPurpose:
    """
    :param enables: with the product connected
    :param limits: without it
    """

    name: StrOrPromise
    enables: StrOrPromise
    limits: StrOrPromise


#: The purpose of each product. The provider decides which products it has.
PURPOSES: Final[Mapping[str, ProductPurpose]] = MappingProxyType(
    {
        "mail": ProductPurpose(
            _("Mail"),
            _("Read and search your mail in one inbox, open attachments, and download a copy."),
            claim(
                "connect.without-mail",
                _("Your inbox and your searches show no mail of the account."),
            ),
        ),
        "calendar": ProductPurpose(
            _("Calendar"),
            _(
                "See your calendars in one view, add and answer events, find a time for a meeting,"
                " and share a calendar with colleagues."
            ),
            claim(
                "connect.without-calendar",
                _(
                    "Events of the account are missing from your calendar and from suggested"
                    " times. Antares calendars work without an account."
                ),
            ),
        ),
        "drive": ProductPurpose(
            _("Drive"),
            _(
                "Save files, attachments and Antares calendars in your Drive, and choose the folder"
                " for them."
            ),
            claim(
                "connect.without-drive",
                _("You can download files and attachments, but not save them in a Drive."),
            ),
        ),
    }
)
