"""Kinds of notices about what support did."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from integrations.models import NoticeChannel
from limited_use.policy.claims import claim

from .notice_kinds import NoticeKindSpec, NoticeMessage

_LINK: Final = _("See what support did")
_ROUTE: Final = "settings-support"
_DISCONNECTED_ALL: Final = claim(
    "notice.support-disconnected-all",
    _(
        "A support agent of Antares disconnected your %(provider)s account. The reason that the"
        " agent gave: %(reason)s"
    ),
)

SUPPORT_LOOKED_UP: Final = NoticeKindSpec(
    key="support_looked_up",
    title=_("Support looked you up"),
    says=_("When a support agent sees the state of your connections."),
    why="The person learns of each look-up by support, and why.",
    is_owed=False,
    default_channel=NoticeChannel.PAGE,
    messages=(
        NoticeMessage(
            key="support_looked_up",
            text=claim(
                "notice.support-looked-up",
                _(
                    "A support agent of Antares looked up the state of your connections. The reason"
                    " that the agent gave: %(reason)s"
                ),
            ),
            link_text=_LINK,
            route_name=_ROUTE,
        ),
    ),
)
SUPPORT_DISCONNECTED: Final = NoticeKindSpec(
    key="support_disconnected",
    title=_("Support disconnected an account"),
    says=_("When a support agent disconnects an account, or a part of it."),
    why="The person learns of each disconnect that they did not make themselves.",
    is_owed=True,
    default_channel=NoticeChannel.PLATFORM_MAIL,
    messages=(
        NoticeMessage(
            key="support_disconnected",
            text=claim(
                "notice.support-disconnected",
                _(
                    "A support agent of Antares disconnected your %(product)s. The reason that the"
                    " agent gave: %(reason)s"
                ),
            ),
            link_text=_LINK,
            route_name=_ROUTE,
        ),
        *(
            NoticeMessage(key=key, text=_DISCONNECTED_ALL, link_text=_LINK, route_name=_ROUTE)
            for key in ("support_disconnected_all", "support_disconnected_empty")
        ),
    ),
)
SUPPORT_CHANGED: Final = NoticeKindSpec(
    key="support_changed",
    title=_("Support helped with an account"),
    says=_("When a support agent starts a sync for you, or another repair."),
    why="The person learns what support started in their accounts, and why.",
    is_owed=False,
    default_channel=NoticeChannel.PAGE,
    messages=tuple(
        NoticeMessage(key=key, text=text, link_text=_LINK, route_name=_ROUTE)
        for key, text in (
            (
                "support_synced",
                _(
                    "A support agent of Antares started a sync of your %(product)s. The reason that"
                    " the agent gave: %(reason)s"
                ),
            ),
            (
                "support_retried",
                _(
                    "A support agent of Antares had skipped messages of your %(product)s fetched"
                    " again. The reason that the agent gave: %(reason)s"
                ),
            ),
            (
                "support_push_renewed",
                _(
                    "A support agent of Antares had the notifications of changes in your"
                    " %(product)s renewed. The reason that the agent gave: %(reason)s"
                ),
            ),
            (
                "support_receipt_sent",
                claim(
                    "notice.support-receipt-sent",
                    _(
                        "A support agent of Antares had a link to the receipt of your %(product)s"
                        " sent to your sign-in address. The agent does not see the link. The reason"
                        " that the agent gave: %(reason)s"
                    ),
                ),
            ),
        )
    ),
)
SUPPORT_ASKS: Final = NoticeKindSpec(
    key="support_question",
    title=_("Support asks to see an item"),
    says=_("When a support agent asks you to open a message or an event."),
    why="An agent waits for the person's answer, and cannot help without it.",
    is_owed=False,
    default_channel=NoticeChannel.PAGE,
    messages=(
        NoticeMessage(
            key="support_question",
            text=_("Support asks to see one item. You can answer until %(until)s."),
            link_text=_("Read and answer"),
            route_name="settings-support-question",
            has_subject=True,
        ),
    ),
)
