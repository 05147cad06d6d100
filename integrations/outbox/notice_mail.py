"""
Notices in a person's own mailbox: a command each, in fixed words, from the mailbox to itself.

A command holds no text. Its text is made when it is sent, under the permit of that moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from accounts import display_times
from accounts.actors import SYSTEM
from accounts.models import User
from integrations.access import fences, notice_permits
from integrations.access.facts import NoticeChoice
from integrations.formats.mime.addresses import MailAddress
from integrations.models import (
    Connection,
    Integration,
    OutboxCommand,
    OutboxKind,
    OwnerNotice,
)
from integrations.notifications import (
    notice_delivery,
    notice_details,
    notice_kinds,
    notice_stop_links,
)
from integrations.providers import errors
from integrations.providers.outgoing_mail import OutgoingMail
from limited_use.access_request import Permit
from limited_use.notifications.platform_mail import AUTOMATIC_HEADERS, list_stop_headers
from limited_use.sinks import notification_sink, provider_sink
from limited_use.sinks.notification_sink import SealedRow, TemplateItem

from . import commands
from .outbox_turn import OutboxTurn

_CARRIER: Final = "mailbox_notice"


class MailboxNotice:
    """A kind of command: see `outbox_turn.CommandKind`."""

    def authorize(self, command: OutboxCommand, *, at: datetime) -> None:
        _get_permit(command, at=at)

    def build_mail(self, turn: OutboxTurn) -> OutgoingMail:
        command, at = turn.command, turn.clock()
        notice = _find_notice(command)
        permit = _get_permit(command, at=at)
        connection = command.integration.connection
        if connection.email is None:
            raise errors.Gone("the account has no address")
        address = provider_sink.open_text(connection.email, permit, to=turn.adapter.access, at=at)
        own_address = MailAddress("", address)
        kind = notice_kinds.get_kind_of_message(notice.message)
        stop_url = notice_stop_links.make_stop_url(
            kind, user_id=notice.user_id, organisation_id=notice.organisation_id
        )
        return OutgoingMail(
            tag=turn.tag,
            sender=own_address,
            to=(own_address,),
            cc=(),
            bcc=(),
            subject=str(kind.title),
            text=_render_text(notice, connection, permit, stop_url=stop_url, at=at),
            in_reply_to="",
            references=(),
            thread_id="",
            replied_message_id="",
            sent_at=at,
            headers=tuple((AUTOMATIC_HEADERS | list_stop_headers(stop_url)).items()),
        )


def store_mailbox_notice(notice_id: UUID, *, at: datetime) -> bool:
    """
    Store the command of a notice, once; return False if it is delivered, or goes elsewhere.

    :raises fences.DisconnectedError:
    """
    with transaction.atomic(durable=True):
        notice = OwnerNotice.objects.filter(id=notice_id, routed_at=None).first()
        if notice is None:
            return False
        kind = notice_kinds.get_kind_of_message(notice.message)
        chosen = notice_delivery.choose_live_channel(notice, at=at)
        if chosen.integration_id is None:
            # The choice or the mailbox has changed: the sweep delivers it.
            return False
        integration = Integration.objects.select_related("connection").get(id=chosen.integration_id)
        # A disconnect and a reconnect lock in the same order.
        fences.lock_integration(integration_id=integration.id, epoch=integration.epoch)
        if not notice_delivery.mark_routed(notice.id, at=at):
            return False
        commands.store_notice_command(integration, notice_kind=kind.key, notice_id=notice.id, at=at)
    return True


def stop_queued_notices(
    *, user_id: UUID, organisation_id: UUID, kind: str | None = None, at: datetime
) -> int:
    """
    Stop notices that have not been sent; return how many. Owed ones go to the default channel.

    :param kind: key of a `NoticeKindSpec`; None: all kinds
    """
    queued = OutboxCommand.objects.filter(
        user_id=user_id, organisation_id=organisation_id, kind=OutboxKind.NOTICE
    )
    if kind is not None:
        queued = queued.filter(notice_kind=kind)
    notice_delivery.redeliver_owed_notices(queued.lock_unsent_notices())
    return queued.stop(at=at)


def _find_notice(command: OutboxCommand) -> OwnerNotice:
    notices = OwnerNotice.objects.filter(user_id=command.user_id)
    notice = notices.filter(id=command.notice_id).first() if command.notice_id else None
    if notice is None:
        raise errors.Gone("the notice was deleted")
    return notice


def _get_permit(command: OutboxCommand, *, at: datetime) -> Permit:
    choice = NoticeChoice(command.integration_id, command.notice_kind)
    return notice_permits.to_notify_mailbox(choice, at=at)


def _render_text(
    notice: OwnerNotice, connection: Connection, permit: Permit, *, stop_url: str, at: datetime
) -> str:
    message = notice_kinds.get_notice_message(notice.message)
    arguments = [notice.about] if message.has_subject else []
    reader = User.objects.only("time_zone", "date_format").get(id=notice.user_id)
    with display_times.show_times_for(reader):
        words = notice_details.make_page_words(
            notice_details.get_details(notice), format_until=display_times.format_day_and_zone
        )
    text = notification_sink.render_notification(
        _CARRIER,
        [SealedRow(connection, {"email": connection.email})],
        permits={(permit.holder, permit.use.data_class): permit},
        actor=SYSTEM,
        shape=_show_address,
        at=at,
        context={
            "message": str(message.text) % words,
            "url": _make_url(message.route_name, *arguments),
            "choices_url": _make_url("settings-notice-choices"),
            "stop_url": stop_url,
        },
    )
    return text.decode()


def _make_url(route_name: str, *arguments: UUID) -> str:
    return f"{settings.PUBLIC_URL}{reverse(route_name, args=arguments)}"


def _show_address(_: Any, opened: Mapping[str, bytes]) -> TemplateItem:
    return TemplateItem({}, {"address": opened["email"].decode()})
