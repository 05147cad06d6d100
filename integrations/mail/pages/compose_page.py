"""Renders the form of a message to send, with everything that was typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from integrations.access.request_context import RequestContext
from integrations.mail.sending import compose_base, messages, sending_settings
from integrations.mail.sending.compose_base import ComposeBase
from integrations.models import OutboxState
from integrations.outbox import uploads
from limited_use.guard.guard import AccessRefused
from limited_use.sinks import page_sink
from limited_use.sinks.sealed_rows import Permits, SealedRow
from limited_use.vault.envelope import Unopenable
from limited_use.vault.keyring.keyring_port import KeyStoreUnavailable

from . import compose_form, outbox_presenter
from .compose_form import TypedMessage
from .compose_presenter import ComposePresenter

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

# The text that a person typed is shown although nothing sealed opens.
_CLOSED: Final = (AccessRefused, KeyStoreUnavailable, Unopenable)


@dataclass(frozen=True, slots=True)
class FormProblems:
    """
    :param general: one sentence about the message
    :param by_field: sentences beside the fields
    :param allow_url: page that asks to allow sending
    :param needs_new_key: the form's text was sent: the next is another message
    """

    general: StrOrPromise = ""
    by_field: Mapping[str, StrOrPromise] = field(default_factory=dict)
    allow_url: str = ""
    needs_new_key: bool = False


NO_PROBLEMS: Final = FormProblems()


def render_form(
    request: HttpRequest,
    context: RequestContext,
    base: ComposeBase,
    typed: TypedMessage | None = None,
    problems: FormProblems = NO_PROBLEMS,
) -> bytes:
    """
    :raises limited_use.guard.guard.AccessRefused, Unopenable, KeyStoreUnavailable: only on the
        first look, when nothing is typed
    """
    page_context = {**_build_context(base, typed, problems), "is_opened": True}
    try:
        row, permits = compose_base.permit_base(context, base)
        return _render_row(request, context, row, permits, typed, page_context)
    except _CLOSED:
        if typed is None:
            raise
    page_context["is_opened"] = False
    return _render_row(request, context, SealedRow(base), {}, typed, page_context)


def render_unsendable(
    request: HttpRequest, typed: TypedMessage, problem: StrOrPromise, *, status: int
) -> HttpResponse:
    """Show the text of a message that cannot be sent from here, so that it can be copied."""
    page_context = {"problem": problem, "typed": typed}
    return render(request, "inbox/compose_unsendable.html", page_context, status=status)


def _render_row(  # noqa: PLR0913, PLR0917 - a row, why it may be shown, and the page around it
    request: HttpRequest,
    context: RequestContext,
    row: SealedRow,
    permits: Permits,
    typed: TypedMessage | None,
    page_context: Mapping[str, Any],
) -> bytes:
    return page_sink.render_page(
        "inbox/compose.html",
        [row],
        permits=permits,
        actor=context.actor,
        shape=ComposePresenter(row.row, typed).present,
        at=context.at,
        context=page_context,
        request=request,
    )


def _build_context(
    base: ComposeBase, typed: TypedMessage | None, problems: FormProblems
) -> dict[str, Any]:
    is_kept = typed is not None and not problems.needs_new_key
    proposal, command = base.proposal, base.command
    mailbox = base.mailbox
    return {
        "base": base,
        "request_key": typed.request_key if typed and is_kept else uuid4().hex,
        "problem": problems.general or _explain_mailbox(base, problems),
        "problems": {name: problems.by_field.get(name, "") for name in compose_form.FIELDS},
        "has_problems": bool(problems.by_field),
        "allow_url": problems.allow_url,
        "proposed_by": outbox_presenter.name_feature(proposal.feature) if proposal else "",
        "is_unknown": command is not None and command.state == OutboxState.UNKNOWN,
        "is_answer_gone": base.answered is None
        and base.draft is not None
        and base.draft.replied_message_id is not None,
        "undo_seconds": sending_settings.get_undo_seconds(mailbox) if mailbox else 0,
        "max_file_bytes": uploads.LIMITS["mail"].max_bytes,
        "settings_url": reverse("settings-details", args=[mailbox.id]) if mailbox else "",
        "back_url": _get_back_url(base),
    }


def _explain_mailbox(base: ComposeBase, problems: FormProblems) -> StrOrPromise:
    is_explained = base.is_ready or problems.by_field or problems.allow_url
    return "" if is_explained else messages.MAILBOX_NOT_READY


def _get_back_url(base: ComposeBase) -> str:
    if base.command is not None:
        return reverse("inbox-outbox")
    if base.answered is not None:
        return reverse("inbox-thread", args=[base.answered.thread_id])
    return reverse("inbox")
