"""Features with tokens for a person's files, and standing consents, as tests make them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from accounts import api_tokens, clients, delegations
from accounts.actors import Actor, ActorKind
from accounts.models import Delegation, Membership, ServiceClient, User
from integrations import connections
from integrations.access.request_context import RequestContext
from integrations.drive import folders, standing_consent_creation, standing_consent_ends
from integrations.drive.standing_consent_creation import SavingBounds
from integrations.models import DriveFolder, FileKind, Integration, StandingConsent
from limited_use.agreements.service_clients import create_declared_client
from limited_use.ledger import entries
from limited_use.models import Leaf
from limited_use.policy.feature_registry import FEATURES
from tests.api import cast
from tests.factories import actor_for
from tests.integrations.drive.tus_files import FileClient
from tests.worlds.sandbox import Sandbox

RECORDINGS = "recordings"
MIB = 1024 * 1024
WAV = "audio/wav"


def get_client(feature: str, purpose: str) -> ServiceClient:
    known = ServiceClient.objects.filter(client_id=feature).first()
    return known or create_declared_client(
        feature=feature, purposes=[purpose], jwks=cast.KEYS, at=timezone.now()
    )


def make_undeclared_client(feature: str, purpose: str) -> ServiceClient:
    """Return a client with a purpose in its row that its feature never declared."""
    return clients.create_service_client(
        client_id=f"{feature}-undeclared",
        feature=feature,
        purposes=[purpose],
        jwks=cast.KEYS,
        at=timezone.now(),
    )


@dataclass
class FeatureWorld:
    """
    A person with a Drive, and the feature for recordings, which the person switched on.

    :ivar http: a caller with a token of the feature
    """

    user: User
    drive: Integration
    sandbox: Sandbox
    delegation: Delegation = field(init=False)
    http: Client = field(init=False)

    def __post_init__(self) -> None:
        self.switch_on()

    @property
    def organisation(self):
        return Membership.objects.live().get(user=self.user).organisation

    @property
    def context(self) -> RequestContext:
        actor = actor_for(self.user, self.organisation)
        return RequestContext(actor, self.user.id, timezone.now())

    @property
    def files(self) -> FileClient:
        return FileClient(self.http, self.sandbox)

    @property
    def actor(self) -> Actor:
        """The feature, as its token makes it."""
        return Actor(
            kind=ActorKind.CLIENT,
            id=get_client(RECORDINGS, "drive.upload").id,
            user_id=self.user.id,
            organisation_id=self.organisation.id,
            delegation_id=self.delegation.id,
            delegation_epoch=self.delegation.epoch,
            feature=RECORDINGS,
            purpose="drive.upload",
        )

    def switch_on(self) -> None:
        self.delegation = connections.switch_on_feature(
            feature=RECORDINGS,
            version=FEATURES[RECORDINGS].version,
            user_id=self.user.id,
            organisation_id=self.organisation.id,
            at=timezone.now(),
        )
        self.http = self.call_as(get_client(RECORDINGS, "drive.upload"), "drive.upload")

    def switch_off(self) -> None:
        connections.switch_off_feature(
            delegation_id=self.delegation.id,
            user_id=self.user.id,
            organisation_id=self.delegation.organisation_id,
            at=timezone.now(),
        )

    def call_as(
        self, client: ServiceClient, purpose: str, delegation: Delegation | None = None
    ) -> Client:
        token = api_tokens.issue_access_token(
            client=client,
            delegation_id=(delegation or self.delegation).id,
            purpose=purpose,
            at=timezone.now(),
        )
        return cast.bearer(token)

    def call_as_feature(self, client: ServiceClient, purpose: str) -> Client:
        """Return a caller of another feature, which the person switched on."""
        delegation = delegations.switch_delegation_on(
            user_id=self.user.id,
            organisation_id=self.organisation.id,
            feature=client.feature,
            feature_version=FEATURES[client.feature].version,
            at=timezone.now(),
        )
        return self.call_as(client, purpose, delegation)

    def give(self, **more: Any) -> StandingConsent:
        version = more.pop("version", FEATURES[RECORDINGS].version)
        folder = DriveFolder.objects.filter(integration=self.drive).first()
        return standing_consent_creation.give_consent(
            self.context,
            self.drive,
            make_bounds(**more),
            feature=RECORDINGS,
            version=version,
            folder_key=folders.make_folder_key(folder),
        )

    def withdraw(self, consent: StandingConsent) -> None:
        standing_consent_ends.withdraw_consent(self.context, consent.id)


def make_bounds(
    *,
    kinds: frozenset[FileKind] = frozenset({FileKind.AUDIO, FileKind.TEXT}),
    max_bytes: int = 10 * MIB,
    max_count: int = 3,
    expires_at: datetime | None = None,
) -> SavingBounds:
    return SavingBounds(
        kinds, max_bytes, max_count, expires_at or timezone.now() + timedelta(days=30)
    )


def list_refusals(before: int) -> list[dict]:
    """Return the refusals in the ledger after the first `before` entries."""
    leaves = Leaf.objects.order_by("id")[before:]
    records = [entries.read_entry(leaf) for leaf in leaves]
    return [record for record in records if record["event"] == "use.refused"]
