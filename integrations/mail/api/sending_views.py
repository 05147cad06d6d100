"""`/outbox`: messages that the signed-in person sends. A feature is refused, and recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actors import Actor, ActorKind
from integrations.access import sending_permits
from integrations.access.request_context import ObjectNotFound
from integrations.formats.mime.addresses import MailAddress
from integrations.mail.sending import (
    composed_message,
    outbox_list,
    outbox_messages,
    send_message,
    sending_settings,
)
from integrations.mail.sending.composed_message import InvalidMessage, WrittenMessage
from integrations.mail.sending.send_message import SendingNotAllowed
from integrations.models import Integration, OutboxCommand
from integrations.outbox.command_content import CommandContent, QuoteKind
from integrations.outbox.upload_errors import UploadNotReady
from integrations.providers import PROVIDERS
from integrations.web import idempotency
from integrations.web.api.api_views import UserDataView
from integrations.web.idempotency import IdempotentAttempt, idempotent
from limited_use import traceback_scrubber
from limited_use.guard.guard import AccessRefused

from . import sending_serializers as serializers

#: Errors after which no message was stored: its key may be used for another message.
NOT_STORED = (AccessRefused, ObjectNotFound, SendingNotAllowed, UploadNotReady)


class SendingView(UserDataView):
    """A view for the signed-in person only."""

    def handle_exception(self, error: Exception) -> Response:
        # Frames hold the message: no report may show it.
        traceback_scrubber.clear_frames(error)
        return super().handle_exception(error)

    def check_client(self, actor: Actor) -> None:
        if actor.kind == ActorKind.CLIENT:
            sending_permits.refuse_feature(actor=actor, at=self.at)


class OutboxView(SendingView):
    query = serializers.OutboxListQuerySerializer

    @extend_schema(
        operation_id="list_outbox",
        parameters=[serializers.OutboxListQuerySerializer],
        responses={200: serializers.OutboxMessageListSerializer},
    )
    def get(self, request: Request, **_: Any) -> Response:
        """Return the person's messages of the outbox, newest first."""
        query = self.get_query(request)
        page = outbox_list.get_outbox_page(
            self.request_context, cursor=query.get("cursor"), limit=query["limit"]
        )
        return Response(
            {
                "data": [serialize_command(command) for command in page.rows],
                "next_cursor": page.next_cursor,
                "has_more": page.next_cursor is not None,
                "request_id": self.request_id,
            }
        )

    @extend_schema(
        operation_id="send_message",
        parameters=[idempotency.HEADER],
        request=serializers.NewOutboxMessageSerializer,
        responses={202: serializers.OutboxMessageSerializer},
    )
    @idempotent("send_message", undone=NOT_STORED)
    def post(self, request: Request, *, attempt: IdempotentAttempt, **_: Any) -> HttpResponse:
        """Send a message, once per `Idempotency-Key`."""
        self.check_query(request, None)
        fields = self.get_body(request, serializers.NewOutboxMessageSerializer)
        attempt.read_keyed_request()
        mailbox = send_message.get_own_mailbox(self.request_context, fields["mailbox"])
        written = parse_message(fields)
        content = check_message(written, mailbox)
        earlier_record = attempt.claim(self.request_context, mailbox)
        if earlier_record is not None:
            return idempotency.replay(partial(self._respond, earlier_record.result_id))
        send_message.check_ready(mailbox)
        undo_seconds = fields.get("undo_seconds")
        command = send_message.order_message(
            self.request_context,
            mailbox,
            written,
            content,
            undo_seconds=undo_seconds or sending_settings.get_undo_seconds(mailbox),
            on_stored=lambda stored: attempt.complete_atomically(
                status=HTTPStatus.ACCEPTED, result_id=stored.id
            ),
        )
        return self._respond(command.id)

    def _respond(self, command_id: UUID | None) -> Response:
        if command_id is None:
            raise ObjectNotFound
        command = outbox_list.find_own_command(self.request_context, command_id)
        location = reverse("api-outbox-message", args=[self.kwargs["user"], command.id])
        return Response(
            serialize_command(command),
            status=HTTPStatus.ACCEPTED,
            headers={"Location": location},
        )


