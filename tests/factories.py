"""
Plain functions that make rows as the service makes them: real keys, sealed columns, consent.

Each takes what a test cares about and fills in the rest. The cast has names: alice owns,
bob is a colleague, mallory a stranger.
"""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.actors import Actor, ActorKind
from accounts.ids import uuid7
from accounts.models import Membership, Organisation, User
from integrations.formats.mime import safe_bodies, safe_text
from integrations.models import (
    Approval,
    Attachment,
    AttemptOutcome,
    ConnectAttempt,
    Connection,
    Integration,
    IntegrationStatus,
    Message,
    MessageBody,
    SyncStage,
    SyncWork,
    Thread,
)
from integrations.providers.provider_access import ProviderAccess
from limited_use.agreements import consents
from limited_use.policy.feature_registry import FEATURES
from limited_use.policy.key_lines import KeyLine
from limited_use.vault import blind_index, data_keys, sealing
from limited_use.vault.keyring.keyring_factory import _open_files
from limited_use.vault.keyring.keyring_file import FileKeyring
from tests import grants

GMAIL_READONLY = "https://www.googleapis.com/auth/gmail.readonly"
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)

_count = itertools.count(1)


def make_keyring():
    """Make sure that this process has keys, as an operator's `init_keyring` does."""
    folder = settings.KEYRING.folder
    # Another test may have replaced the keys in this folder.
    data_keys.drop_cached_keys()
    _open_files.cache_clear()
    if folder.is_dir() and any(folder.iterdir()):
        return FileKeyring(folder)
    return FileKeyring.create(folder)


def make_access(token="t0ken", root_url="", account=None):  # noqa: S107 - of nobody
    """Return what an adapter is opened with, for one token; of an account that has no rows."""
    return ProviderAccess(lambda: token, root_url, account or uuid7())


def make_organisation(name="Acme", **values):
    number = next(_count)
    return Organisation.objects.create(
        platform_id=f"org-{number}", name=name, founded_at=EPOCH, **values
    )


def make_user(name="alice", *, organisation=None, password=None, **values):
    """Return a person; a member of `organisation`, if one is given."""
    number = next(_count)
    user = User(
        platform_id=values.pop("platform_id", f"user-{number}"),
        email=values.pop("email", f"{name}-{number}@antares.example"),
        name=name.title(),
        registered_at=values.pop("registered_at", EPOCH),
        last_seen_at=values.pop("last_seen_at", timezone.now()),
        **values,
    )
    user.set_password(password)
    user.save()
    if organisation is not None:
        make_membership(user, organisation)
    return user


def make_membership(user, organisation, **values):
    return Membership.objects.create(
        user=user, organisation=organisation, joined_at=values.pop("joined_at", EPOCH), **values
    )


def actor_for(user, organisation):
    """Return the actor of a request that `user` makes in `organisation`."""
    membership = Membership.objects.live().filter(user=user, organisation=organisation).first()
    return Actor(
        kind=ActorKind.PERSON,
        id=user.id,
        user_id=user.id,
        organisation_id=organisation.id,
        membership_id=membership.id if membership else None,
        membership_epoch=membership.epoch if membership else None,
    )


def make_connection(
    user=None,
    organisation=None,
    *,
    subject=None,
    email=None,
    provider="google",
    access_token="ya29.access",  # noqa: S107
    refresh_token="1//refresh",  # noqa: S107
    expires_in=3600,
    scopes=("email", GMAIL_READONLY, "openid"),
    at=None,
    **values,
):
    """Return a live connection of an account at the provider, its tokens sealed."""
    make_keyring()
    at = at or timezone.now()
    number = next(_count)
    organisation = organisation or make_organisation()
    user = user or make_user(organisation=organisation)
    connection = Connection(
        id=uuid7(),
        user=user,
        organisation=organisation,
        provider=provider,
        account_blind=blind_index.compute_blind(
            f"account.{provider}", subject or f"subject-{number}"
        ),
        connected_at=at,
        asked_scopes=list(scopes),
        granted_scopes=list(scopes),
        access_expires_at=at + timedelta(seconds=expires_in),
        **values,
    )
    grants.seal(
        connection,
        email=email or f"box-{number}@mail.example",
        access_token=access_token,
        refresh_token=refresh_token,
        at=at,
    )
    connection.save(force_insert=True)
    return connection


def make_approval(user, organisation, *, at=None, **values):
    """Return what an administrator was asked to allow, by a link that nobody has."""
    at = at or timezone.now()
    return Approval.objects.create(
        user=user,
        organisation=organisation,
        provider="microsoft",
        product="mail",
        state_hash=uuid7().bytes * 2,
        asked_at=at,
        expires_at=at + timedelta(days=1),
        **values,
    )


def make_attempt(user, organisation, *, at=None, **values):
    """Return a connect that its person turned down, or one with another outcome."""
    at = at or timezone.now()
    given = {
        "provider": "google",
        "product": "mail",
        "state_hash": uuid7().bytes * 2,
        "session_hash": bytes(32),
        "outcome": AttemptOutcome.DENIED,
        "began_at": at,
        "expires_at": at + timedelta(minutes=10),
        **values,
    }
    is_pending = given["outcome"] == AttemptOutcome.PENDING
    given.setdefault("ended_at", None if is_pending else at)
    return ConnectAttempt.objects.create(user=user, organisation=organisation, **given)


