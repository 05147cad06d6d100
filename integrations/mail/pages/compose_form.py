"""The form of a message to send, as its URL and its fields name it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode
from uuid import UUID, uuid4

from django.http import Http404, QueryDict
from django.urls import reverse

from integrations.mail.sending.answer_defaults import AnswerMode
from integrations.mail.sending.compose_base import ComposeSource
from integrations.mail.sending.composed_message import WrittenMessage
from integrations.outbox.command_content import QuoteKind
from integrations.web import ownership

#: Fields in which people type, and the files.
FIELDS: Final = ("sender", "to", "cc", "bcc", "subject", "text", "files")
_MODES: Final = frozenset(mode.value for mode in AnswerMode)


@dataclass(frozen=True, slots=True)
class TypedMessage:
    """
    As the browser sends it.

    :param request_key: the same if the same form is sent twice
    """

    request_key: str
    to: str
    cc: str
    bcc: str
    subject: str
    text: str
    sender: str
    upload_ids: tuple[UUID, ...]
    forwarded_ids: tuple[UUID, ...]


def read_source(parameters: QueryDict) -> ComposeSource:
    """:raises Http404: if an id is none, or the mode does not exist"""
    mode = parameters.get("mode", "")
    if mode and mode not in _MODES:
        raise Http404
    answered_id = _read_id(parameters, "answer")
    return ComposeSource(
        mailbox_id=_read_id(parameters, "mailbox"),
        answered_id=answered_id,
        mode=AnswerMode(mode or AnswerMode.REPLY) if answered_id else None,
        command_id=_read_id(parameters, "command"),
        proposal_id=_read_id(parameters, "proposal"),
    )


def read_typed_message(fields: QueryDict) -> TypedMessage:
    """:raises Http404: if the id of a file is none"""
    return TypedMessage(
        request_key=_read_key(fields),
        to=fields.get("to", ""),
        cc=fields.get("cc", ""),
        bcc=fields.get("bcc", ""),
        subject=fields.get("subject", ""),
        text=fields.get("text", ""),
        sender=fields.get("sender", ""),
        upload_ids=_read_ids(fields, "upload"),
        forwarded_ids=_read_ids(fields, "forwarded"),
    )


def build_written_message(source: ComposeSource, typed: TypedMessage) -> WrittenMessage:
    return WrittenMessage(
        to=typed.to,
        cc=typed.cc,
        bcc=typed.bcc,
        subject=typed.subject,
        text=typed.text,
        sender=typed.sender,
        quote=source.mode.quote if source.mode else QuoteKind.NONE,
        answered_id=source.answered_id,
        forwarded_ids=typed.forwarded_ids,
        upload_ids=typed.upload_ids,
        replaces=source.command_id,
        proposal_id=source.proposal_id,
    )


def build_compose_url(source: ComposeSource) -> str:
    """Return the page's URL. It contains ids only."""
    named = {
        "mailbox": source.mailbox_id,
        "answer": source.answered_id,
        "mode": source.mode,
        "command": source.command_id,
        "proposal": source.proposal_id,
    }
    query = urlencode({name: str(value) for name, value in named.items() if value})
    return reverse("inbox-compose") + (f"?{query}" if query else "")


def read_compose_url(url: str) -> str:
    """
    Return the page's URL that `url` names, made again; "" if it is none.

    A foreign URL can therefore lead to no other page.
    """
    path, _, query = url.partition("?")
    if path != reverse("inbox-compose"):
        return ""
    try:
        return build_compose_url(read_source(QueryDict(query)))
    except Http404:
        return ""


def _read_key(fields: QueryDict) -> str:
    try:
        return UUID(fields.get("request_key", "")).hex
    except ValueError:
        return uuid4().hex


def _read_id(parameters: QueryDict, name: str) -> UUID | None:
    value = parameters.get(name, "")
    return ownership.parse_uuid(value) if value else None


def _read_ids(fields: QueryDict, name: str) -> tuple[UUID, ...]:
    return tuple(dict.fromkeys(map(ownership.parse_uuid, fields.getlist(name))))
