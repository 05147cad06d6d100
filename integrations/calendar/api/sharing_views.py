"""`/calendars/{calendar}/shares` and `/shares`: shares that a person has given and received."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actors import Actor
from integrations.access import calendar_permits
from integrations.calendar import sharing
from integrations.calendar.sharing import CalendarShare
from integrations.web.api.api_views import UserDataView
from limited_use.models.shares import ShareLevel
from limited_use.policy.feature_registry import FEATURES

from .serializers import sharing as shapes


class SharingView(UserDataView):
    """Shares are between people: a feature sees none."""

    def check_client(self, actor: Actor) -> None:
        super().check_client(actor)
        calendar_permits.refuse_client_for_others(actor=actor, at=self.at)

    def build_list_response(self, calendar_shares: list[CalendarShare]) -> Response:
        return Response(
            {
                "data": [
                    self.serialize_share(calendar_share) for calendar_share in calendar_shares
                ],
                "next_cursor": None,
                "has_more": False,
                "request_id": self.request_id,
            }
        )

    def serialize_share(self, calendar_share: CalendarShare) -> dict[str, Any]:
        share = calendar_share.share
        is_owner = share.owner_id == self.user_id
        return {
            "id": share.id,
            "calendar_id": calendar_share.calendar.id,
            "direction": "given" if is_owner else "received",
            # The owner must not learn whether the address has an account.
            "address": calendar_share.other if is_owner else None,
            "user_id": None if is_owner else share.owner_id,
            "platform_id": calendar_share.owner_platform_id,
            "name": None if is_owner else calendar_share.other,
            "level": share.level,
            "given_at": share.given_at,
            "expires_at": share.expires_at,
        }


class CalendarSharesView(SharingView):
    @extend_schema(operation_id="list_calendar_shares", responses={200: shapes.ShareListSerializer})
    def get(self, request: Request, calendar_id: UUID, **_: Any) -> Response:
        """Return the addresses with which an own calendar is shared."""
        self.get_query(request)
        return self.build_list_response(
            sharing.list_calendar_shares(actor=self.actor, calendar_id=calendar_id, at=self.at)
        )

    @extend_schema(
        operation_id="share_calendar",
        request=shapes.NewShareSerializer,
        responses={202: shapes.AcceptedSerializer},
    )
    def post(self, request: Request, calendar_id: UUID, **_: Any) -> Response:
        """Share with a member of the organisation. The response hides whether one exists."""
        self.get_query(request)
        fields = self.get_body(request, shapes.NewShareSerializer)
        self.count_request(request, sharing.RATE)
        sharing.share_calendar(
            actor=self.actor,
            calendar_id=calendar_id,
            email=fields["email"],
            level=ShareLevel(fields["level"]),
            version=fields["version"],
            expires_at=fields.get("expires_at"),
            at=self.at,
        )
        disclosure = FEATURES[sharing.FEATURE].disclosure
        return Response({"status": "accepted", "disclosure": disclosure}, status=202)


class ShareListView(SharingView):
    @extend_schema(operation_id="list_shares", responses={200: shapes.ShareListSerializer})
    def get(self, request: Request, **_: Any) -> Response:
        """Return all current shares, given and received."""
        self.get_query(request)
        given_shares = sharing.list_given_shares(actor=self.actor, at=self.at)
        return self.build_list_response(
            [*given_shares, *sharing.list_received_shares(actor=self.actor, at=self.at)]
        )


class ShareDetailView(SharingView):
    @extend_schema(operation_id="end_share", responses={204: None})
    def delete(self, request: Request, share_id: UUID, **_: Any) -> HttpResponse:
        """End a share for its owner or its recipient."""
        self.get_query(request)
        sharing.end_share(actor=self.actor, share_id=share_id, at=self.at)
        return HttpResponse(status=204)
