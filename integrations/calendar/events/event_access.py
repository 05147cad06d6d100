"""Calendars and events that a person may write to, and the guests that may be notified."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import orjson
from django.db import transaction

from accounts.actors import ActorKind
from integrations.access import calendar_permits, scopes, sending_bounds, sending_permits
from integrations.access.request_context import ObjectNotFound, RequestContext
from integrations.access.sending_bounds import OutgoingMessage
from integrations.calendar import calendar_access, event_codec, refresh_on_read
from integrations.calendar.calendar_access import VisibleCalendar
from integrations.calendar.event_codec import RemoteEventRef
from integrations.calendar.event_lookup import CalendarNotCurrent, EventId
from integrations.formats.event_content import EventContent
from integrations.formats.recurrence.series import StartKey
from integrations.grants import provider_calls
from integrations.models import Calendar, CalendarRole, Event, EventKind, OutgoingKind
from integrations.providers import PROVIDERS
from integrations.providers.calendars import Notify
from integrations.providers.provider_access import ProviderAccess
from limited_use.access_request import Permit
from limited_use.guard.guard import AccessRefused
from limited_use.sinks import provider_sink as own_provider

from .write_errors import (
    CalendarReadOnly,
    GuestsAlwaysNotified,
    InvitationRefused,
    WritePermissionMissing,
)

CAPABILITY: Final = "calendar.write"
_WRITABLE: Final = frozenset({CalendarRole.WRITER, CalendarRole.OWNER})


@dataclass(frozen=True, slots=True)
class EventWriteRequest:
    context: RequestContext
    event_id: EventId


@dataclass(frozen=True, slots=True)
class ProviderCalendar:
    """:param access: the account's credentials; `remote_id` was opened for this account only"""

    visible: VisibleCalendar
    permit: Permit
    access: ProviderAccess
    remote_id: str

    @property
    def calendar(self) -> Calendar:
        return self.visible.calendar


@dataclass(frozen=True, slots=True)
class RemoteEventTarget:
    """:param original_start: of an occurrence without its own exception"""

    provider_calendar: ProviderCalendar
    remote: RemoteEventRef
    original_start: StartKey | None
    is_changed_occurrence: bool

    @property
    def calendar_id(self) -> str:
        """The provider's id of the calendar."""
        return self.provider_calendar.remote_id

    @property
    def series_id(self) -> str:
        """For a single event, its own id."""
        return self.remote.series_id or self.remote.event_id

    @property
    def is_occurrence(self) -> bool:
        return self.is_changed_occurrence or self.original_start is not None


class GuestNotices:
    """
    Mail that a provider sends to the guests of an event, for one request. It counts like the
    person's own mail.

    The guard decides before the provider is called, and the bounds count the request once, however
    often it is tried. A try that finds further guests counts again.
    """

    def __init__(
        self, context: RequestContext, provider_calendar: ProviderCalendar, notify: Notify
    ) -> None:
        self._context = context
        self._integration = provider_calendar.calendar.integration
        self._notify = notify
        self._authorized_guests: frozenset[str] = frozenset()

    def require_choice(self, *events: EventContent) -> None:
        """
        :param events: each event that is written, before and after the write, as far as it exists
        :raises GuestsAlwaysNotified: if the provider mails guests against the person's choice
        """
        provider = PROVIDERS[self._integration.connection.provider]
        if (
            self._notify == "none"
            and provider.always_notifies_guests
            and any(event.attendees for event in events)
        ):
            raise GuestsAlwaysNotified

    def authorize(self, *events: EventContent) -> None:
        """
        Ask whether the provider may mail the guests, and count the request.

        :param events: see `require_choice`, which this calls
        :raises InvitationRefused: also if a bound is reached
        """
        self.require_choice(*events)
        guests = frozenset(
            attendee.email.casefold()
            for event in events
            for attendee in event.attendees
            if not (attendee.is_self or attendee.is_organizer)
        )
        if self._notify == "none" or guests <= self._authorized_guests:
            return
        self._ask_and_count(len(guests))
        self._authorized_guests |= guests

    def _ask_and_count(self, guest_count: int) -> None:
        connection, at = self._integration.connection, self._context.at
        message = OutgoingMessage(
            connection.user_id, connection.organisation_id, OutgoingKind.INVITATION, guest_count
        )
        self._ask(message)
        try:
            with transaction.atomic(durable=True):
                sending_bounds.count_message(message, at=at)
        except sending_bounds.BoundReached:
            # Concurrent requests used the rest of the bound: the guard refuses, and records it.
            self._ask(message)
            raise

    def _ask(self, message: OutgoingMessage) -> None:
        try:
            sending_permits.to_invite_guests(
                actor=self._context.actor,
                integration_id=self._integration.id,
                message=message,
                at=self._context.at,
            )
        except AccessRefused as refusal:
            refused = InvitationRefused(refusal.decision, refusal.entry_id, refusal.use)
            raise refused from refusal


