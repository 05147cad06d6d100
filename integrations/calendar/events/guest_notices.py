"""
Mail that a provider sends to the guests of an event. It counts like the person's own mail.

The guard decides before the provider is called, and the bounds count the request once, however
often it is retried.
"""

from __future__ import annotations

from django.db import transaction

from integrations.access import sending_bounds, sending_permits
from integrations.access.request_context import RequestContext
from integrations.access.sending_bounds import OutgoingMessage
from integrations.formats.event_content import EventContent
from integrations.models import OutgoingKind
from integrations.providers import PROVIDERS
from integrations.providers.calendars import Notify
from limited_use.guard.guard import AccessRefused

from .event_access import ProviderCalendar
from .write_errors import GuestsAlwaysNotified, InvitationRefused


class GuestNotices:
    """The notices of one request."""

    def __init__(
        self, context: RequestContext, provider_calendar: ProviderCalendar, notify: Notify
    ) -> None:
        self._context = context
        self._integration = provider_calendar.calendar.integration
        self._notify = notify
        self._is_authorized = False

    def require_choice(self, *events: EventContent) -> None:
        """
        :param events: the event before and after the write, as far as it exists
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
        guests = {
            attendee.email.casefold()
            for event in events
            for attendee in event.attendees
            if not (attendee.is_self or attendee.is_organizer)
        }
        if self._notify == "none" or not guests or self._is_authorized:
            return
        self._ask_and_count(len(guests))
        self._is_authorized = True

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
