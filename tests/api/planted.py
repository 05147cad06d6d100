"""
Views as somebody could write them by mistake, beside the service's own.

They select by an id from the address alone and forget the owner. What stands
between them and another person's mail is the guard; and before it, where rows are hidden, the
database.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import include, path
from django.utils import timezone

from accounts.actors import get_actor
from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from config.urls import handler500
from integrations.access import permits
from integrations.formats.mime import safe_text
from integrations.mail import mail_row_types
from integrations.mail.mail_row_types import MessageRow
from integrations.models import Message, MessageBody
from integrations.web.api.api_views import UserDataView, json_response
from limited_use.policy.policy_vocabulary import DataClass
from limited_use.sinks import json_sink, page_sink
from limited_use.sinks.sealed_rows import SealedRow
from tests.api.cast import MARKER

__all__ = ["handler500"]

WHOLE = (DataClass.MAIL_METADATA, DataClass.MAIL_CONTENT)


def _get_sealed_message(message_id: UUID) -> tuple[Message, SealedRow]:
    message = get_object_or_404(Message, id=message_id)
    sealed = {
        "summary": message.summary,
        "shown": MessageBody.objects.get(message_id=message_id).shown,
    }
    return message, SealedRow(MessageRow(message, None), sealed)


def _shape(row: MessageRow, opened: Mapping[str, bytes]) -> mail_row_types.MailJson:
    return mail_row_types.shape_message(row, opened, safe_text.decode_safe_text(opened["shown"]))


class Anybodys(UserDataView):
    """Asks for permits, but for whichever message the address names."""

    def get(self, request: Any, message_id: UUID, **_: Any) -> HttpResponse:
        message, row = _get_sealed_message(message_id)
        granted = permits.to_display(
            actor=self.actor,
            counts={message.integration_id: 1},
            data_classes=WHOLE,
            at=self.at,
        )
        return json_response(
            json_sink.render_json_object(
                row, permits=granted, actor=self.actor, shape=_shape, at=self.at
            )
        )


class Unasked(UserDataView):
    """Does not even ask: it has no permit."""

    def get(self, request: Any, message_id: UUID, **_: Any) -> HttpResponse:
        _, row = _get_sealed_message(message_id)
        return json_response(
            json_sink.render_json_object(
                row, permits={}, actor=self.actor, shape=_shape, at=self.at
            )
        )


class Broken(UserDataView):
    def get(self, request: Any, **_: Any) -> HttpResponse:
        raise RuntimeError(MARKER)


@require_permission(RolePermission.USE_OWN)
def anybodys_page(request: HttpRequest, message_id: UUID) -> HttpResponse:
    actor, at = get_actor(request), timezone.now()
    message, row = _get_sealed_message(message_id)
    granted = permits.to_display(
        actor=actor, counts={message.integration_id: 1}, data_classes=WHOLE, at=at
    )
    return HttpResponse(
        page_sink.render_document(row, permits=granted, actor=actor, shape=_shape, at=at)
    )


urlpatterns = [
    path("v1/users/<str:user>/anybodys/<uuid:message_id>", Anybodys.as_view()),
    path("v1/users/<str:user>/unasked/<uuid:message_id>", Unasked.as_view()),
    path("v1/users/<str:user>/broken", Broken.as_view()),
    path("anybodys/<uuid:message_id>/", anybodys_page),
    path("", include("config.urls")),
]
