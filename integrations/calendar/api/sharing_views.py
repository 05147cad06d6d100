"""`/calendars/{calendar}/shares` and `/shares`: with whom a person shares, and what with them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actors import ActorKind
from integrations.access.request_context import NotFound
from integrations.calendar import sharing
from integrations.calendar.sharing import Standing
from integrations.web.api.base import OwnView
from limited_use.models.shares import ShareLevel
from limited_use.policy.features import FEATURES

from .serializers import sharing as shapes


class SharingView(OwnView):
    """Sharing is between people: there is none for a feature."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if self.actor.kind != ActorKind.PERSON:
            raise NotFound

    def answer(self, found: list[Standing]) -> Response:
        return Response(
            {
                "data": [self.shape(one) for one in found],
                "next_cursor": None,
                "has_more": False,
                "request_id": self.request_id,
            }
        )

    def shape(self, one: Standing) -> dict[str, Any]:
        share = one.share
        is_mine = share.owner_id == self.user_id
        return {
            "id": share.id,
            "calendar_id": one.calendar.id,
            "direction": "given" if is_mine else "received",
            # Whether anybody has the address, and who, is not for the owner to find out.
            "address": one.other if is_mine else None,
            "user_id": None if is_mine else share.owner_id,
            "name": None if is_mine else one.other,
            "level": share.level,
            "given_at": share.given_at,
            "expires_at": share.expires_at,
        }


class CalendarShares(SharingView):
    @extend_schema(operation_id="list_calendar_shares", responses={200: shapes.ShareList})
    def get(self, request: Request, calendar_id: UUID, **_: Any) -> Response:
        """Return the addresses with which a calendar of the person's own is shared."""
        self.asked(request)
        return self.answer(
            sharing.of_calendar(actor=self.actor, calendar_id=calendar_id, at=self.at)
        )

    @extend_schema(
        operation_id="share_calendar",
        request=shapes.NewShare,
        responses={202: shapes.Accepted},
    )
    def post(self, request: Request, calendar_id: UUID, **_: Any) -> Response:
        """
        Share with whoever of the organisation has the address.

        The answer is the same whether anybody has. `version` is that of the words of
        `calendar-sharing` which were shown and agreed to.
        """
        self.asked(request)
        wanted = self.given(request, shapes.NewShare)
        self.count(request, sharing.RATE)
        sharing.share(
            actor=self.actor,
            calendar_id=calendar_id,
            email=wanted["email"],
            level=ShareLevel(wanted["level"]),
            version=wanted["version"],
            expires_at=wanted.get("expires_at"),
            at=self.at,
        )
        disclosure = FEATURES[sharing.FEATURE].disclosure
        return Response({"status": "accepted", "disclosure": disclosure}, status=202)


class ShareList(SharingView):
    @extend_schema(operation_id="list_shares", responses={200: shapes.ShareList})
    def get(self, request: Request, **_: Any) -> Response:
        """Return every share that stands: those given, and those received."""
        self.asked(request)
        mine = sharing.given(actor=self.actor, at=self.at)
        return self.answer([*mine, *sharing.received(actor=self.actor, at=self.at)])


class ShareDetail(SharingView):
    @extend_schema(operation_id="end_share", responses={204: None})
    def delete(self, request: Request, share_id: UUID, **_: Any) -> HttpResponse:
        """End a share: taken back by its owner, or left by who is shown it."""
        self.asked(request)
        sharing.end(actor=self.actor, share_id=share_id, at=self.at)
        return HttpResponse(status=204)
