"""The way back to a message, after its writer was asked to allow sending at the provider."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse

from accounts.actors import get_actor
from integrations.connections import connect_attempts
from integrations.mail.pages import compose_form
from integrations.mail.sending import send_message
from integrations.models import ConnectAttempt, Integration
from integrations.web import ownership

_SESSION_KEY: Final = "message_to_write"


def build_allow_url(request: HttpRequest, connection_id: UUID | None) -> str:
    """Return the page that asks, for the mailbox of a connection."""
    mailbox = _find_mailbox(request, connection_id)
    next_url = compose_form.read_compose_url(request.POST.get("next", ""))
    return _build_url(mailbox, next_url) if mailbox else reverse("settings-integrations")


def remember_message(request: HttpRequest, connection_id: UUID | None) -> None:
    """Store the ids of the message's page; None forgets an earlier one."""
    if connection_id is None:
        request.session.pop(_SESSION_KEY, None)
        return
    next_url = compose_form.read_compose_url(request.POST.get("next", ""))
    request.session[_SESSION_KEY] = {"connection": str(connection_id), "next": next_url}


def find_next_url(request: HttpRequest, attempt: ConnectAttempt) -> str:
    """
    Return the message's page if sending is now allowed, or else the page that asks, which says
    that nothing changed. After other attempts, the settings page.
    """
    remembered = request.session.get(_SESSION_KEY)
    if (
        not remembered
        or send_message.SENDING not in attempt.feature_versions
        or remembered["connection"] != str(attempt.connection_id)
        or (mailbox := _find_mailbox(request, attempt.connection_id)) is None
    ):
        return reverse("settings-integrations")
    del request.session[_SESSION_KEY]
    next_url = str(remembered["next"])
    if not send_message.is_sending_allowed(mailbox):
        return _build_url(mailbox, next_url, is_refused=True)
    connect_attempts.dismiss_attempt(
        attempt_id=attempt.id,
        user_id=attempt.user_id,
        organisation_id=attempt.organisation_id,
        at=attempt.ended_at or attempt.began_at,
    )
    return next_url or _build_url(mailbox, "")


def _build_url(mailbox: Integration, next_url: str, *, is_refused: bool = False) -> str:
    query = {"mailbox": str(mailbox.id)}
    if next_url:
        query["next"] = next_url
    if is_refused:
        query["refused"] = "yes"
    return f"{reverse('inbox-allow-sending')}?{urlencode(query)}"


def _find_mailbox(request: HttpRequest, connection_id: UUID | None) -> Integration | None:
    if connection_id is None:
        return None
    own = Integration.objects.live().owned_by(*ownership.get_owner_ids(get_actor(request)))
    of_connection = own.filter(connection_id=connection_id, product="mail")
    return of_connection.select_related("connection").first()
