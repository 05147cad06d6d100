"""Serializers of the outbox and of proposed drafts."""

from __future__ import annotations

from typing import Final

from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers
from rest_framework.fields import empty

from integrations.mail.sending.composed_message import (
    MAX_FILES,
    MAX_SUBJECT,
    MAX_TEXT,
    UNDO_CHOICES,
)
from integrations.models import OutboxProblem, OutboxState
from integrations.web.api.json_fields import StrictCharField, StrictIntegerField, StrictUUIDField
from integrations.web.api.request_fields import DistinctListField, RequestBodySerializer
from integrations.web.api.serializers import MAX_PAGE_SIZE, CursorField, make_page_serializer

#: Of one field. More than the policy allows, so that the policy refuses and records it.
_MAX_RECIPIENTS: Final = 1_000
_MAX_NAME: Final = 200
_MAX_ADDRESS: Final = 320


@extend_schema_field({"type": "integer", "enum": list(UNDO_CHOICES)})
class UndoSecondsField(StrictIntegerField):
    def to_internal_value(self, data: object) -> int:
        seconds = super().to_internal_value(data)
        if seconds not in UNDO_CHOICES:
            raise serializers.ValidationError("Choose 5, 10, 20 or 30.")
        return seconds


@extend_schema_serializer(component_name="Recipient")
class RecipientSerializer(RequestBodySerializer):
    name = StrictCharField(
        max_length=_MAX_NAME, default="", allow_blank=True, help_text="The display name."
    )
    address = StrictCharField(max_length=_MAX_ADDRESS, help_text="An address without a name.")


def _make_recipient_list(*, required: bool = False) -> serializers.ListField:
    """Return the field of a list, which may be empty."""
    default = empty if required else list
    return serializers.ListField(
        child=RecipientSerializer(), default=default, max_length=_MAX_RECIPIENTS
    )


@extend_schema_serializer(component_name="AnswerOf")
class AnswerOfSerializer(RequestBodySerializer):
    message_id = StrictUUIDField(help_text="A message of the same mailbox.")
    mode = serializers.ChoiceField(
        choices=["forward", "reply", "reply_all"],
        help_text="The text of the message is appended in each mode. The recipients are only those"
        " that the request names.",
    )
    attachment_ids = DistinctListField(
        child=StrictUUIDField(),
        default=list,
        max_length=MAX_FILES,
        help_text="Files of the forwarded message to send along.",
    )

    def validate(self, attrs: dict[str, object]) -> dict[str, object]:
        if attrs["attachment_ids"] and attrs["mode"] != "forward":
            raise serializers.ValidationError(
                {"attachment_ids": ["Only a forwarded message keeps its files."]}
            )
        return attrs


@extend_schema_serializer(component_name="NewOutboxMessage")
class NewOutboxMessageSerializer(RequestBodySerializer):
    mailbox = StrictUUIDField(help_text="Id of the mail integration that sends.")
    to = _make_recipient_list(required=True)
    cc = _make_recipient_list()
    bcc = _make_recipient_list()
    subject = StrictCharField(default="", allow_blank=True, max_length=MAX_SUBJECT)
    text = StrictCharField(
        default="",
        allow_blank=True,
        max_length=MAX_TEXT,
        trim_whitespace=False,
        help_text="Plain text. The signature is appended.",
    )
    answer = AnswerOfSerializer(required=False)
    upload_ids = DistinctListField(
        child=StrictUUIDField(),
        default=list,
        max_length=MAX_FILES,
        help_text="Complete uploads for this mailbox.",
    )
    undo_seconds = UndoSecondsField(
        required=False, help_text="Time to undo. Without it, the person's setting applies."
    )


@extend_schema_serializer(component_name="OutboxMessage")
class OutboxMessageSerializer(serializers.Serializer[None]):
    id = serializers.UUIDField()
    mailbox = serializers.UUIDField()
    state = serializers.ChoiceField(choices=OutboxState.values)
    problem = serializers.ChoiceField(
        choices=[value for value in OutboxProblem.values if value],
        allow_null=True,
        help_text="Why the message failed, or why its outcome is unknown.",
    )
    recipient_count = serializers.IntegerField()
    file_count = serializers.IntegerField()
    proposed_by = serializers.CharField(
        allow_null=True, help_text="The feature that proposed the draft."
    )
    created_at = serializers.DateTimeField()
    changed_at = serializers.DateTimeField()
    undo_until = serializers.DateTimeField(help_text="Until then, a waiting message can be undone.")
    sent_at = serializers.DateTimeField(allow_null=True)
    bounced_at = serializers.DateTimeField(
        allow_null=True, help_text="When a report arrived that it was not delivered."
    )


@extend_schema_serializer(component_name="NewProposal")
class NewProposalSerializer(RequestBodySerializer):
    mailbox = StrictUUIDField(help_text="Id of the mail integration that would send.")
    answer = StrictUUIDField(
        required=False, help_text="Id of the message that the draft answers, in the same mailbox."
    )
    to = _make_recipient_list(required=True)
    cc = _make_recipient_list()
    subject = StrictCharField(default="", allow_blank=True, max_length=MAX_SUBJECT)
    text = StrictCharField(default="", allow_blank=True, max_length=MAX_TEXT, trim_whitespace=False)


@extend_schema_serializer(component_name="ProposalCreated")
class ProposalCreatedSerializer(serializers.Serializer[None]):
    id = serializers.UUIDField()


@extend_schema_serializer(component_name="ProposalRecipient")
class ProposalRecipientSerializer(serializers.Serializer[None]):
    name = serializers.CharField(allow_blank=True)
    address = serializers.CharField()


@extend_schema_serializer(component_name="ProposalSummary")
class ProposalSummarySerializer(serializers.Serializer[None]):
    id = serializers.UUIDField()
    mailbox = serializers.UUIDField()
    proposed_by = serializers.CharField(help_text="The feature.")
    answered_message_id = serializers.UUIDField(allow_null=True)
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(help_text="The end of the proposal.")
    opened_at = serializers.DateTimeField(allow_null=True)
    to = ProposalRecipientSerializer(many=True)
    cc = ProposalRecipientSerializer(many=True)
    subject = serializers.CharField(allow_blank=True)


@extend_schema_serializer(component_name="Proposal")
class ProposalSerializer(ProposalSummarySerializer):
    text = serializers.CharField(allow_blank=True)


OutboxMessageListSerializer = make_page_serializer("OutboxMessageList", OutboxMessageSerializer)
ProposalListSerializer = make_page_serializer("ProposalList", ProposalSummarySerializer)


class OutboxListQuerySerializer(serializers.Serializer[None]):
    """Query parameters of both lists."""

    limit = serializers.IntegerField(min_value=1, max_value=MAX_PAGE_SIZE, default=50)
    cursor = CursorField(required=False)
