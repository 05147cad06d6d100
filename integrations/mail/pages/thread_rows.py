"""Inbox rows, made inside the sink."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from accounts import display_times
from integrations.mail import mail_row_types, messages
from integrations.templatetags import mail_page
from integrations.web.row_urls import RowUrl
from limited_use.sinks.page_sink import TemplateItem


@dataclass(frozen=True, slots=True)
class ThreadRowPresenter:
    """:param is_outgoing: a row names the recipient if the newest message is the owner's"""

    is_outgoing: bool
    now: datetime
    url: RowUrl

    def present_row(
        self, row: mail_row_types.ThreadRow, opened: Mapping[str, bytes]
    ) -> TemplateItem:
        thread, summary = row.thread, mail_row_types.read_newest_summary(opened)
        columns = cast("mail_row_types.ThreadListColumns", thread)
        is_to = self.is_outgoing and bool(columns.is_newest_outgoing)
        person = mail_row_types.find_counterpart(summary, is_outgoing=is_to)
        at, count = thread.last_received_at, thread.message_count
        return TemplateItem(
            clear={
                "url": self.url.get_url(thread.id),
                "is_to": is_to,
                "is_unread": thread.unread_count > 0,
                "is_starred": thread.is_starred,
                "has_attachments": thread.has_attachments,
                "count": str(count) if count > 1 else "",
                "at": at.astimezone(UTC).isoformat(),
                "time": display_times.format_short_time(at, now=self.now),
                "exact_time": display_times.format_exact(at),
                "names_another_address": mail_page.names_another_address(person),
            },
            opened={
                "person": str(messages.NO_RECIPIENTS)
                if is_to and person is None
                else mail_page.who(person),
                "initials": mail_page.initials(person),
                "tone": mail_page.tone(person),
                "subject": summary["subject"] or str(messages.NO_SUBJECT),
                "snippet": summary["snippet"],
            },
        )
