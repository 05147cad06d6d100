"""Kinds of notices about a connection's grant and the removal of data. All are owed."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from integrations.models import NoticeChannel
from limited_use.policy.claims import claim

from .notice_kinds import NoticeKindSpec, NoticeMessage

_SETTINGS: Final = "settings-integrations"

# The sentences are true also if only a permission is missing, and everything else continues.
RECONNECT: Final = NoticeKindSpec(
    key="reconnect",
    title=_("An account has to be reconnected"),
    says=_("When an account or one of its permissions has ended, and before its data is removed."),
    why="The data of a connected account is removed unless its owner reconnects.",
    is_owed=True,
    default_channel=NoticeChannel.PLATFORM_MAIL,
    messages=tuple(
        NoticeMessage(key=key, text=text, link_text=_("Reconnect"), route_name=_SETTINGS)
        for key, text in (
            (
                "reconnect",
                claim(
                    "notice.reconnect",
                    _(
                        "Your %(provider)s account has to be reconnected by %(until)s. Otherwise"
                        " Antares removes its copies of what it can no longer read there."
                    ),
                ),
            ),
            (
                "reconnect_again",
                claim(
                    "notice.reconnect-again",
                    _(
                        "Your %(provider)s account still has to be reconnected. On %(until)s,"
                        " Antares removes its copies of what it can no longer read there."
                    ),
                ),
            ),
            (
                "reconnect_last",
                claim(
                    "notice.reconnect-last",
                    _(
                        "Last notice: on %(until)s, Antares removes its copies of what it can no"
                        " longer read in your %(provider)s account."
                    ),
                ),
            ),
        )
    ),
)

REMOVAL: Final = NoticeKindSpec(
    key="removal",
    title=_("Data is removed, and its receipt"),
    says=_("When Antares removes the data of an account, and when the receipt is ready."),
    why="The owner learns of each removal and gets its proof.",
    is_owed=True,
    default_channel=NoticeChannel.PLATFORM_MAIL,
    messages=(
        NoticeMessage(
            key="purged",
            text=claim("notice.purged", _("Antares is removing your %(product)s.")),
            link_text=_("See the removal"),
            route_name="settings-purge",
            has_subject=True,
        ),
        NoticeMessage(
            key="receipt_ready",
            text=claim(
                "notice.receipt-ready",
                _("Antares removed your %(product)s. The receipt is ready."),
            ),
            link_text=_("See the receipt"),
            route_name="settings-purge",
            has_subject=True,
        ),
    ),
)
