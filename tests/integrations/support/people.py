"""People with a row in every table that support may see, and a marker in all that it may not."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from accounts.ids import uuid7
from integrations import connections
from integrations.models import (
    Calendar,
    CalendarRole,
    Connection,
    Event,
    EventKind,
    PurgeJob,
    PurgeTrigger,
    Reconciliation,
    SetAside,
    SyncWork,
    Watch,
    WatchKind,
    WatchStatus,
)
from limited_use.models import Receipt
from limited_use.policy.key_lines import KeyLine
from limited_use.vault import sealing
from tests.api.cast import verified
from tests.factories import (
    make_approval,
    make_connection,
    make_consent,
    make_integration,
    make_message,
    make_organisation,
    make_user,
)

GRAPH = "https://graph.microsoft.com/"
SCOPES = {
    "google": (
        "openid",
        "email",
        "https://www.googleapis.com/auth/gmail.readonly",
        "https://www.googleapis.com/auth/calendar",
        "https://www.googleapis.com/auth/contacts.readonly",
    ),
    "microsoft": ("openid", "email", "profile", "Mail.Read", "Calendars.ReadWrite"),
}


def make_mailbox(name="alice"):
    """Return the mailbox of a person who can confirm that it is them."""
    home = make_organisation()
    user = make_user(name, organisation=home, password="correct horse")
    return make_integration(make_connection(user, home))


def disconnect(integration, at=None):
    """Disconnect a product, as its owner does."""
    connections.disconnect_integration(
        integration_id=integration.id,
        user_id=integration.connection.user_id,
        organisation_id=integration.connection.organisation_id,
        trigger=PurgeTrigger.OWNER,
        at=at or timezone.now(),
    )


def make_everything(name, *, marker="plain", providers=("google",)):
    """Return the person; every address, subject, title and sealed value has the marker."""
    home = make_organisation()
    user = make_user(name, organisation=home, email=f"{name}.{marker}@antares.example")
    verified(user)
    for provider in providers:
        connection = make_connection(
            user,
            home,
            email=f"box.{name}.{marker}@mail.example",
            provider=provider,
            scopes=SCOPES[provider],
        )
        mail = make_integration(connection)
        _fill_mail(mail, marker)
        calendars = make_integration(connection, product="calendar", consent=False)
        make_consent(connection, "calendar")
        _fill_calendar(calendars, marker)
    make_approval(user, home)
    _make_removal(user, home)
    return user


def _fill_mail(integration, marker):
    at = timezone.now()
    make_message(
        integration,
        subject=f"{marker} subject",
        text=f"{marker} text",
        html=f"<p>{marker} html</p>",
        sender=(f"{marker} sender", f"{marker}@sender.example"),
        attachments=[(f"{marker}.pdf", "application/pdf", 12)],
    )
    sealer = sealing.get_sealer(holder=integration.id, epoch=1)
    work = SyncWork.objects.get(integration=integration)
    for column in ("cursor", "position", "label_names"):
        setattr(work, column, sealer.seal_value(SyncWork, column, row=work.id, data=marker))
    work.save()
    item_id = uuid7()
    SetAside.objects.create(
        id=item_id,
        integration=integration,
        remote_blind=uuid7().bytes * 2,
        remote_id=sealer.seal_value(SetAside, "remote_id", row=item_id, data=marker),
        reason="too-deep",
        first_seen_at=at,
        last_tried_at=at,
    )
    _make_watch(integration, "mail", marker)
    Reconciliation.objects.create(
        integration=integration,
        compared_at=at,
        provider_count=1,
        our_count=1,
        missing_count=0,
        extra_count=0,
    )


def _fill_calendar(integration, marker):
    at, calendar_id, cache_id, event_id = timezone.now(), uuid7(), uuid7(), uuid7()
    sealer = sealing.create_sealer(holder=cache_id, line=KeyLine.CONTENT, at=at, epoch=1)
    owner = integration.connection
    Calendar.objects.create(
        id=calendar_id,
        integration=integration,
        user_id=owner.user_id,
        organisation_id=owner.organisation_id,
        cache_id=cache_id,
        remote_blind=uuid7().bytes * 2,
        about=sealer.seal_value(Calendar, "about", row=calendar_id, data=marker),
        cursor=sealer.seal_value(Calendar, "cursor", row=calendar_id, data=marker),
        role=CalendarRole.OWNER,
        added_at=at,
        asked_at=at,
        cached_at=at,
        cached_from=at - timedelta(days=30),
        cached_until=at + timedelta(days=180),
    )
    Event.objects.create(
        id=event_id,
        calendar_id=calendar_id,
        integration_id=integration.id,
        user_id=owner.user_id,
        organisation_id=owner.organisation_id,
        cache_id=cache_id,
        kind=EventKind.SINGLE,
        remote_blind=uuid7().bytes * 2,
        first_week=1,
        last_week=1,
        synced_at=at,
        **{
            column: sealer.seal_value(Event, column, row=event_id, data=marker)
            for column in ("timing", "content", "remote")
        },
    )
    _make_watch(integration, calendar_id.hex, marker)


def _make_watch(integration, resource, marker):
    at, watch_id = timezone.now(), uuid7()
    sealer = sealing.get_sealer(holder=integration.connection_id, epoch=1)
    Watch.objects.create(
        id=watch_id,
        integration=integration,
        connection=integration.connection,
        resource=resource,
        kind=WatchKind.CHANNEL,
        status=WatchStatus.LIVE,
        lookup_blind=uuid7().bytes * 2,
        channel=sealer.seal_value(Watch, "channel", row=watch_id, data=marker),
        wanted_at=at,
        started_at=at,
        expires_at=at + timedelta(days=7),
        due_at=at + timedelta(days=6),
    )


def _make_removal(user, home):
    """Give the person an ended connection with a receipt, as a purge leaves it."""
    at = timezone.now() - timedelta(days=3)
    connection = Connection.objects.create(
        user=user,
        organisation=home,
        provider="google",
        status="ended",
        connected_at=at - timedelta(days=3),
        ended_at=at,
        revocation="confirmed",
    )
    integration = connection.integrations.create(
        product="mail",
        status="purged",
        status_since=at,
        switched_on_at=at - timedelta(days=3),
        switched_off_at=at,
    )
    receipt = Receipt.objects.create(
        subject_id=integration.id, owner_id=user.id, document=b"{}", created_at=at
    )
    PurgeJob.objects.create(
        integration=integration,
        user_id=user.id,
        organisation_id=home.id,
        trigger=PurgeTrigger.OWNER,
        step="done",
        next_try_at=at,
        fenced_at=at,
        emptied_at=at,
        verified_at=at,
        done_at=at,
        receipt_id=receipt.id,
        revocation="confirmed",
        content_key_id="k",
        content_kek_epoch=1,
    )
