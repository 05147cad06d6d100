"""Alice with a connected mailbox, as a connect leaves it; a test says what her provider is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from accounts.actors import Actor, ActorKind
from accounts.ids import uuid7
from accounts.models import Membership, Organisation, User
from config.process_classes import ProcessClass
from integrations import providers
from integrations.connections.products import FIRST_WORK
from integrations.models import (
    Connection,
    Integration,
    Message,
    SyncWork,
    Watch,
    WatchKind,
    WatchStatus,
)
from integrations.operations.sync_products import PRODUCTS
from integrations.sync import sync_engine
from limited_use.agreements import consents
from limited_use.policy.feature_registry import FEATURES
from limited_use.policy.key_lines import KeyLine
from limited_use.vault import blind_index, data_keys
from tests import grants
from tests.fakes import mail as fake
from tests.fakes import pushes
from tests.fakes.mail import FakeMailbox
from tests.fakes.pushes import FakeWatches
from tests.walls import acting_as

READONLY = "https://www.googleapis.com/auth/gmail.readonly"
SCOPES = ["openid", "email", READONLY]


@dataclass
class Household:
    """One person, one connection, one mail integration, its work, and the time."""

    user: User
    organisation: Organisation
    membership: Membership
    connection: Connection
    integration: Integration
    at: datetime

    @property
    def actor(self) -> Actor:
        return Actor(
            kind=ActorKind.PERSON,
            id=self.user.id,
            user_id=self.user.id,
            organisation_id=self.organisation.id,
            membership_id=self.membership.id,
            membership_epoch=self.membership.epoch,
        )

    def read_again(self) -> Household:
        """Return the same household with its rows as they are now, none shared with this one."""
        integration = Integration.objects.select_related(
            "connection__user", "connection__organisation"
        ).get(id=self.integration.id)
        connection = integration.connection
        return replace(
            self,
            user=connection.user,
            organisation=connection.organisation,
            membership=Membership.objects.get(id=self.membership.id),
            connection=connection,
            integration=integration,
        )

    @property
    def work(self) -> SyncWork:
        return SyncWork.objects.get(integration=self.integration)

    @property
    def messages(self):
        return Message.objects.filter(integration=self.integration)

    @property
    def status(self) -> tuple[str, str]:
        self.integration.refresh_from_db()
        return self.integration.status, self.integration.status_reason

    def run(self, **more) -> bool:
        """One run, with the work due, and with the rights of a worker that syncs."""
        self.at = max(self.at, timezone.now()) if not more.pop("travelled", False) else self.at
        SyncWork.objects.filter(integration=self.integration).update(next_sync_at=self.at)
        work_id = self.work.id
        with acting_as(ProcessClass.SYNC):
            return sync_engine.run_sync_turn(PRODUCTS, work_id=work_id, at=self.at, **more)

    def settle(self, limit: int = 50, **more) -> None:
        """Run until nothing is left to do now."""
        for _ in range(limit):
            if not self.run(**more):
                return
        raise AssertionError("still due")


def person(name: str = "alice", organisation: Organisation | None = None, *, at: datetime):
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
    membership = Membership.objects.create(user=user, organisation=organisation, joined_at=at)
    return user, organisation, membership


def household(
    *,
    at: datetime | None = None,
    account: str | None = None,
    tokens: tuple[str, str] = ("ya29.access", "1//refresh"),
    who=None,
    horizon_days: int | None = 90,
    product: str = "mail",
    features: tuple[str, ...] = ("inbox",),
) -> Household:
    at = at or timezone.now()
    user, organisation, membership = who or person(at=at)
    connection = Connection(
        user=user,
        organisation=organisation,
        provider="google",
        account_blind=blind_index.compute_blind("google.sub", account or uuid7().hex),
        asked_scopes=SCOPES,
        granted_scopes=SCOPES,
        connected_at=at,
        # By the machine's clock, which is where tokens are held to: `at` may be when a run of more
        # than an hour began.
        access_expires_at=max(at, timezone.now()) + timedelta(hours=1),
    )
    grants.seal(
        connection,
        email="alice@gmail.example",
        access_token=tokens[0],
        refresh_token=tokens[1],
        at=at,
    )
    connection.grant_generation = 2
    connection.save(force_insert=True)
    integration = Integration.objects.create(
        connection=connection,
        product=product,
        status_since=at,
        switched_on_at=at,
        horizon_days=horizon_days,
    )
    data_keys.create_data_key(
        holder=integration.id, line=KeyLine.CONTENT, at=at, epoch=integration.epoch
    )
    with transaction.atomic():
        for feature in features:
            consents.give(
                person_id=user.id,
                organisation_id=organisation.id,
                feature=feature,
                version=FEATURES[feature].version,
                at=at,
            )
    if product in FIRST_WORK:
        SyncWork.objects.create(
            integration=integration, resource=FIRST_WORK[product], next_sync_at=at
        )
    return Household(user, organisation, membership, connection, integration, at)


def open_watch(house: Household, *, at: datetime) -> Watch:
    """Have the provider of a mailbox tell of news, and have told just now."""
    return Watch.objects.create(
        integration=house.integration,
        connection=house.connection,
        resource="mail",
        kind=WatchKind.TOPIC,
        status=WatchStatus.LIVE,
        lookup_blind=b"x" * 32,
        wanted_at=at,
        due_at=at + timedelta(days=1),
        started_at=at - timedelta(minutes=1),
        expires_at=at + timedelta(days=7),
        last_event_at=at,
    )


def provided(monkeypatch, mailbox: FakeMailbox, watches: FakeWatches | None = None) -> FakeMailbox:
    """Put a mailbox in memory where the provider's adapter is opened, and what it tells of it."""
    watches = watches or FakeWatches()
    google = replace(
        providers.PROVIDERS["google"],
        open_mail=fake.make_open_mail(mailbox),
        watch_mail=pushes.make_open_mail_watch(watches, mailbox),
        watch_calendars=pushes.make_open_calendar_watch(watches),
    )
    monkeypatch.setitem(providers.PROVIDERS, "google", google)
    return mailbox