class OutboxMessageView(SendingView):
    @extend_schema(
        operation_id="get_outbox_message", responses={200: serializers.OutboxMessageSerializer}
    )
    def get(self, request: Request, command_id: UUID, **_: Any) -> Response:
        """Return the state of one message."""
        self.get_query(request)
        return Response(
            serialize_command(outbox_list.find_own_command(self.request_context, command_id))
        )

    @extend_schema(operation_id="remove_outbox_message", responses={204: None})
    def delete(self, request: Request, command_id: UUID, **_: Any) -> HttpResponse:
        """Delete a settled message."""
        self.get_query(request)
        outbox_messages.discard_outbox_message(self.request_context, command_id)
        return HttpResponse(status=HTTPStatus.NO_CONTENT)


class OutboxUndoView(SendingView):
    @extend_schema(
        operation_id="undo_outbox_message",
        request=None,
        responses={200: serializers.OutboxMessageSerializer},
    )
    def post(self, request: Request, command_id: UUID, **_: Any) -> Response:
        """Take a waiting message back."""
        self.get_query(request)
        command = outbox_messages.undo_outbox_message(self.request_context, command_id)
        return Response(serialize_command(command))


class OutboxLookView(SendingView):
    @extend_schema(
        operation_id="look_for_outbox_message",
        request=None,
        responses={202: serializers.OutboxMessageSerializer},
    )
    def post(self, request: Request, command_id: UUID, **_: Any) -> Response:
        """Look for an unknown message in the mailbox once more."""
        self.get_query(request)
        command = outbox_messages.look_again(self.request_context, command_id)
        return Response(serialize_command(command), status=HTTPStatus.ACCEPTED)


class OutboxSettlementView(SendingView):
    @extend_schema(
        operation_id="settle_outbox_message",
        request=None,
        responses={200: serializers.OutboxMessageSerializer},
    )
    def post(self, request: Request, command_id: UUID, **_: Any) -> Response:
        """Take the person's word that an unknown message was sent."""
        self.get_query(request)
        command = outbox_messages.settle_as_sent(self.request_context, command_id)
        return Response(serialize_command(command))


def check_message(written: WrittenMessage, mailbox: Integration) -> CommandContent:
    """:raises ValidationError: with every problem at once"""
    if PROVIDERS[mailbox.connection.provider].outgoing_mail is None:
        raise ObjectNotFound
    try:
        return composed_message.check_message(written)
    except InvalidMessage as invalid:
        problems = {name: [str(problem)] for name, problem in invalid.problems.items()}
    raise ValidationError(problems)


def parse_message(fields: Mapping[str, Any]) -> WrittenMessage:
    answer = fields.get("answer")
    quote = QuoteKind.NONE
    if answer is not None:
        quote = QuoteKind.FORWARD if answer["mode"] == "forward" else QuoteKind.REPLY
    return WrittenMessage(
        to=parse_recipients(fields["to"]),
        cc=parse_recipients(fields["cc"]),
        bcc=parse_recipients(fields["bcc"]),
        subject=fields["subject"],
        text=fields["text"],
        quote=quote,
        answered_id=None if answer is None else answer["message_id"],
        forwarded_ids=() if answer is None else tuple(answer["attachment_ids"]),
        upload_ids=tuple(fields["upload_ids"]),
    )


def parse_recipients(recipients: Sequence[Mapping[str, str]]) -> tuple[MailAddress, ...]:
    return tuple(MailAddress(entry["name"], entry["address"]) for entry in recipients)


def serialize_command(command: OutboxCommand) -> dict[str, Any]:
    return {
        "id": command.id,
        "mailbox": command.integration_id,
        "state": command.state,
        "problem": command.problem or None,
        "recipient_count": command.recipient_count,
        "file_count": command.file_count,
        "proposed_by": command.proposed_by or None,
        "created_at": command.created_at,
        "changed_at": command.changed_at,
        "undo_until": command.undo_until,
        "sent_at": command.sent_at,
        "bounced_at": command.bounced_at,
    }
