from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final
from uuid import UUID

from accounts.actors import Actor
from accounts.models import Delegation
from integrations.access import support_consents
from integrations.drive import standing_consents
from integrations.models import ItemKind
from limited_use.agreements import consents
from limited_use.models import Consent
from limited_use.policy.feature_registry import FEATURES, Feature
from limited_use.policy.policy_vocabulary import Fact, Recipient
from limited_use.policy.rules import PERMISSION_RULES, PROHIBITION_RULES, PolicyRule

from . import messages

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class FeatureState(StrEnum):
    ON = "on"
    OFF = "off"
    # Changed since the agreement: it may use nothing until the person agrees again.
    AGAIN = "again"
    # Agreed to each time, for one item.
    EACH_TIME = "each_time"
    # Declares no purpose, so it needs no agreement.
    USES_NOTHING = "uses_nothing"


@dataclass(frozen=True, slots=True)
class ItemAgreement:
    """:param kind: None: the item no longer exists"""

    consent_id: UUID
    item_id: UUID
    kind: ItemKind | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureStatus:
    feature: Feature
    state: FeatureState
    # Start of the state, and the agreed version; None without any agreement.
    since: datetime | None = None
    version: int | None = None
    delegation_id: UUID | None = None
    # End of the agreement; None: until it is withdrawn.
    until: datetime | None = None
    # Current agreements about single items.
    items: tuple[ItemAgreement, ...] = ()

    @property
    def label(self) -> StrOrPromise:
        return messages.FEATURE_STATE[self.state][0]

    @property
    def tone(self) -> str:
        return messages.FEATURE_STATE[self.state][1]

    @property
    def saves_files(self) -> bool:
        """Return whether the feature can have standing consents."""
        return self.feature in standing_consents.list_saving_features()

    @property
    def data(self) -> tuple[str, ...]:
        return tuple(
            str(messages.DATA_CLASS[data_class]) for data_class in sorted(self.feature.data_classes)
        )

    @property
    def recipients(self) -> tuple[str, ...]:
        rule_recipients = {
            recipient for rule in get_feature_rules(self.feature) for recipient in rule.recipients
        }
        return tuple(
            str(messages.RECIPIENT[recipient])
            for recipient in sorted(_filter_recipients(self.feature, rule_recipients))
        )

    @property
    def rules(self) -> tuple[PolicyRule, ...]:
        return get_feature_rules(self.feature)


@dataclass(frozen=True, slots=True)
class FeatureSection:
    key: str
    title: StrOrPromise
    statuses: tuple[FeatureStatus, ...]

    @property
    def is_folded(self) -> bool:
        """Without current agreements, features that ask each time leave nothing to decide."""
        return all(
            status.state == FeatureState.EACH_TIME and not status.items for status in self.statuses
        )


_SECTIONS: Final = {
    "on": frozenset({FeatureState.ON, FeatureState.AGAIN}),
    "each_time": frozenset({FeatureState.EACH_TIME}),
    "off": frozenset({FeatureState.OFF, FeatureState.USES_NOTHING}),
}


def list_features(*, user_id: UUID, organisation_id: UUID, at: datetime) -> list[FeatureStatus]:
    agreements = list(consents.list_consents(owner_id=user_id, organisation_id=organisation_id))
    delegations = list(
        Delegation.objects.of(user_id, organisation_id).order_by("-switched_on_at", "-id")
    )
    items = _list_item_agreements(agreements, user_id, organisation_id, at)
    return [
        _get_delegation_status(feature, delegations)
        if feature.platform_client
        else _get_consent_status(feature, agreements, items.get(feature.key, ()), at)
        for feature in FEATURES.values()
    ]


def _list_item_agreements(
    agreements: Iterable[Consent], user_id: UUID, organisation_id: UUID, at: datetime
) -> dict[str, tuple[ItemAgreement, ...]]:
    """Return those that are live, by the key of their feature."""
    live = [
        (consent, consent.item)
        for consent in agreements
        if consent.item is not None and consent.is_live(at)
    ]
    kinds = support_consents.find_item_kinds(
        user_id, organisation_id, item_ids=[item for _, item in live]
    )
    items: dict[str, tuple[ItemAgreement, ...]] = {}
    for consent, item in live:
        agreement = ItemAgreement(consent.id, item, kinds.get(item), consent.expires_at)
        items[consent.feature] = (*items.get(consent.feature, ()), agreement)
    return items


