"""Who may use a person's data: each registered feature, and how this person stands to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from accounts.actors import Actor
from accounts.models import Delegation
from limited_use.agreements import consents
from limited_use.models import Consent
from limited_use.policy.features import FEATURES, Feature
from limited_use.policy.rules import FORBIDDING, PERMITTING, Rule
from limited_use.policy.vocabulary import Fact, Recipient

from . import labels


class State(StrEnum):
    """How a person stands to a feature."""

    ON = "on"
    OFF = "off"
    # Agreed to in other words than it has now: it may use nothing until it is agreed to again.
    AGAIN = "again"
    # Agreed to each time, for one thing.
    EACH_TIME = "each_time"
    # Declares no purpose: there is nothing to agree to.
    USES_NOTHING = "uses_nothing"


BADGES: dict[State, tuple[str, str]] = {
    State.ON: ("On", "good"),
    State.OFF: ("Off", ""),
    State.AGAIN: ("Needs your agreement again", "warn"),
    State.EACH_TIME: ("Asks each time", "info"),
    State.USES_NOTHING: ("Uses nothing of yours", ""),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One feature on the page."""

    feature: Feature
    state: State
    # Since when it is so, and which version was agreed to; None where nothing ever was.
    since: datetime | None = None
    version: int | None = None
    delegation_id: UUID | None = None
    # Which agreements to one item stand.
    items: tuple[Consent, ...] = ()

    @property
    def label(self) -> str:
        return BADGES[self.state][0]

    @property
    def tone(self) -> str:
        return BADGES[self.state][1]

    @property
    def data(self) -> tuple[str, ...]:
        return tuple(labels.DATA_CLASS[one] for one in sorted(self.feature.data_classes))

    @property
    def recipients(self) -> tuple[str, ...]:
        found = {one for rule in rules_of(self.feature) for one in rule.recipients}
        return tuple(labels.RECIPIENT[one] for one in sorted(_reached(self.feature, found)))

    @property
    def rules(self) -> tuple[Rule, ...]:
        return rules_of(self.feature)


def features(*, user_id: UUID, organisation_id: UUID, at: datetime) -> list[Standing]:
    """Return every registered feature, as it stands for a person in an organisation."""
    given = list(consents.history(owner_id=user_id, organisation_id=organisation_id))
    switched = list(
        Delegation.objects.of(user_id, organisation_id).order_by("-switched_on_at", "-id")
    )
    return [
        _switched(one, switched) if one.platform_client else _agreed(one, given, at)
        for one in FEATURES.values()
    ]


def of(feature: Feature, *, user_id: UUID, organisation_id: UUID, at: datetime) -> Standing:
    """Return one registered feature, as it stands for a person in an organisation."""
    every = features(user_id=user_id, organisation_id=organisation_id, at=at)
    return next(one for one in every if one.feature.key == feature.key)


def to_agree(actor: Actor, *, at: datetime) -> list[Standing]:
    """Return what needs a person's agreement again; nothing does of who belongs nowhere."""
    if actor.user_id is None or actor.organisation_id is None:
        return []
    every = features(user_id=actor.user_id, organisation_id=actor.organisation_id, at=at)
    return [one for one in every if one.state == State.AGAIN]


def rules_of(feature: Feature) -> tuple[Rule, ...]:
    """Return the rules by which a feature may use something, given that the facts are there."""
    return tuple(
        rule
        for rule in PERMITTING
        if rule.purposes & feature.purposes
        and rule.data_classes & feature.data_classes
        and _reached(feature, rule.recipients)
    )


def of_the_service() -> list[Rule]:
    """Return what the service itself may do, beside the features."""
    # What needs a registered feature is its feature's, or, until there is one, nobody's.
    return [rule for rule in PERMITTING if Fact.FEATURE_REGISTERED not in rule.needs]


def of_nobody() -> tuple[Rule, ...]:
    """Return what nobody may do."""
    return FORBIDDING


def _reached(feature: Feature, recipients: Iterable[Recipient]) -> frozenset[Recipient]:
    """Return those of `recipients` that the feature can have: a client is never the owner."""
    found = frozenset(recipients)
    client = frozenset({Recipient.PLATFORM_FEATURE})
    return found & client if feature.platform_client else found - client


def _switched(feature: Feature, switched: Iterable[Delegation]) -> Standing:
    if not feature.purposes:
        return Standing(feature=feature, state=State.USES_NOTHING)
    last = next((one for one in switched if one.feature == feature.key), None)
    if last is None:
        return Standing(feature=feature, state=State.OFF)
    if last.switched_off_at is not None:
        return Standing(
            feature=feature,
            state=State.OFF,
            since=last.switched_off_at,
            version=last.feature_version,
        )
    return Standing(
        feature=feature,
        state=State.ON if last.feature_version == feature.version else State.AGAIN,
        since=last.switched_on_at,
        version=last.feature_version,
        delegation_id=last.id,
    )


def _agreed(feature: Feature, given: Iterable[Consent], at: datetime) -> Standing:
    theirs = [one for one in given if one.feature == feature.key]
    if not feature.purposes:
        return Standing(feature=feature, state=State.USES_NOTHING)
    if not feature.capabilities and not feature.kept_until_removed:
        items = tuple(one for one in theirs if one.item is not None and one.stands(at))
        return Standing(feature=feature, state=State.EACH_TIME, items=items)
    last = next((one for one in theirs if one.item is None), None)
    if last is None:
        return Standing(feature=feature, state=State.OFF)
    if not last.stands(at):
        ended = last.withdrawn_at or last.expires_at
        return Standing(feature=feature, state=State.OFF, since=ended, version=last.version)
    return Standing(
        feature=feature,
        state=State.ON if last.version == feature.version else State.AGAIN,
        since=last.given_at,
        version=last.version,
    )