def as_agreed(*features: str) -> list[str]:
    """Return what a consent form says of these features: their words as they are now."""
    return [f"{feature}:{FEATURES[feature].version}" for feature in features]


@transaction.atomic
def make_consent(connection, feature="inbox", *, at=None):
    return consents.give(
        person_id=connection.user_id,
        organisation_id=connection.organisation_id,
        feature=feature,
        version=FEATURES[feature].version,
        at=at or timezone.now(),
    )


def make_integration(
    connection=None,
    *,
    product="mail",
    status=IntegrationStatus.ACTIVE,
    consent=True,
    synced=True,
    at=None,
    **values,
):
    """Return a live mail integration with its data key, its owner's consent and its sync work."""
    at = at or timezone.now()
    connection = connection or make_connection(at=at)
    integration = Integration.objects.create(
        connection=connection,
        product=product,
        status=status,
        status_since=at,
        switched_on_at=at,
        **values,
    )
    data_keys.create_data_key(
        holder=integration.id, line=KeyLine.CONTENT, at=at, epoch=integration.epoch
    )
    if consent:
        make_consent(connection, at=at)
    SyncWork.objects.create(
        integration=integration,
        resource=product,
        stage=SyncStage.DELTA if synced else SyncStage.SNAPSHOT,
        next_sync_at=at,
        first_synced_at=at if synced else None,
        last_synced_at=at if synced else None,
    )
    return integration


def make_message(
    integration,
    *,
    subject="Hello",
    text="Body",
    html="",
    sender=("Bob", "bob@example.org"),
    thread=None,
    received_at=None,
    attachments=(),
    remote_id=None,
    unread=True,
    starred=False,
    folders=("inbox",),
    is_shown=True,
):
    """
    Return a message with its body, sealed; `attachments` are (filename, content type, size).

    Without `thread` it begins one of its own; not `is_shown`, its text was not made safe yet.
    """
    at = received_at or timezone.now()
    connection = integration.connection
    sealer = sealing.get_sealer(holder=integration.id, epoch=integration.epoch)
    remote_id = remote_id or f"remote-{next(_count)}"
    owner = {"user_id": connection.user_id, "organisation_id": connection.organisation_id}
    message_id = uuid7()
    attachment_ids = [uuid7() for _ in attachments]
    if thread is None:
        thread = Thread.objects.create(
            integration=integration,
            remote_blind=sealer.compute_blind("thread", remote_id),
            first_received_at=at,
            last_received_at=at,
            last_message_id=message_id,
            message_count=1,
            unread_count=int(unread),
            has_attachments=bool(attachments),
            is_starred=starred,
            **owner,
        )
    message = Message(
        id=message_id,
        integration=integration,
        thread=thread,
        remote_blind=sealer.compute_blind("message", remote_id),
        received_at=at,
        size=len(text) + len(html),
        is_unread=unread,
        is_starred=starred,
        has_attachments=bool(attachments),
        folders=list(folders),
        seen_round=1,
        synced_at=at,
        **owner,
    )
    summary = {
        "provider_id": remote_id,
        "provider_thread_id": remote_id,
        "message_id": f"{remote_id}@example.org",
        "subject": subject,
        "snippet": text[:100],
        "from": [list(sender)],
        "to": [["Alice", "alice@example.org"]],
        "cc": [],
        "bcc": [],
        "reply_to": [],
        "labels": [],
        "attachments": [
            [str(row), name, content_type, size, False]
            for row, (name, content_type, size) in zip(attachment_ids, attachments, strict=True)
        ],
    }
    message.summary = sealer.seal_value(
        Message, "summary", row=message.id, data=json.dumps(summary)
    )
    message.save(force_insert=True)
    body = MessageBody(message=message, integration_id=integration.id)
    content = {"text": text, "html": html, "headers": [["Subject", subject]], "inline": {}}
    body.content = sealer.seal_value(
        MessageBody, "content", row=message.id, data=json.dumps(content)
    )
    if is_shown:
        safe = safe_text.encode_safe_text(safe_bodies.sanitise_text(text, html), {})
        body.shown = sealer.seal_value(MessageBody, "shown", row=message.id, data=safe)
        body.shown_version = safe_bodies.VERSION
    body.save(force_insert=True)
    for position, (name, content_type, size) in enumerate(attachments):
        attachment = Attachment(
            id=attachment_ids[position],
            message=message,
            integration_id=integration.id,
            position=position,
            size=size,
            is_inline=False,
        )
        descriptor = {
            "filename": name,
            "content_type": content_type,
            "content_id": "",
            "part": str(position + 1),
        }
        attachment.descriptor = sealer.seal_value(
            Attachment, "descriptor", row=attachment.id, data=json.dumps(descriptor)
        )
        attachment.save(force_insert=True)
    return message
