"""The page on which a person writes, answers and forwards mail. Typed text survives every error."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

from django.contrib import messages as page_messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations.access.fences import DisconnectedError
from integrations.access.request_context import (
    ObjectNotFound,
    RequestContext,
    get_request_context,
)
from integrations.mail.sending import (
    compose_base,
    composed_message,
    message_size,
    messages,
    ordered_once,
    proposal_list,
    send_message,
    sending_settings,
)
from integrations.mail.sending.compose_base import CommandLeft, ComposeBase, ComposeSource
from integrations.mail.sending.composed_message import InvalidMessage
from integrations.mail.sending.send_message import SendingNotAllowed
from integrations.models import Integration, Message
from integrations.outbox.upload_errors import UploadNotReady
from integrations.web import problem_catalogue
from integrations.web.idempotency import IdempotencyKeyReused, RequestHashes
from limited_use.guard.guard import AccessRefused
from limited_use.vault.data_keys import KeyDestroyed
from limited_use.vault.envelope import Unopenable
from limited_use.vault.keyring.keyring_port import KeyStoreUnavailable

from . import compose_form, compose_page
from .compose_form import TypedMessage
from .compose_page import FormProblems

#: After which the form is shown again, and the message can be sent later.
_EXPECTED: Final = (
    AccessRefused,
    IdempotencyKeyReused,
    InvalidMessage,
    KeyStoreUnavailable,
    SendingNotAllowed,
    UploadNotReady,
)
#: Text and status of the page if the message, or what it answers, is gone.
_EXPLANATIONS: Final = {
    ObjectNotFound: (messages.NOT_THERE, HTTPStatus.NOT_FOUND),
    CommandLeft: (messages.ALREADY_LEFT, HTTPStatus.CONFLICT),
}
#: The account was disconnected while the person wrote.
_ENDED: Final = (DisconnectedError, KeyDestroyed, ObjectNotFound, Unopenable)


class SeeOther(HttpResponseRedirect):
    """303: the browser continues with GET."""

    status_code = HTTPStatus.SEE_OTHER


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(RolePermission.USE_OWN)
def compose(request: HttpRequest) -> HttpResponse:
    """Sent twice, the form sends one message."""
    context = get_request_context(request)
    if request.method == "POST":
        return _take_message(request, context)
    try:
        base = compose_base.find_compose_base(context, compose_form.read_source(request.GET))
    except ObjectNotFound:
        raise Http404 from None
    except CommandLeft:
        page_messages.info(request, messages.NOT_UNDOABLE)
        return redirect("inbox-outbox")
    problems = compose_page.NO_PROBLEMS
    if base.mailbox and base.is_ready and not send_message.is_sending_allowed(base.mailbox):
        if base.draft is None:
            return redirect(build_allow_url(base.mailbox, next_url=request.get_full_path()))
        # The owner can read and copy a stored text also while Antares may not send it.
        problems = FormProblems(allow_url=build_allow_url(base.mailbox))
    page = compose_page.render_form(request, context, base, problems=problems)
    if base.proposal is not None:
        proposal_list.mark_opened(context, base.proposal.id)
    return HttpResponse(page)


def build_allow_url(mailbox: Integration, *, next_url: str = "") -> str:
    """Return the page that asks to allow sending; it leads on to the message."""
    query = {"mailbox": str(mailbox.id)}
    if next_url:
        query["next"] = compose_form.read_compose_url(next_url)
    return f"{reverse('inbox-allow-sending')}?{urlencode(query)}"


def _take_message(request: HttpRequest, context: RequestContext) -> HttpResponse:
    source = compose_form.read_source(request.POST)
    typed = compose_form.read_typed_message(request.POST)
    try:
        hashes = _hash_form(context, source, typed)
        is_reused = False
        try:
            if ordered_once.find_ordered(hashes, context) is not None:
                return _continue_reading(source)
        except IdempotencyKeyReused:
            is_reused = True
        base = _find_base(context, source, typed, None if is_reused else hashes)
    except (ObjectNotFound, CommandLeft) as error:
        text, status = _EXPLANATIONS[type(error)]
        return compose_page.render_unsendable(request, typed, text, status=status)
    if base is None:
        return _continue_reading(source)
    try:
        if is_reused:
            raise IdempotencyKeyReused
        _order(context, base, typed, hashes)
    except _EXPECTED as error:
        problems, status = _explain(error, base)
        page = compose_page.render_form(request, context, base, typed, problems)
        return HttpResponse(page, status=status)
    except _ENDED:
        return _explain_end(request, context, base, typed)
    return _continue_reading(source)


def _find_base(
    context: RequestContext,
    source: ComposeSource,
    typed: TypedMessage,
    hashes: RequestHashes | None,
) -> ComposeBase | None:
    """
    Return what the form is about; None if the same form, sent at the same time, was ordered first.

    :param hashes: of the form; None: it is known to differ from an ordered one
    :raises ObjectNotFound, CommandLeft:
    """
    try:
        base = compose_base.find_compose_base(context, source, typed.upload_ids)
        compose_base.find_forwarded_ids(base.answered, typed.forwarded_ids)
    except (ObjectNotFound, CommandLeft):
        if hashes is not None and ordered_once.find_ordered(hashes, context) is not None:
            return None
        raise
    return base


def _explain_end(
    request: HttpRequest, context: RequestContext, base: ComposeBase, typed: TypedMessage
) -> HttpResponse:
    """A new grant ends the work of the earlier one: the message can then be sent again."""
    try:
        base = compose_base.find_compose_base(context, base.source, typed.upload_ids)
    except (CommandLeft, ObjectNotFound):
        base = ComposeBase(base.source, (), None)
    if base.mailbox is None:
        return compose_page.render_unsendable(
            request, typed, messages.NOT_THERE, status=HTTPStatus.CONFLICT
        )
    problems = FormProblems(general=messages.CHANGED if base.is_ready else "")
    page = compose_page.render_form(request, context, base, typed, problems)
    return HttpResponse(page, status=HTTPStatus.CONFLICT)


def _hash_form(
    context: RequestContext, source: ComposeSource, typed: TypedMessage
) -> RequestHashes:
    written = compose_form.build_written_message(source, typed)
    return ordered_once.hash_order(context, typed.request_key, source.mailbox_id, written)


def _order(
    context: RequestContext, base: ComposeBase, typed: TypedMessage, hashes: RequestHashes
) -> None:
    if base.mailbox is None:
        raise ObjectNotFound
    written = compose_form.build_written_message(base.source, typed)
    content = composed_message.check_message(written)
    message_size.check_size(base, content)
    if not base.is_ready:
        raise InvalidMessage({"sender": messages.MAILBOX_NOT_READY})
    ordered_once.order_once(
        context,
        base.mailbox,
        written,
        content,
        hashes,
        undo_seconds=sending_settings.get_undo_seconds(base.mailbox),
    )


def _explain(error: Exception, base: ComposeBase) -> tuple[FormProblems, HTTPStatus]:
    match error:
        case InvalidMessage():
            return FormProblems(by_field=error.problems), HTTPStatus.BAD_REQUEST
        case UploadNotReady():
            by_field = {"files": messages.FILES_NOT_READY}
            return FormProblems(by_field=by_field), HTTPStatus.BAD_REQUEST
        case SendingNotAllowed():
            allow_url = build_allow_url(base.mailbox) if base.mailbox else ""
            return FormProblems(allow_url=allow_url), HTTPStatus.CONFLICT
        case AccessRefused():
            return FormProblems(general=error.message), HTTPStatus.FORBIDDEN
        case KeyStoreUnavailable():
            unavailable = problem_catalogue.KEY_STORE_UNAVAILABLE
            general = f"{unavailable.title} {unavailable.says}"
            return FormProblems(general=general), HTTPStatus.SERVICE_UNAVAILABLE
        case _:
            # The form was sent, and then changed: the changed text is another message.
            problems = FormProblems(general=messages.SENT_BEFORE, needs_new_key=True)
            return problems, HTTPStatus.CONFLICT


def _continue_reading(source: ComposeSource) -> HttpResponse:
    """Return to the conversation or the inbox. Both show the state of the message."""
    thread_id = None
    if source.answered_id is not None:
        answered = Message.objects.filter(id=source.answered_id)
        thread_id = answered.values_list("thread_id", flat=True).first()
    return SeeOther(reverse("inbox-thread", args=[thread_id]) if thread_id else reverse("inbox"))
