"""The form's values, made inside the sink."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from integrations.mail import mail_row_types
from integrations.mail.sending import answer_defaults
from integrations.mail.sending.address_text import format_address_text
from integrations.mail.sending.answer_defaults import AnswerMode
from integrations.mail.sending.compose_base import ComposeBase
from integrations.outbox import command_content
from integrations.outbox.command_content import CommandContent, QuoteKind
from limited_use.sinks.template_values import TemplateItem

from .compose_form import TypedMessage

OpenedColumns = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class ComposePresenter:
    """:param typed: what the person typed, which is shown again; None on the first look"""

    base: ComposeBase
    typed: TypedMessage | None

    def present(self, _: Any, opened: OpenedColumns) -> TemplateItem:
        emails = {
            mailbox.id: opened.get(f"email:{mailbox.id}", b"").decode()
            for mailbox in self.base.mailboxes
        }
        content = command_content.decode_content(opened["content"]) if "content" in opened else None
        summary = orjson.loads(opened["summary"]) if "summary" in opened else None
        mode = self._get_mode(content)
        texts = self._fill_fields(content, summary, mode, emails.values())
        return TemplateItem(
            clear={
                "has_sender": bool(texts["sender"]),
                "has_copies": bool(texts["cc"] or texts["bcc"]),
                "is_forward": mode is AnswerMode.FORWARD,
                # Damaged: only the owner's provider still has it.
                "is_damaged": self.base.draft is not None and content is None and not self.typed,
            },
            opened={
                **texts,
                "mode": mode.value if mode else "",
                "mailboxes": [
                    TemplateItem(
                        {
                            "id": mailbox.id,
                            "is_chosen": mailbox == self.base.mailbox,
                        },
                        {"email": emails[mailbox.id]},
                    )
                    for mailbox in self.base.mailboxes
                ],
                "files": [
                    TemplateItem(
                        {"id": upload.id, "size": upload.size},
                        {"filename": _read_filename(opened.get(f"file:{upload.id}"))},
                    )
                    for upload in self.base.files
                ],
                "forwarded": self._list_forwarded(summary, content)
                if mode is AnswerMode.FORWARD
                else [],
                "answered_subject": summary["subject"] if summary else "",
            },
        )

    def _get_mode(self, content: CommandContent | None) -> AnswerMode | None:
        if self.base.answered is None:
            return None
        if self.base.source.mode is not None:
            return self.base.source.mode
        is_forward = content is not None and content.quote == QuoteKind.FORWARD
        return AnswerMode.FORWARD if is_forward else AnswerMode.REPLY

    def _fill_fields(
        self,
        content: CommandContent | None,
        summary: Mapping[str, Any] | None,
        mode: AnswerMode | None,
        own_emails: Any,
    ) -> dict[str, str]:
        if self.typed is not None:
            typed = self.typed
            return {
                "sender": typed.sender,
                "to": typed.to,
                "cc": typed.cc,
                "bcc": typed.bcc,
                "subject": typed.subject,
                "text": typed.text,
            }
        if content is not None:
            return {
                "sender": content.sender.address,
                "to": format_address_text(content.to),
                "cc": format_address_text(content.cc),
                "bcc": format_address_text(content.bcc),
                "subject": content.subject,
                "text": content.text,
            }
        if summary is None or mode is None or self.base.answered is None:
            return dict.fromkeys(("sender", "to", "cc", "bcc", "subject", "text"), "")
        defaults = answer_defaults.make_answer_defaults(
            summary,
            mode,
            own_addresses={email.casefold() for email in own_emails if email},
            is_own="sent" in self.base.answered.folders,
        )
        return {
            "sender": "",
            "to": defaults.to,
            "cc": defaults.cc,
            "bcc": "",
            "subject": defaults.subject,
            "text": "",
        }

    def _list_forwarded(
        self, summary: Mapping[str, Any] | None, content: CommandContent | None
    ) -> list[TemplateItem]:
        """Return the files of the forwarded message; at first all are chosen."""
        if summary is None:
            return []
        chosen = (
            self.typed.forwarded_ids if self.typed else content.forwarded_ids if content else None
        )
        return [
            TemplateItem(
                {
                    "id": file["id"],
                    "size": file["size"],
                    "is_chosen": chosen is None or file["id"] in chosen,
                },
                {"filename": file["filename"]},
            )
            for file in mail_row_types.shape_attachments(summary)
            # Inline images belong to the HTML, which is not forwarded.
            if not file["is_inline"]
        ]


def _read_filename(descriptor: bytes | None) -> str:
    return str(orjson.loads(descriptor)["filename"]) if descriptor else ""
