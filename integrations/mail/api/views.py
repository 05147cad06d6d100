"""`/messages`, `/threads` and what messages carry."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from integrations import mail
from integrations.mail import Asked, Filters, attachment_response
from integrations.web.api.base import OwnView, json

from . import serializers


class MailView(OwnView):
    @property
    def question(self) -> Asked:
        return Asked(actor=self.actor, user_id=self.user_id, at=self.at)

    def page(self, request: Request) -> dict[str, Any]:
        """Return what `inbox.list_…` is asked for."""
        given = self.asked(request)
        cursor, limit = given.pop("cursor", None), given.pop("limit")
        return {
            "filters": Filters(**given),
            "cursor": cursor,
            "limit": limit,
            "envelope": {"request_id": self.request_id},
        }


class MessageList(MailView):
    query = serializers.MessageListQuery

    @extend_schema(
        operation_id="list_messages",
        parameters=[serializers.MessageListQuery],
        responses={200: serializers.MessageList},
    )
    def get(self, request: Request, **_: Any) -> HttpResponse:
        """Return a page of the person's messages over all mailboxes, newest first."""
        return json(mail.list_messages(self.question, **self.page(request)))


class MessageDetail(MailView):
    @extend_schema(operation_id="get_message", responses={200: serializers.Message})
    def get(self, request: Request, message_id: UUID, **_: Any) -> HttpResponse:
        """Return one message. `body` is sanitised HTML; nothing in it loads from anywhere."""
        self.asked(request)
        return json(mail.read_message(self.question, message_id))


class ThreadList(MailView):
    query = serializers.ListQuery

    @extend_schema(
        operation_id="list_threads",
        parameters=[serializers.ListQuery],
        responses={200: serializers.ThreadList},
    )
    def get(self, request: Request, **_: Any) -> HttpResponse:
        """Return a page of conversations, by their newest message."""
        return json(mail.list_threads(self.question, **self.page(request)))


class ThreadDetail(MailView):
    @extend_schema(operation_id="get_thread", responses={200: serializers.ThreadDetail})
    def get(self, request: Request, thread_id: UUID, **_: Any) -> HttpResponse:
        """Return one conversation with its messages."""
        self.asked(request)
        return json(mail.read_thread(self.question, thread_id))


class AttachmentDetail(MailView):
    @extend_schema(
        operation_id="get_attachment",
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    def get(
        self, request: Request, message_id: UUID, attachment_id: UUID, **_: Any
    ) -> HttpResponseBase:
        """Return the bytes of one attachment, fetched now and kept nowhere."""
        self.asked(request)
        return attachment_response.answer_attachment(
            self.question, message_id=message_id, attachment_id=attachment_id
        )