def get_feature_status(
    feature: Feature, *, user_id: UUID, organisation_id: UUID, at: datetime
) -> FeatureStatus:
    statuses = list_features(user_id=user_id, organisation_id=organisation_id, at=at)
    return next(status for status in statuses if status.feature.key == feature.key)


def group_features(statuses: Iterable[FeatureStatus]) -> list[FeatureSection]:
    """Return sections that have features, those that can use data first."""
    all_statuses = list(statuses)
    sections = [
        FeatureSection(
            key, messages.SECTION[key], tuple(s for s in all_statuses if s.state in states)
        )
        for key, states in _SECTIONS.items()
    ]
    return [section for section in sections if section.statuses]


def list_features_needing_consent(actor: Actor, *, at: datetime) -> list[FeatureStatus]:
    """Return the features that changed since the person agreed."""
    if actor.user_id is None or actor.organisation_id is None:
        return []
    statuses = list_features(user_id=actor.user_id, organisation_id=actor.organisation_id, at=at)
    return [status for status in statuses if status.state == FeatureState.AGAIN]


def get_feature_rules(feature: Feature) -> tuple[PolicyRule, ...]:
    """Return the rules that let a feature use data, provided that their facts hold."""
    return tuple(
        rule
        for rule in PERMISSION_RULES
        if rule.purposes & feature.purposes
        and rule.data_classes & feature.data_classes
        # A client uses data under a person's delegation only.
        and (not feature.platform_client or Fact.DELEGATION_LIVE in rule.needs)
        and _filter_recipients(feature, rule.recipients)
    )


def list_service_rules() -> list[PolicyRule]:
    # A rule that needs a registered feature applies to that feature only.
    return [rule for rule in PERMISSION_RULES if Fact.FEATURE_REGISTERED not in rule.needs]


def list_forbidding_rules() -> tuple[PolicyRule, ...]:
    return PROHIBITION_RULES


def _filter_recipients(feature: Feature, recipients: Iterable[Recipient]) -> frozenset[Recipient]:
    """A client is never the owner. What goes to the vault alone reaches nobody."""
    named = frozenset(recipients)
    if feature.platform_client:
        return named & {Recipient.PLATFORM_FEATURE, Recipient.VAULT}
    return named - {Recipient.PLATFORM_FEATURE}


def _get_delegation_status(feature: Feature, delegations: Iterable[Delegation]) -> FeatureStatus:
    if not feature.purposes:
        return FeatureStatus(feature=feature, state=FeatureState.USES_NOTHING)
    latest = next(
        (delegation for delegation in delegations if delegation.feature == feature.key), None
    )
    if latest is None:
        return FeatureStatus(feature=feature, state=FeatureState.OFF)
    if latest.switched_off_at is not None:
        return FeatureStatus(
            feature=feature,
            state=FeatureState.OFF,
            since=latest.switched_off_at,
            version=latest.feature_version,
        )
    return FeatureStatus(
        feature=feature,
        state=FeatureState.ON if latest.feature_version == feature.version else FeatureState.AGAIN,
        since=latest.switched_on_at,
        version=latest.feature_version,
        delegation_id=latest.id,
    )


def _get_consent_status(
    feature: Feature,
    agreements: Iterable[Consent],
    items: tuple[ItemAgreement, ...],
    at: datetime,
) -> FeatureStatus:
    feature_consents = [consent for consent in agreements if consent.feature == feature.key]
    if not feature.purposes:
        return FeatureStatus(feature=feature, state=FeatureState.USES_NOTHING)
    if not feature.capabilities and not feature.kept_until_removed:
        return FeatureStatus(feature=feature, state=FeatureState.EACH_TIME, items=items)
    latest = next((consent for consent in feature_consents if consent.item is None), None)
    if latest is None:
        return FeatureStatus(feature=feature, state=FeatureState.OFF)
    if not latest.is_live(at):
        ended = latest.withdrawn_at or latest.expires_at
        return FeatureStatus(
            feature=feature, state=FeatureState.OFF, since=ended, version=latest.version
        )
    return FeatureStatus(
        feature=feature,
        state=FeatureState.ON if latest.version == feature.version else FeatureState.AGAIN,
        since=latest.given_at,
        version=latest.version,
        until=latest.expires_at,
    )