def find_writable_calendar(context: RequestContext, calendar_id: UUID) -> VisibleCalendar:
    """
    Return a calendar that the actor may write to.

    :raises ObjectNotFound, WritePermissionMissing:
    :raises CalendarReadOnly: also if it is shared with the actor
    :raises limited_use.guard.guard.AccessRefused: if the actor is a feature: features write
        nothing
    """
    return _require_writable(context, _look_up_calendars(context, [calendar_id]).get(calendar_id))


def find_event_to_write(request: EventWriteRequest) -> tuple[Event, VisibleCalendar]:
    """
    :raises ObjectNotFound:
    :raises: see `find_writable_calendar`
    """
    row = _get_row(request.event_id)
    calendars = _look_up_calendars(request.context, [row.calendar_id])
    visible = _require_writable(request.context, calendars.get(row.calendar_id))
    return _require_kind(request.event_id, row), visible


def find_event_to_move(
    request: EventWriteRequest, destination_id: UUID
) -> tuple[Event, VisibleCalendar, VisibleCalendar]:
    """
    Return the event's row, its calendar, and the destination.

    :raises: see `find_event_to_write`, for either calendar
    """
    row = _get_row(request.event_id)
    calendars = _look_up_calendars(request.context, [row.calendar_id, destination_id])
    visible = _require_writable(request.context, calendars.get(row.calendar_id))
    _require_kind(request.event_id, row)
    return row, visible, _require_writable(request.context, calendars.get(destination_id))


def allows_calendar_writing(calendar: Calendar) -> bool:
    """Return whether the grant of the calendar's account includes writing."""
    connection = calendar.integration.connection
    return CAPABILITY in scopes.get_usable_capabilities(
        PROVIDERS[connection.provider], connection.granted_scopes
    )


def open_calendar(
    context: RequestContext, visible: VisibleCalendar, access: ProviderAccess | None = None
) -> ProviderCalendar:
    """
    :param access: credentials of the account that both calendars of a move must belong to
    :raises DisconnectedError, limited_use.guard.guard.AccessRefused:
    :raises CalendarNotCurrent: if the calendar list is too old and was not refreshed in time
    """
    if visible.calendar.about is None or not visible.is_known(context.at):
        refresh_on_read.wait_for_refresh(refresh_on_read.request_refresh([visible], at=context.at))
        if visible.calendar.about is None:
            raise CalendarNotCurrent
    permit = calendar_permits.to_write_at_provider(
        actor=context.actor, calendar=visible.calendar, at=context.at
    )
    account_access = access or provider_calls.get_person_access(
        visible.calendar.integration.connection_id
    )
    [remote_id] = own_provider.pick_parts(
        [visible.calendar.about], permit, _read_id, to=account_access, at=context.at
    )
    return ProviderCalendar(visible, permit, account_access, remote_id)


def open_event_target(
    request: EventWriteRequest, row: Event, visible: VisibleCalendar
) -> RemoteEventTarget:
    """
    :raises ObjectNotFound: if the row has no id of the provider
    :raises: see `open_calendar`
    """
    provider_calendar = open_calendar(request.context, visible)
    if row.remote is None:
        raise ObjectNotFound
    [remote] = own_provider.pick_parts(
        [row.remote],
        provider_calendar.permit,
        event_codec.decode_remote,
        to=provider_calendar.access,
        at=request.context.at,
    )
    return RemoteEventTarget(
        provider_calendar, remote, request.event_id.original_start, row.kind == EventKind.CHANGED
    )


def _look_up_calendars(
    context: RequestContext, calendar_ids: Collection[UUID]
) -> Mapping[UUID, VisibleCalendar]:
    """Look up shared calendars only if an id is not that of an own calendar."""
    own_calendars = calendar_access.get_own_calendars(actor=context.actor, user_id=context.user_id)
    by_id = {visible.calendar.id: visible for visible in own_calendars}
    is_owner = context.actor.kind == ActorKind.PERSON and context.actor.user_id == context.user_id
    if is_owner and not by_id.keys() >= set(calendar_ids):
        shared = calendar_access.get_shared_calendars(actor=context.actor, at=context.at)
        by_id = {visible.calendar.id: visible for visible in shared} | by_id
    return by_id


def _require_writable(context: RequestContext, visible: VisibleCalendar | None) -> VisibleCalendar:
    if visible is None:
        raise ObjectNotFound
    if context.actor.kind == ActorKind.CLIENT:
        # The policy refuses features, and the ledger records the refusal.
        calendar_permits.to_write_at_provider(
            actor=context.actor, calendar=visible.calendar, at=context.at
        )
    if visible.share is not None or visible.calendar.role not in _WRITABLE:
        raise CalendarReadOnly
    if not visible.calendar.is_local and not allows_calendar_writing(visible.calendar):
        raise WritePermissionMissing
    return visible


def _get_row(event_id: EventId) -> Event:
    row = Event.objects.filter(id=event_id.row_id).exclude(kind=EventKind.CANCELLED).first()
    if row is None:
        raise ObjectNotFound
    return row


def _require_kind(event_id: EventId, row: Event) -> Event:
    if event_id.original_start is not None and row.kind != EventKind.SERIES:
        raise ObjectNotFound
    return row


def _read_id(about: bytes) -> str:
    return str(orjson.loads(about)["id"])
