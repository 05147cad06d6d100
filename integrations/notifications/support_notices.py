"""Kinds of notices about support. The package of support emits them."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from integrations.models import NoticeChannel

from .notice_kinds import NoticeKindSpec, NoticeMessage

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
