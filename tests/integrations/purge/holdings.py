"""A mailbox as a sync leaves it, written as rows: something in every holding."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from accounts.ids import uuid7
from accounts.models import Organisation, User
from integrations.models import (
    Approval,
    Attachment,
    AttemptOutcome,
    ConnectAttempt,
    Connection,
    Export,
    FeatureRead,
    Integration,
    IntegrationStatus,
    Message,
    MessageBody,
    Notice,
    NoticeKind,
    QuotaBucket,
    Reconciliation,
    Reply,
    SetAside,
    SyncWork,
    Thread,
    Watch,
    WatchKind,
    WatchStatus,
)
from limited_use.policy.key_lines import KeyLine
from limited_use.vault import blind_index, data_keys
from limited_use.vault.sealing import Sealer, get_sealer
from tests import grants
from tests.drive import fill_drive
from tests.notices import fill_notices
from tests.outbox import fill_outbox

REFRESH_TOKEN = "1//refresh"
SCOPES = ["openid", "https://www.googleapis.com/auth/gmail.readonly"]

Owner = dict[str, UUID]


@dataclass(frozen=True)
class PersonWithHoldings:
    user: User
    organisation: Organisation


def person(
    at: datetime, name: str = "alice", organisation: Organisation | None = None
) -> PersonWithHoldings:
    mark = uuid7().hex
    organisation = organisation or Organisation.objects.create(
        platform_id=f"org-{mark}", name="Antares", founded_at=at
    )
    user = User.objects.create(
        platform_id=f"{name}-{mark}",
        email=f"{name}-{mark}@antares.example",
        name=name,
        registered_at=at,
        last_seen_at=at,
    )
    return PersonWithHoldings(user, organisation)


def connection(
    who: PersonWithHoldings, *, at: datetime, account: str = "sub-1", token: str = REFRESH_TOKEN
) -> Connection:
    made = Connection(
        user=who.user,
        organisation=who.organisation,
        provider="google",
        account_blind=blind_index.compute_blind("google.sub", account),
        asked_scopes=SCOPES,
        granted_scopes=SCOPES,
        connected_at=at,
    )
    grants.seal(
        made,
        email="alice@gmail.example",
        access_token="ya29.access",
        refresh_token=token,
        at=at,
    )
    made.save(force_insert=True)
    QuotaBucket.objects.create(connection=made, units=5, counted_at=at)
    Notice.objects.create(connection=made, kind=NoticeKind.RECONNECT, about_since=at, told_at=at)
    ConnectAttempt.objects.create(
        user=who.user,
        organisation=who.organisation,
        provider="google",
        product="mail",
        connection=made,
        state_hash=uuid7().bytes * 2,
        session_hash=b"s" * 32,
        asked_scopes=SCOPES,
        outcome=AttemptOutcome.CONNECTED,
        began_at=at,
        expires_at=at,
        ended_at=at,
    )
    # There is one for a person and product, whichever account it is about.
    Approval.objects.get_or_create(
        user=who.user,
        organisation=who.organisation,
        provider="google",
        product="mail",
        defaults={
            "connection": made,
            "state_hash": uuid7().bytes * 2,
            "asked_at": at,
            "expires_at": at,
        },
    )
    return made


def integration(
    of: Connection, *, at: datetime, messages: int = 3, product: str = "mail"
) -> Integration:
    made = Integration.objects.create(
        connection=of,
        product=product,
        status=IntegrationStatus.ACTIVE,
        status_since=at,
        switched_on_at=at,
    )
    data_keys.create_data_key(holder=made.id, line=KeyLine.CONTENT, at=at, epoch=made.epoch)
    with_key = get_sealer(holder=made.id, epoch=made.epoch)
    work_id, aside_id = uuid7(), uuid7()
    SyncWork.objects.create(
        id=work_id,
        integration=made,
        next_sync_at=at,
        cursor=with_key.seal_value(SyncWork, "cursor", row=work_id, data="history-7"),
    )
    SetAside.objects.create(
        id=aside_id,
        integration=made,
        remote_blind=with_key.compute_blind("message", "poison"),
        remote_id=with_key.seal_value(SetAside, "remote_id", row=aside_id, data="poison"),
        reason="undecodable",
        first_seen_at=at,
        last_tried_at=at,
    )
    Reconciliation.objects.create(
        integration=made,
        compared_at=at,
        provider_count=messages,
        our_count=messages,
        missing_count=0,
        extra_count=0,
    )
    connection = made.connection
    Export.objects.create(
        integration=made,
        user_id=connection.user_id,
        organisation_id=connection.organisation_id,
        asked_at=at,
    )
    FeatureRead.objects.create(
        integration=made,
        user_id=connection.user_id,
        organisation_id=connection.organisation_id,
        feature="inbox-widget",
        delegation_id=uuid7(),
        first_read_at=at,
        last_read_at=at,
    )
    fill_outbox(made, at)
    fill_drive(made, at)
    fill_notices(made, at)
    Reply.objects.create(
        integration=made,
        user_id=connection.user_id,
        organisation_id=connection.organisation_id,
        key_blind=uuid7().bytes * 2,
        body_blind=bytes(32),
        began_at=at,
    )
    watch(made, at=at)
    mail(made, with_key, at=at, count=messages)
    return made


def watch(of: Integration, *, at: datetime, channel: str = "") -> Watch:
    """Return a live watch: of the mailbox, or by a channel of that id."""
    row = Watch(
        id=uuid7(),
        integration=of,
        connection_id=of.connection_id,
        resource=channel or of.product,
        kind=WatchKind.CHANNEL if channel else WatchKind.TOPIC,
        status=WatchStatus.LIVE,
        lookup_blind=blind_index.compute_blind("lookup", channel or f"{of.connection_id}"),
        wanted_at=at,
        due_at=at + timedelta(days=1),
        started_at=at,
        expires_at=at + timedelta(days=7),
    )
    if channel:
        of_account = get_sealer(holder=of.connection_id, epoch=of.connection.epoch)
        row.resource_blind = blind_index.compute_blind("resource", channel)
        row.channel = of_account.seal_value(
            Watch,
            "channel",
            row=row.id,
            data=json.dumps({"id": channel, "resource_id": f"resource-{channel}"}),
        )
    row.save(force_insert=True)
    return row


def mail(of: Integration, with_key: Sealer, *, at: datetime, count: int) -> None:
    owner: Owner = {
        "user_id": of.connection.user_id,
        "organisation_id": of.connection.organisation_id,
    }
    threads, rows, bodies, attachments = [], [], [], []
    for number in range(count):
        thread_id, message_id, attachment_id = uuid7(), uuid7(), uuid7()
        threads.append(_thread(of, with_key, thread_id, message_id, number, at, owner))
        rows.append(
            Message(
                id=message_id,
                integration=of,
                thread_id=thread_id,
                remote_blind=with_key.compute_blind("message", str(number)),
                received_at=at,
                size=900,
                is_unread=False,
                is_starred=False,
                has_attachments=True,
                folders=["inbox"],
                seen_round=1,
                synced_at=at,
                summary=with_key.seal_value(Message, "summary", row=message_id, data=b"{}"),
                **owner,
            )
        )
        content = with_key.seal_value(MessageBody, "content", row=message_id, data=b"x" * 200)
        shown = with_key.seal_value(MessageBody, "shown", row=message_id, data=b"x" * 200)
        bodies.append(
            MessageBody(message_id=message_id, integration_id=of.id, content=content, shown=shown)
        )
        named = with_key.seal_value(Attachment, "descriptor", row=attachment_id, data=b"{}")
        attachments.append(
            Attachment(
                id=attachment_id,
                message_id=message_id,
                integration_id=of.id,
                position=0,
                size=10,
                is_inline=False,
                descriptor=named,
            )
        )
    for made in (threads, rows, bodies, attachments):
        if made:
            type(made[0]).objects.bulk_create(made, batch_size=2000)


def _thread(  # noqa: PLR0917
    of: Integration,
    with_key: Sealer,
    thread_id: UUID,
    message_id: UUID,
    number: int,
    at: datetime,
    owner: Owner,
) -> Thread:
    return Thread(
        id=thread_id,
        integration=of,
        remote_blind=with_key.compute_blind("thread", str(number)),
        first_received_at=at,
        last_received_at=at,
        last_message_id=message_id,
        message_count=1,
        unread_count=0,
        has_attachments=True,
        is_starred=False,
        **owner,
    )
