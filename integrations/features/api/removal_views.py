"""`/v1/removals`: what a client's feature has to delete."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import people
from integrations.features import removals
from integrations.features.removals import RemovalState
from integrations.models import FeatureRemoval
from integrations.web.api.api_views import ClientView

from . import serializers


class RemovalListView(ClientView):
    query = serializers.RemovalListQuerySerializer

    @extend_schema(
        operation_id="list_removals",
        parameters=[serializers.RemovalListQuerySerializer],
        responses={200: serializers.RemovalListSerializer},
    )
    def get(self, request: Request) -> Response:
        """Return a page of the removals of the client's feature, oldest first."""
        query = self.get_query(request)
        page = removals.list_removals(
            self.client,
            state=RemovalState(query["state"]),
            cursor=query.get("cursor"),
            limit=query["limit"],
            at=self.at,
        )
        platform_ids = people.find_platform_ids(removals.get_user_ids(page.rows))
        return Response(
            {
                "data": [_present_removal(removal, platform_ids) for removal in page.rows],
                "next_cursor": page.next_cursor,
                "has_more": page.next_cursor is not None,
                "request_id": self.request_id,
            }
        )


class RemovalAcknowledgementView(ClientView):
    @extend_schema(
        operation_id="acknowledge_removal",
        request=None,
        responses={200: serializers.RemovalSerializer},
    )
    def post(self, request: Request, removal_id: UUID) -> Response:
        """Record that the feature deleted its copies. Repeating the request changes nothing."""
        self.get_query(request)
        removal = removals.acknowledge_removal(self.client, removal_id=removal_id, at=self.at)
        return Response(_present_removal(removal, people.find_platform_ids([removal.user_id])))


def _present_removal(removal: FeatureRemoval, platform_ids: dict[UUID, str]) -> dict[str, Any]:
    return {
        "id": removal.id,
        "user": {"id": removal.user_id, "platform_id": platform_ids.get(removal.user_id, "")},
        "delegation": removal.delegation_id,
        "product": removal.product,
        "connection_id": removal.connection_id,
        "integration": removal.integration_id,
        "reason": removal.reason,
        "items": removal.item_ids,
        "last_read_at": removal.last_read_at,
        "issued_at": removal.issued_at,
        "due_at": removal.due_at,
        "acknowledged_at": removal.acknowledged_at,
    }
