"""No order of acts by owner and feature lets a file in that exceeds the bounds."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.actors import Actor, ActorKind
from accounts.ids import uuid7
from accounts.models import Delegation, Membership
from integrations import connections
from integrations.access.request_context import RequestContext
from integrations.drive import feature_files, standing_consent_creation, standing_consent_ends
from integrations.drive.standing_consent_creation import SavingBounds, StandingConsentExists
from integrations.drive.transfer_state import FolderPlace
from integrations.drive.upload_errors import QueueFull, UploadNotOpen
from integrations.models import DriveFile, DriveFileState, FileKind, Integration, StandingConsent
from limited_use.guard.guard import AccessRefused
from limited_use.policy.feature_registry import FEATURES
from tests.api.conftest import open_test_transaction
from tests.factories import (
    actor_for,
    make_connection,
    make_consent,
    make_integration,
    make_keyring,
    make_organisation,
    make_user,
)

pytestmark = [pytest.mark.django_db, pytest.mark.invariant(5), pytest.mark.clause("AN-7")]

RECORDINGS = FEATURES["recordings"]
TYPES = {"audio/wav": FileKind.AUDIO, "text/vtt": FileKind.TEXT, "application/zip": None}

KINDS = st.sets(st.sampled_from([FileKind.AUDIO, FileKind.TEXT]), min_size=1)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("give"), KINDS, st.integers(1, 3), st.integers(1, 3), st.integers(1, 48)),
        st.tuples(st.just("save"), st.integers(1, 4), st.sampled_from(sorted(TYPES))),
        st.tuples(st.just("save"), st.just(1), st.just("audio/wav")),
        st.tuples(st.just("send"), st.integers(0, 5)),
        st.tuples(st.just("wait"), st.integers(1, 30)),
        st.tuples(st.sampled_from(["withdraw", "off", "on", "clear"])),
    ),
    min_size=4,
    max_size=14,
)


@dataclass
class Agreed:
    """A standing consent, as the test remembers it."""

    kinds: set[FileKind]
    max_bytes: int
    max_count: int
    expires_at: datetime
    files: set = field(default_factory=set)

    def covers(self, size: int, content_type: str, at: datetime) -> bool:
        return (
            at < self.expires_at
            and TYPES[content_type] in self.kinds
            and size <= self.max_bytes
            and len(self.files) < self.max_count
        )


class Story:
    """One owner and one feature; the time passes by its steps alone."""

    def __init__(self) -> None:
        self.organisation = make_organisation()
        self.user = make_user(organisation=self.organisation)
        connection = make_connection(self.user, self.organisation)
        self.drive: Integration = make_integration(connection, product="drive")
        make_consent(connection, feature="drive")
        self.at = timezone.now()
        self.agreed: Agreed | None = None
        self.is_on = False
        self.file_ids: list = []

    @property
    def owner(self) -> RequestContext:
        return RequestContext(actor_for(self.user, self.organisation), self.user.id, self.at)

    @property
    def feature(self) -> RequestContext:
        delegation = Delegation.objects.order_by("-switched_on_at", "-id").first()
        actor = Actor(
            kind=ActorKind.CLIENT,
            id=uuid7(),
            user_id=self.user.id,
            organisation_id=self.organisation.id,
            delegation_id=delegation.id if delegation else uuid7(),
            delegation_epoch=1,
            feature=RECORDINGS.key,
            purpose="drive.upload",
        )
        return RequestContext(actor, self.user.id, self.at)

    def take(self, step: tuple) -> None:
        getattr(self, f"_{step[0]}")(*step[1:])

    def _give(self, kinds: set[FileKind], max_bytes: int, max_count: int, hours: int) -> None:
        bounds = SavingBounds(
            frozenset(kinds), max_bytes, max_count, self.at + timedelta(hours=hours)
        )
        is_live = self.agreed is not None and self.at < self.agreed.expires_at
        try:
            standing_consent_creation.give_consent(
                self.owner,
                self.drive,
                bounds,
                feature="recordings",
                version=RECORDINGS.version,
                folder_key="own",
            )
        except standing_consent_creation.FeatureOff:
            assert not self.is_on
        except StandingConsentExists:
            assert is_live
        else:
            assert self.is_on
            assert not is_live
            self.agreed = Agreed(set(kinds), max_bytes, max_count, bounds.expires_at)

    def _save(self, size: int, content_type: str) -> None:
        is_covered = self.agreed is not None and self.agreed.covers(size, content_type, self.at)
        try:
            file = feature_files.create_file(
                self.feature, self.drive, size=size, filename="a", content_type=content_type
            )
        except AccessRefused:
            assert not self.is_on
            return
        except QueueFull:
            assert not is_covered
            return
        assert self.is_on
        assert (file.state == DriveFileState.WAITING) is is_covered
        assert (file.standing_consent_id is not None) is is_covered
        self.file_ids.append(file.id)
        if is_covered:
            self.agreed.files.add(file.id)

    def _send(self, number: int) -> None:
        files = DriveFile.objects.exclude(standing_consent_id=None).order_by("id")
        if not files.exists():
            return
        file = list(files)[number % len(files)]
        is_live = self.agreed is not None and self.at < self.agreed.expires_at
        may_send = self.is_on and is_live and file.id in self.agreed.files
        try:
            feature_files.permit_sending(file, self.feature.actor, at=self.at)
        except (AccessRefused, UploadNotOpen):
            assert not may_send
        else:
            assert may_send

    def _wait(self, hours: int) -> None:
        self.at += timedelta(hours=hours)

    def _withdraw(self) -> None:
        for consent in StandingConsent.objects.filter(ended_at=None):
            standing_consent_ends.withdraw_consent(self.owner, consent.id)
        self.agreed = None

    def _off(self) -> None:
        delegation = Delegation.objects.live().first()
        if delegation is not None:
            connections.switch_off_feature(
                delegation_id=delegation.id,
                user_id=self.user.id,
                organisation_id=delegation.organisation_id,
                at=self.at,
            )
        self.is_on, self.agreed = False, None

    def _on(self) -> None:
        if not self.is_on:
            connections.switch_on_feature(
                feature="recordings",
                version=RECORDINGS.version,
                user_id=self.user.id,
                organisation_id=self.organisation.id,
                at=self.at,
            )
        self.is_on = True

    def _clear(self) -> None:
        standing_consent_ends.end_due_consents(at=self.at)

    def check(self) -> None:
        for consent in StandingConsent.objects.all():
            files = DriveFile.objects.filter(standing_consent_id=consent.id)
            assert files.count() == consent.saved_count <= consent.max_count
            end = min(consent.ended_at or consent.expires_at, consent.expires_at)
            for file in files:
                assert file.size <= consent.max_bytes
                assert consent.created_at <= file.created_at <= end
            if consent.ended_at is not None:
                unfinished = files.exclude(state=DriveFileState.CANCELLED)
                assert not unfinished.exists()


@settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS)
def test_no_order_of_steps_accepts_a_file_outside_of_the_bounds(steps, db, monkeypatch):
    make_keyring()
    monkeypatch.setattr(
        standing_consent_creation, "_find_folder", lambda *_: FolderPlace("folder-1", "Antares")
    )
    with open_test_transaction():
        story = Story()
        assert Membership.objects.live().filter(user=story.user).exists()
        story.take(("on",))
        for step in steps:
            story.take(step)
        story.check()
