"""Notices: the bell and its page, the choice of channels, the link that stops mails, and mails."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.core import mail
from django.db import transaction

from accounts.ids import uuid7
from integrations.access import notice_permits
from integrations.access.facts import NoticeChoice
from integrations.models import Connection, NoticeChannel, OwnerNotice
from integrations.notifications import (
    notice_delivery,
    notice_kinds,
    notice_preferences,
    notice_stop_links,
)
from integrations.outbox import notice_mail
from integrations.providers import PROVIDERS
from limited_use.policy.feature_registry import FEATURES
from tests import factories
from tests.contact_sheets import rows
from tests.contact_sheets.stage import Stage
from tests.contact_sheets.state import Group

GROUP = Group("notices", "Notices")
LIST = "/settings/notices/"
CHOICES = "/settings/notices/choices/"
MESSAGES = [message.key for kind in notice_kinds.list_notice_kinds() for message in kind.messages]
#: Mails of kinds that a person chose; the others are on the sheet of mails.
CHOSEN = [
    message.key
    for kind in notice_kinds.list_notice_kinds()
    if not kind.is_owed
    for message in kind.messages
]


def _owner(stage: Stage) -> dict:
    return {"user_id": stage.user.id, "organisation_id": stage.organisation.id}


def _notice(stage: Stage, message: str, *, hours: int = 0, **more) -> OwnerNotice:
    at = stage.at - timedelta(hours=hours)
    return OwnerNotice.objects.create(
        message=message,
        about=uuid7(),
        episode_at=at,
        provider="google",
        product="mail",
        reason="device_lost",
        until=stage.at + timedelta(days=7),
        created_at=at,
        **_owner(stage),
        **more,
    )


def _allow_sending(stage: Stage) -> str:
    """Return the choice of Alice's mailbox."""
    scopes = PROVIDERS["google"].list_scopes_for({"mail.read", "mail.send"})
    connection = Connection.objects.get(id=stage.mail.connection.id)
    connection.granted_scopes = sorted({*connection.granted_scopes, *scopes})
    connection.save(update_fields=["granted_scopes"])
    return f"mailbox:{stage.mail.integration.id}"


def _fill_form(**channels: str) -> dict:
    chosen = {kind.key: kind.default_channel.value for kind in notice_kinds.list_notice_kinds()}
    form = {f"channel-{key}": value for key, value in (chosen | channels).items()}
    return {**form, "version": FEATURES["mailbox-notices"].version}


@GROUP.state()
def none(stage):
    return stage.add_newcomer().get(LIST)


@GROUP.state()
def every_kind(stage):
    """Half of them are new, and one is done."""
    for number, message in enumerate(MESSAGES):
        _notice(
            stage, message, hours=len(MESSAGES) - number, read_at=stage.at if number % 2 else None
        )
    _notice(stage, "reconnect", resolved_at=stage.at)
    return stage.alice.get(LIST)


@GROUP.state()
def first_page_of_many(stage):
    for number in range(120):
        _notice(stage, MESSAGES[number % len(MESSAGES)])
    return stage.alice.get(LIST)


@GROUP.state()
def last_page(stage):
    ids = [_notice(stage, "calendar_shared").id for _ in range(2)]
    return stage.alice.get(LIST, {"before": max(ids)})


@GROUP.state()
def after_the_last_page(stage):
    return stage.alice.get(LIST, {"before": _notice(stage, "calendar_shared").id})


@GROUP.state(NoticeChannel.PAGE, NoticeChannel.PLATFORM_MAIL)
def choices_without_mailbox(stage):
    return stage.add_newcomer().get(CHOICES)


@GROUP.state()
def choices_before_agreement(stage):
    _allow_sending(stage)
    return stage.alice.get(CHOICES)


@GROUP.state(NoticeChannel.OFF, NoticeChannel.MAILBOX)
def choices_saved(stage):
    mailbox = _allow_sending(stage)
    form = _fill_form(reconnect=mailbox, calendar_shared="off") | {"agree": "on"}
    return stage.alice.post(CHOICES, form, follow=True)


@GROUP.state()
def choices_without_agreement(stage):
    return stage.alice.post(CHOICES, _fill_form(reconnect=_allow_sending(stage)))


@GROUP.state()
def choices_with_changed_terms(stage):
    form = _fill_form(reconnect=_allow_sending(stage)) | {"version": 0, "agree": "on"}
    return stage.alice.post(CHOICES, form)


@GROUP.state()
def choices_refused(stage):
    return stage.alice.post(CHOICES, _fill_form(reconnect="off"))


def _get_stop_path(stage: Stage) -> str:
    kind = notice_kinds.find_notice_kind("calendar_shared")
    url = notice_stop_links.make_stop_url(kind, **_owner(stage))
    return url.removeprefix(settings.PUBLIC_URL)


@GROUP.state()
def stop_link(stage):
    return stage.visitor.get(_get_stop_path(stage))


@GROUP.state()
def stopped(stage):
    return stage.visitor.post(_get_stop_path(stage))


@GROUP.states(CHOSEN)
def mail_of(stage, message):
    kind = notice_kinds.get_kind_of_message(message)
    notice_preferences.choose_channel(
        kind, NoticeChannel.PLATFORM_MAIL, at=stage.at, **_owner(stage)
    )
    notice_delivery.deliver_notice(_notice(stage, message).id, at=stage.at)
    return rows.show_mail(stage, mail.outbox[-1])


@GROUP.states(["calendar_shared", "reconnect_last"])
def mail_in_mailbox(stage, message):
    """A kind that can be stopped, and one that is owed."""
    kind = notice_kinds.get_kind_of_message(message)
    _allow_sending(stage)
    with transaction.atomic():
        factories.make_consent(stage.mail.connection, "mailbox-notices")
    notice_preferences.choose_channel(
        kind,
        NoticeChannel.MAILBOX,
        integration_id=stage.mail.integration.id,
        at=stage.at,
        **_owner(stage),
    )
    connection = Connection.objects.get(id=stage.mail.connection.id)
    choice = NoticeChoice(stage.mail.integration.id, kind.key)
    text = notice_mail._render_text(
        _notice(stage, message),
        connection,
        notice_permits.to_notify_mailbox(choice, at=stage.at),
        stop_url=notice_stop_links.make_stop_url(kind, **_owner(stage)),
        at=stage.at,
    )
    address = "alice@gmail.example"
    return rows.show_mail(stage, mail.EmailMessage(str(kind.title), text, to=[address]))
