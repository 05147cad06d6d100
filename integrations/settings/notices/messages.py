"""Texts of the pages of notices."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from integrations.models import NoticeChannel
from limited_use.policy.claims import claim

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

#: Labels of the choices, for kinds that are not owed.
CHANNELS: Final[Mapping[NoticeChannel, StrOrPromise]] = MappingProxyType(
    {
        NoticeChannel.OFF: _("Off"),
        NoticeChannel.PAGE: _("On the page of notices"),
        NoticeChannel.PLATFORM_MAIL: _("On the page, and by mail to your sign-in address"),
        NoticeChannel.MAILBOX: _("On the page, and in %(mailbox)s"),
    }
)
MAILBOX: Final = _("%(product)s (connected on %(day)s)")
ALWAYS: Final = _("Always: you can choose where, and cannot switch it off.")
SAVED: Final = _("Saved.")
MARKED_READ: Final = _("All notices are marked as read.")
UNKNOWN_CHOICE: Final = _("Choose one of the options in the list.")
AGREE_TO_MAILBOX: Final = _("I agree that Antares sends the notices that I chose to my mailbox.")
AGREE_FIRST: Final = _("Tick the box to agree, or choose no mailbox.")
TERMS_CHANGED: Final = _("The description has changed. Read it again, then tick the box.")
STOPPED: Final = claim(
    "notices.stopped",
    _("Antares sends you no more mail of this kind. All other notices stay as they are."),
)
