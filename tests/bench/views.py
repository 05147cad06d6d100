"""
The baselines' pages: our own view, less guard, vault and ledger; and one as DRF would have it.

They stand behind the same middleware, sign-in and permissions, and read the same query parameters.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import connection, models
from django.http import HttpResponse
from rest_framework import serializers as drf
from rest_framework.generics import ListAPIView
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request

from integrations.access.request_context import RequestContext
from integrations.mail import mail_row_types
from integrations.mail.api import serializers
from integrations.mail.api.views import MailView
from integrations.mail.mail_row_types import MessageRow
from integrations.models import LIVE
from integrations.web import page_cursors
from integrations.web.api.api_views import json_response
from integrations.web.page_cursors import CursorPagePosition
from limited_use.sinks.json_sink import dump_json
from tests.bench.models import ColumnMessage, FernetMessage, PlainMessage

COLUMNS = (
    "id", "integration_id", "thread_id", "received_at", "size", "is_unread", "is_starred",
    "has_attachments", "folders", "summary", "labels",
)  # fmt: skip


# Which account each row came by. Ours asks the same tables, and more of them.
_ACCOUNTS = """
SELECT i.id, i.connection_id, i.status
  FROM integrations_integration i
  JOIN integrations_connection c ON c.id = i.connection_id
 WHERE c.user_id = %s AND c.organisation_id = %s AND i.product = 'mail' AND i.status <> 'purged'
"""


def find_accounts(asked: RequestContext) -> dict[UUID, UUID]:
    with connection.cursor() as cursor:
        cursor.execute(_ACCOUNTS, [asked.user_id, asked.actor.organisation_id])
        return {one: account for one, account, status in cursor.fetchall() if status in LIVE}


class UnguardedList(MailView):
    """
    `integrations.mail.api.views.MessageListView` on a table that holds the same text as it is read.
    """

    query = serializers.MessageListQuerySerializer
    model: type[models.Model]

    def get(self, request: Request, **_: Any) -> HttpResponse:
        page = self.get_page_arguments(request)
        asked, limit, filters = self.request_context, page["limit"], page["filters"]
        accounts = find_accounts(asked)
        found = self.model.objects.filter(
            user_id=asked.user_id, organisation_id=asked.actor.organisation_id
        )
        rows = list(found.order_by("-received_at", "-id").only(*COLUMNS)[: limit + 1])
        shown = rows[:limit]
        following = None
        if len(rows) > limit:
            following = page_cursors.write(
                CursorPagePosition(shown[-1].received_at, shown[-1].id),
                kind="messages",
                audience=asked.audience_key,
                filters=filters.canonical_json,
                at=asked.at,
            )
        data = [
            mail_row_types.shape_message_summary(
                MessageRow(row, accounts.get(row.integration_id)),
                {"summary": row.summary, "labels": row.labels},
            )
            for row in shown
        ]
        envelope = {**page["envelope"], "next_cursor": following, "has_more": following is not None}
        return json_response(dump_json({**envelope, "data": data}))


class PlainList(UnguardedList):
    model = PlainMessage


class FernetList(UnguardedList):
    model = FernetMessage


class ColumnSerializer(drf.ModelSerializer):
    class Meta:
        model = ColumnMessage
        fields = (
            "id", "connection_id", "thread_id", "subject", "sender", "to", "cc", "bcc", "reply_to",
            "received_at", "snippet", "is_unread", "is_starred", "folders", "labels",
            "has_attachments", "size",
        )  # fmt: skip


class Newest(CursorPagination):
    page_size = 50
    ordering = ("-received_at", "-id")


class ColumnList(MailView, ListAPIView):
    """What a Django project writes first: a model, a `ModelSerializer`, a list view."""

    serializer_class = ColumnSerializer
    pagination_class = Newest

    def get_queryset(self) -> models.QuerySet[ColumnMessage]:
        return ColumnMessage.objects.filter(
            user_id=self.user_id, organisation_id=self.organisation_id
        )
