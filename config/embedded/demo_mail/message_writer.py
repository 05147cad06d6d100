"""Writes conversations as MIME: the same bytes for the same start."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from html import escape

from config.embedded.demo_cast import CastMember
from config.embedded.demo_mail import invitations, mime_parts, styled_text
from config.embedded.demo_mail.attachments import AttachmentStore
from config.embedded.demo_mail.conversation_files import Conversation, ConversationMessage
from config.embedded.demo_mail.timeline import Timeline, format_citation


@dataclass(frozen=True, slots=True)
class WrittenMessage:
    """:param raw: MIME"""

    conversation: Conversation
    message: ConversationMessage
    at: datetime
    raw: bytes


@dataclass(frozen=True, slots=True)
class _Quotation:
    sender: CastMember
    at: datetime
    text: str

    def render_plain(self) -> str:
        lines = "\n".join(f"> {line}".rstrip() for line in self.text.splitlines())
        return f"\n\n{self._render_head()}\n{lines}"

    def render_html(self) -> str:
        return (
            f'<div class="gmail_quote"><p>{escape(self._render_head())}</p><blockquote'
            ' style="margin:0 0 0 8px;padding:0 0 0 12px;border-left:1px solid #8888">'
            f"{styled_text.render_letter(self.text)}</blockquote></div>"
        )

    def _render_head(self) -> str:
        return f"On {format_citation(self.at)}, {self.sender.name} <{self.sender.email}> wrote:"


def write_messages(
    conversations: Iterable[Conversation], timeline: Timeline, store: AttachmentStore
) -> list[WrittenMessage]:
    """Return all messages, the oldest first."""
    written = [
        message
        for conversation in conversations
        for message in _write_conversation(conversation, timeline, store)
    ]
    return sorted(written, key=lambda message: message.at)


def _write_conversation(
    conversation: Conversation, timeline: Timeline, store: AttachmentStore
) -> Iterator[WrittenMessage]:
    earlier_ids: list[str] = []
    quotation: _Quotation | None = None
    for number, message in enumerate(conversation.messages, 1):
        at = timeline.resolve_moment(message.time, message.sender.zone)
        text = timeline.fill_dates(styled_text.reflow(message.text))
        subject = timeline.fill_dates(conversation.subject)
        domain = message.sender.email.partition("@")[2]
        message_id = f"<{conversation.key}.{number}.{timeline.today:%Y%m%d}@{domain}>"
        headers = [
            ("From", mime_parts.format_addresses([message.sender])),
            ("To", mime_parts.format_addresses(message.recipients)),
            ("Subject", mime_parts.encode_text(f"Re: {subject}" if earlier_ids else subject)),
            ("Date", format_datetime(at)),
            ("Message-ID", message_id),
            *_list_further_headers(conversation, message, earlier_ids),
        ]
        body = _BodyWriter(message, text, quotation if message.is_quoting else None, store)
        content = body.write_content(f"=_{conversation.key}.{number}", timeline)
        yield WrittenMessage(conversation, message, at, mime_parts.make_message(headers, content))
        earlier_ids.append(message_id)
        quotation = _Quotation(message.sender, at, styled_text.render_plain(text))


def _list_further_headers(
    conversation: Conversation, message: ConversationMessage, earlier_ids: Sequence[str]
) -> Iterator[tuple[str, str]]:
    if message.copies:
        yield "Cc", mime_parts.format_addresses(message.copies)
    if earlier_ids:
        yield "In-Reply-To", earlier_ids[-1]
        yield "References", "\r\n ".join(earlier_ids)
    if "promotions" in conversation.states:
        domain = message.sender.email.partition("@")[2]
        yield "List-Unsubscribe", f"<https://{domain}/unsubscribe>"
        yield "List-Id", f"<letter.{domain}>"
        yield "Precedence", "bulk"


@dataclass(frozen=True, slots=True)
class _BodyWriter:
    """:param text: of `message`, reflowed, with its dates"""

    message: ConversationMessage
    text: str
    quotation: _Quotation | None
    store: AttachmentStore

    def write_content(self, mark: str, timeline: Timeline) -> bytes:
        """:param mark: begins the boundaries"""
        event = timeline.events[self.message.invitation] if self.message.invitation else None
        alternatives = [self._write_plain()]
        if self.message.is_styled or self.message.pictures or not self.message.sender.writes_plain:
            alternatives.append(self._write_html(f"{mark}.related"))
        files = [self._write_file(name) for name in self.message.files]
        if event:
            calendar = invitations.build_calendar(event, timeline.start)
            parameters = ("method=REQUEST", 'name="invite.ics"')
            alternatives.append(mime_parts.make_text(calendar, "calendar", *parameters))
        body = mime_parts.make_multipart("alternative", f"{mark}.alternative", alternatives)
        return mime_parts.make_multipart("mixed", f"{mark}.mixed", [body, *files])

    def _write_plain(self) -> bytes:
        text = styled_text.render_plain(self.text) if self.message.is_styled else self.text
        quoted = self.quotation.render_plain() if self.quotation else ""
        return mime_parts.make_text(f"{text}{quoted}\n", "plain")

    def _write_html(self, boundary: str) -> bytes:
        sender = self.message.sender
        if self.message.is_styled:
            pictures: Sequence[str] = styled_text.list_pictures(self.text)
            page = styled_text.render_page(self.text, accent=sender.accent, name=sender.name)
        else:
            pictures = self.message.pictures
            images = "".join(
                f'<p><img src="cid:{name}" alt="{name}" width="480" style="max-width:100%"></p>'
                for name in pictures
            )
            quoted = self.quotation.render_html() if self.quotation else ""
            letter = styled_text.render_letter(self.text)
            page = f"<html><body>{letter}{images}{quoted}</body></html>"
        parts = [mime_parts.make_text(page, "html")]
        parts += [self._write_file(name, cid=name) for name in pictures]
        return mime_parts.make_multipart("related", boundary, parts)

    def _write_file(self, name: str, cid: str = "") -> bytes:
        file = self.store.get_file(name)
        return mime_parts.make_file(file.content_type, name, file.content, cid=cid)
