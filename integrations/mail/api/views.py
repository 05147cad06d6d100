"""Views of messages, threads and attachments."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from accounts.actors import Actor
from integrations import mail
from integrations.access import client_purposes
from integrations.mail import MailFilters, attachment_response
from integrations.web.api.api_views import UserDataView, json_response
from limited_use.policy.policy_vocabulary import DataClass, Purpose

from . import serializers


class MailView(UserDataView):
    def check_client(self, actor: Actor) -> None:
        super().check_client(actor)
        client_purposes.refuse_other_purpose(
            actor=actor,
            data_class=DataClass.MAIL_METADATA,
            purpose=Purpose.INBOX_DISPLAY,
            at=self.at,
        )

    def get_page_arguments(self, request: Request) -> dict[str, Any]:
        """Return the arguments of `mail.list_messages` and `mail.list_threads`."""
        parameters = self.get_query(request)
        cursor, limit = parameters.pop("cursor", None), parameters.pop("limit")
        return {
            "filters": MailFilters(**parameters),
            "cursor": cursor,
            "limit": limit,
            "envelope": {"request_id": self.request_id},
        }


class MessageListView(MailView):
    query = serializers.MessageListQuerySerializer

    @extend_schema(
        operation_id="list_messages",
        parameters=[serializers.MessageListQuerySerializer],
        responses={200: serializers.MessageListSerializer},
    )
    def get(self, request: Request, **_: Any) -> HttpResponse:
        """Return a page of the person's messages over all mailboxes, newest first."""
        return json_response(
            mail.list_messages(self.request_context, **self.get_page_arguments(request))
        )


class MessageDetailView(MailView):
    @extend_schema(operation_id="get_message", responses={200: serializers.MessageSerializer})
    def get(self, request: Request, message_id: UUID, **_: Any) -> HttpResponse:
        """Return one message. `body` is sanitised HTML; nothing in it loads from anywhere."""
        self.get_query(request)
        return json_response(mail.read_message(self.request_context, message_id))


class ThreadListView(MailView):
    query = serializers.MailListQuerySerializer

    @extend_schema(
        operation_id="list_threads",
        parameters=[serializers.MailListQuerySerializer],
        responses={200: serializers.ThreadListSerializer},
    )
    def get(self, request: Request, **_: Any) -> HttpResponse:
        """Return a page of conversations, by their newest message."""
        return json_response(
            mail.list_threads(self.request_context, **self.get_page_arguments(request))
        )


class ThreadDetailView(MailView):
    @extend_schema(operation_id="get_thread", responses={200: serializers.ThreadDetailSerializer})
    def get(self, request: Request, thread_id: UUID, **_: Any) -> HttpResponse:
        """Return one conversation with its messages."""
        self.get_query(request)
        return json_response(mail.read_thread(self.request_context, thread_id))


class AttachmentDetailView(MailView):
    @extend_schema(
        operation_id="get_attachment",
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    def get(
        self, request: Request, message_id: UUID, attachment_id: UUID, **_: Any
    ) -> HttpResponseBase:
        """Return the bytes of one attachment, fetched now and kept nowhere."""
        self.get_query(request)
        return attachment_response.answer_attachment(
            self.request_context, message_id=message_id, attachment_id=attachment_id
        )
