"""One row of every table whose rows belong to somebody, and what it takes to ask for it."""

from __future__ import annotations

from datetime import timedelta

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.db import connection
from django.utils import timezone

from accounts.ids import uuid7
from accounts.models import Delegation
from config.database.row_owners import get_owned_tables
from integrations.models import (
    Attachment,
    Calendar,
    ConnectAttempt,
    Event,
    Export,
    FeatureRead,
    ItemKind,
    LookupMeans,
    Message,
    Notice,
    PurgeJob,
    QuotaBucket,
    Reconciliation,
    Reply,
    SetAside,
    SupportAct,
    SupportActKind,
    SupportCode,
    SupportLookup,
    SupportQuestion,
    SupportReason,
    Watch,
)
from limited_use.ledger import ledger_key_lifecycle as ledger_keys
from limited_use.models import Consent, Receipt
from limited_use.models.shares import Share, ShareLevel
from limited_use.policy.key_lines import KeyLine
from limited_use.vault import sealing
from tests.drive import fill_drive
from tests.factories import make_approval
from tests.notices import fill_notices
from tests.outbox import fill_outbox


def everything(house, viewer) -> None:
    """Give a household with mail one row at least of everything else."""
    at = timezone.now()
    user = house.user
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    _found_by_support(user, at)
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={"secret": "s"})
    integration, account = house.integration, house.connection
    owner = {"user_id": house.user.id, "organisation_id": house.organisation.id}
    seal = sealing.get_sealer(holder=integration.id, epoch=integration.epoch).seal_value
    message = Message.objects.filter(integration=integration).first()
    attachment, aside = uuid7(), uuid7()
    Attachment.objects.create(
        id=attachment,
        message=message,
        integration_id=integration.id,
        position=90,
        size=1,
        is_inline=False,
        descriptor=seal(Attachment, "descriptor", row=attachment, data="{}"),
    )
    SetAside.objects.create(
        id=aside,
        integration=integration,
        remote_blind=uuid7().bytes * 2,
        remote_id=seal(SetAside, "remote_id", row=aside, data="m1"),
        reason="unreadable",
        first_seen_at=at,
        last_tried_at=at,
    )
    Reconciliation.objects.create(
        integration=integration,
        compared_at=at,
        provider_count=1,
        our_count=1,
        missing_count=0,
        extra_count=0,
    )
    calendar = a_calendar(house)
    Share.objects.create(
        owner_id=house.user.id,
        organisation_id=house.organisation.id,
        viewer_id=viewer.user.id,
        owner_membership=house.membership.id,
        viewer_membership=viewer.membership.id,
        item=uuid7(),
        level=ShareLevel.FREEBUSY,
        given_at=at,
        withdrawn_at=at,
    )
    Consent.objects.create(
        owner_id=house.user.id,
        organisation_id=house.organisation.id,
        feature="planted",
        version=1,
        given_at=at,
    )
    Delegation.objects.create(feature="inbox-widget", feature_version=1, switched_on_at=at, **owner)
    if not QuotaBucket.objects.filter(connection=account).exists():
        QuotaBucket.objects.create(connection=account, units=1, counted_at=at)
    Notice.objects.create(connection=account, kind="reconnect", about_since=at, told_at=at)
    Watch.objects.create(
        integration=integration,
        connection=account,
        resource=f"calendar:{calendar.id}",
        kind="topic",
        wanted_at=at,
        due_at=at,
        lookup_blind=uuid7().bytes * 2,
    )
    Export.objects.create(integration=integration, asked_at=at, **owner)
    FeatureRead.objects.create(
        integration=integration,
        feature="inbox-widget",
        delegation_id=uuid7(),
        first_read_at=at,
        last_read_at=at,
        **owner,
    )
    fill_outbox(integration, at)
    fill_drive(integration, at)
    fill_notices(integration, at)
    Reply.objects.create(
        integration=integration,
        key_blind=uuid7().bytes * 2,
        body_blind=bytes(32),
        began_at=at,
        **owner,
    )
    ConnectAttempt.objects.create(
        provider="google",
        product="mail",
        state_hash=uuid7().bytes * 2,
        session_hash=bytes(32),
        began_at=at,
        expires_at=at + timedelta(minutes=10),
        **owner,
    )
    make_approval(house.user, house.organisation, at=at)
    PurgeJob.objects.create(
        integration=integration,
        trigger="owner",
        next_try_at=at,
        fenced_at=at,
        content_key_id="",
        **owner,
    )
    Receipt.objects.create(
        subject_id=integration.id, owner_id=house.user.id, document=b"{}", created_at=at
    )
    ledger_keys.create_ledger_key(holder=account.id, at=at)


def a_calendar(house, **values) -> Calendar:
    """Return a calendar of theirs with one event, which nothing opens."""
    at = timezone.now()
    owner = {"user_id": house.user.id, "organisation_id": house.organisation.id}
    calendar = Calendar.objects.create(
        integration=house.integration,
        remote_blind=uuid7().bytes * 2,
        role="owner",
        added_at=at,
        asked_at=at,
        **owner,
        **values,
    )
    row = uuid7()
    cache = sealing.create_sealer(holder=calendar.cache_id, line=KeyLine.CONTENT, at=at, epoch=1)
    Event.objects.create(
        id=row,
        calendar=calendar,
        integration_id=house.integration.id,
        cache_id=calendar.cache_id,
        kind="single",
        remote_blind=uuid7().bytes * 2,
        first_week=1,
        synced_at=at,
        timing=cache.seal_value(Event, "timing", row=row, data="{}"),
        **owner,
    )
    return calendar


def _found_by_support(user, at) -> None:
    """Give a person what an agent of long ago did, who is nobody of the test."""
    SupportCode.objects.create(
        user=user, code_hash=uuid7().bytes * 2, made_at=at, expires_at=at + timedelta(minutes=10)
    )
    lookup = SupportLookup.objects.create(
        search_id=uuid7(),
        agent_id=uuid7(),
        means=LookupMeans.ADDRESS,
        user=user,
        reason=SupportReason.OTHER,
        opened_at=at,
        expires_at=at + timedelta(minutes=30),
    )
    common = {"agent_id": lookup.agent_id, "lookup": lookup, "user": user, "asked_at": at}
    SupportAct.objects.create(
        kind=SupportActKind.REVOKE_PERSON,
        reason=SupportReason.OTHER,
        text="lost",
        ticket="1",
        next_try_at=at,
        **common,
    )
    SupportQuestion.objects.create(
        kind=ItemKind.MESSAGE,
        reason=SupportReason.OTHER,
        text="which?",
        expires_at=at + timedelta(days=7),
        **common,
    )


def counts() -> dict[str, int]:
    """
    Return how many rows whoever asks is shown of each table, by a query without any filter.

    Tables that whoever asks may not read are left out.
    """
    with connection.cursor() as cursor:
        found = {}
        for table in sorted(get_owned_tables()):
            cursor.execute("SELECT has_table_privilege(%s, 'SELECT')", [table])
            if not cursor.fetchone()[0]:
                continue
            cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608 - of our models
            found[table] = cursor.fetchone()[0]
    return found
