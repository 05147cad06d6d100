"""Files of mail and calendars that their owner saves in a Drive."""

from __future__ import annotations

from django.urls import reverse

from integrations.models import Attachment, Connection
from tests import factories
from tests.contact_sheets.state import Group
from tests.integrations.calendar import local_house

GROUP = Group("saving", "Saving attachments, calendars and copies in a Drive")


@GROUP.states(["none", "same account", "other account", "several"])
def attachment(stage, drives):
    _connect_drives(stage, drives)
    found = Attachment.objects.filter(integration_id=stage.mail.integration.id)[0]
    return stage.alice.get(reverse("drive-save-attachment", args=[found.message_id, found.id]))


@GROUP.states(["none", "other account"])
def calendar(stage, drives):
    _connect_drives(stage, drives)
    calendar_id = local_house.create_local_calendar(stage.calendar.actor, "Garden")
    return stage.alice.get(reverse("drive-save-calendar", args=[calendar_id]))


@GROUP.state()
def conversation_with_button(stage):
    _connect_drives(stage, "same account")
    found = Attachment.objects.filter(integration_id=stage.mail.integration.id, is_inline=False)[0]
    return stage.alice.get(reverse("inbox-thread", args=[found.message.thread_id]))


@GROUP.state()
def local_calendar_with_button(stage):
    _connect_drives(stage, "other account")
    calendar_id = local_house.create_local_calendar(stage.calendar.actor, "Garden")
    return stage.alice.get(reverse("settings-local-calendar", args=[calendar_id]))


@GROUP.state()
def export_with_button(stage):
    _connect_drives(stage, "same account")
    return stage.alice.get(reverse("settings-export", args=[stage.mail.integration.id]))


def _connect_drives(stage, drives: str) -> None:
    own: Connection = stage.mail.integration.connection
    if drives in {"same account", "several"}:
        factories.make_integration(own, product="drive", consent=False)
    if drives in {"other account", "several"}:
        other = factories.make_connection(
            own.user, own.organisation, email="alice.other@example.com"
        )
        factories.make_integration(other, product="drive", consent=False)
