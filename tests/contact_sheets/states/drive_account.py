"""A connected Drive in Settings: its card, its end, and the agreement to it."""

from __future__ import annotations

from django.core import mail
from django.urls import reverse

from integrations.models import (
    ConnectionStatus,
    DriveFileState,
    Export,
    FileSourceKind,
    Integration,
    IntegrationStatus,
    StatusReason,
)
from tests import drive, factories
from tests.contact_sheets import rows
from tests.contact_sheets.state import Group

GROUP = Group("drive-account", "A connected Drive in Settings")
_SETTINGS = "/settings/integrations/"


@GROUP.states(["new", "in use", "access ended", "permission missing"])
def card(stage, use):
    integration = _connect(stage)
    if use == "in use":
        Integration.objects.filter(id=integration.id).update(saved_file_count=12)
        drive.make_drive_file(integration, stage.at, state=DriveFileState.UPLOADING)
    if use == "access ended":
        connection = integration.connection
        connection.status = ConnectionStatus.REAUTH_REQUIRED
        connection.reauth_since = stage.at
        connection.save()
        Integration.objects.filter(connection=connection).update(
            status=IntegrationStatus.REAUTH_REQUIRED, status_since=stage.at
        )
    if use == "permission missing":
        Integration.objects.filter(id=integration.id).update(
            status=IntegrationStatus.REAUTH_REQUIRED,
            status_reason=StatusReason.SCOPE_MISSING,
            status_since=stage.at,
        )
    return stage.alice.get(_SETTINGS)


@GROUP.state()
def receipt(stage):
    jobs = rows.disconnect_integrations(stage, _connect(stage))
    rows.finish_purge(stage, *jobs)
    return rows.show_mail(stage, mail.outbox[-1])


@GROUP.state()
def disconnect(stage):
    return stage.alice.get(reverse("settings-disconnect", args=[_connect(stage).id]))


@GROUP.state()
def withdraw(stage):
    _connect(stage)
    return stage.alice.get(reverse("settings-feature-withdraw", args=["drive"]))


@GROUP.state()
def export_of_mail(stage):
    _connect(stage)
    mailbox = stage.mail.integration
    export = Export.objects.create(
        integration=mailbox,
        user_id=mailbox.connection.user_id,
        organisation_id=mailbox.connection.organisation_id,
        asked_at=stage.at,
    )
    integration = Integration.objects.get(product="drive")
    drive.make_drive_file(
        integration,
        stage.at,
        source=FileSourceKind.MAIL_EXPORT,
        source_id=export.id,
        source_integration_id=mailbox.id,
        size=None,
    )
    return stage.alice.get(reverse("settings-export", args=[mailbox.id]))


@GROUP.state()
def export_to_confirm(stage):
    _connect(stage)
    mailbox = stage.mail.integration
    return stage.alice.post(reverse("drive-save-export", args=[mailbox.id]), {}, follow=True)


def _connect(stage) -> Integration:
    connection = stage.mail.integration.connection
    integration = factories.make_integration(connection, product="drive", consent=False)
    factories.make_consent(connection, "drive")
    return integration
