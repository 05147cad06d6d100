"""`/proposals`: features propose drafts, and their owner reads and deletes them."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actors import Actor, ActorKind
from accounts.rate_limit_counters import Rate
from integrations.access import client_purposes, permits
from integrations.mail.sending import proposal_list, proposals, send_message
from integrations.mail.sending.composed_message import WrittenMessage
from integrations.mail.sending.proposals import DraftSuggestion
from integrations.models import DraftProposal
from integrations.web import idempotency
from integrations.web.api.api_views import json_response
from integrations.web.idempotency import IdempotentAttempt, idempotent
from limited_use.policy.policy_vocabulary import DataClass, Purpose
from limited_use.sinks import json_sink

from . import sending_serializers as serializers
from .sending_views import NOT_STORED, SendingView, check_message, parse_recipients

#: Proposals of all features to one person. Bounds what a feature learns from refusals.
PROPOSALS: Final = Rate("proposals", 100, 24 * 60 * 60)


class ProposalListView(SendingView):
    query = serializers.OutboxListQuerySerializer

    def check_client(self, actor: Actor) -> None:
        if self.request.method == "POST":
            permits.refuse_undeclared_purpose(actor=actor, at=self.at)
            client_purposes.refuse_other_purpose(
                actor=actor,
                data_class=DataClass.MAIL_CONTENT,
                purpose=Purpose.DRAFT_PROPOSE,
                at=self.at,
            )
        else:
            super().check_client(actor)

    @extend_schema(
        operation_id="list_proposals",
        parameters=[serializers.OutboxListQuerySerializer],
        responses={200: serializers.ProposalListSerializer},
    )
    def get(self, request: Request, **_: Any) -> HttpResponse:
        """Return the drafts that features proposed to the person, newest first."""
        query = self.get_query(request)
        permitted = proposal_list.get_proposal_page(
            self.request_context, cursor=query.get("cursor"), limit=query["limit"]
        )
        return json_response(
            json_sink.render_json_page(
                permitted.rows,
                permits=permitted.permits,
                actor=self.actor,
                shape=_shape_summary,
                at=self.at,
                envelope={
                    "next_cursor": permitted.next_cursor,
                    "has_more": permitted.next_cursor is not None,
                    "request_id": self.request_id,
                },
                under="data",
            )
        )

    @extend_schema(
        operation_id="propose_draft",
        parameters=[idempotency.HEADER],
        request=serializers.NewProposalSerializer,
        responses={201: serializers.ProposalCreatedSerializer},
    )
    @idempotent("propose_draft", undone=NOT_STORED)
    def post(self, request: Request, *, attempt: IdempotentAttempt, **_: Any) -> HttpResponse:
        """Propose a draft to the person, once per `Idempotency-Key`."""
        self.check_query(request, None)
        fields = self.get_body(request, serializers.NewProposalSerializer)
        attempt.read_keyed_request()
        if self.actor.kind != ActorKind.CLIENT:
            raise PermissionDenied
        mailbox = send_message.get_own_mailbox(self.request_context, fields["mailbox"])
        written = WrittenMessage(
            to=parse_recipients(fields["to"]),
            cc=parse_recipients(fields["cc"]),
            bcc=(),
            subject=fields["subject"],
            text=fields["text"],
        )
        content = check_message(written, mailbox)
        earlier_record = attempt.claim(self.request_context, mailbox)
        if earlier_record is not None:
            # Whether the draft still exists is the owner's.
            return idempotency.replay(lambda: _respond(earlier_record.result_id))
        send_message.check_ready(mailbox)
        self.count_request(request, PROPOSALS)
        proposal = proposals.propose_draft(
            self.request_context,
            mailbox,
            DraftSuggestion(content, fields.get("answer")),
            on_stored=lambda stored: attempt.complete_atomically(
                status=HTTPStatus.CREATED, result_id=stored.id
            ),
        )
        return _respond(proposal.id)


class ProposalDetailView(SendingView):
    @extend_schema(operation_id="get_proposal", responses={200: serializers.ProposalSerializer})
    def get(self, request: Request, proposal_id: UUID, **_: Any) -> HttpResponse:
        """Return one proposed draft, and mark it as opened."""
        self.get_query(request)
        permitted = proposal_list.get_proposal(self.request_context, proposal_id)
        (row,) = permitted.rows
        body = json_sink.render_json_object(
            row,
            permits=permitted.permits,
            actor=self.actor,
            shape=proposal_list.shape_proposal,
            at=self.at,
        )
        proposal_list.mark_opened(self.request_context, proposal_id)
        return json_response(body)

    @extend_schema(operation_id="discard_proposal", responses={204: None})
    def delete(self, request: Request, proposal_id: UUID, **_: Any) -> HttpResponse:
        """Delete a proposed draft."""
        self.get_query(request)
        proposal_list.discard_proposal(self.request_context, proposal_id)
        return HttpResponse(status=HTTPStatus.NO_CONTENT)


def _shape_summary(proposal: DraftProposal, opened: Mapping[str, bytes]) -> dict[str, Any]:
    summary = proposal_list.shape_proposal(proposal, opened)
    del summary["text"]
    return summary


def _respond(proposal_id: UUID | None) -> Response:
    return Response({"id": proposal_id}, status=HTTPStatus.CREATED)
