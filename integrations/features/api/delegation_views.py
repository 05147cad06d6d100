"""`/v1/delegations`: the people who switched a client's feature on."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.features.delegation_page import get_delegation_page
from integrations.web.api.api_views import ClientView

from . import serializers


class DelegationListView(ClientView):
    query = serializers.ClientPageQuerySerializer

    @extend_schema(
        operation_id="list_delegations",
        parameters=[serializers.ClientPageQuerySerializer],
        responses={200: serializers.DelegationListSerializer},
    )
    def get(self, request: Request) -> Response:
        """Return a page of the client's delegations, the newest first."""
        parameters = self.get_query(request)
        page = get_delegation_page(
            self.client,
            cursor=parameters.get("cursor"),
            limit=parameters["limit"],
            at=self.at,
        )
        return Response({**page, "request_id": self.request_id})
