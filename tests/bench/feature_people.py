"""
People who switched two platform features on, with a mailbox and a calendar each.

The same rows are there once more in plain, for the baselines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.utils import timezone
from joserfc.jwk import ECKey, RSAKey

from accounts import api_tokens, delegations
from accounts.models import Organisation, ServiceClient, User
from limited_use.agreements.service_clients import create_declared_client
from limited_use.policy import feature_registry
from limited_use.policy.policy_vocabulary import Purpose
from tests.bench import baselines, mailbox, planner
from tests.bench.load_answers import LoadCaller
from tests.bench.mailbox import Rows
from tests.bench.models import PlainEvent
from tests.factories import make_organisation, make_user

WIDGET, SCHEDULER = "inbox-widget", "scheduler"
#: Of tokens, by feature.
PURPOSES: Final = {WIDGET: Purpose.INBOX_DISPLAY, SCHEDULER: Purpose.CALENDAR_SCHEDULE}
# A client may read so many people within a minute: more than there are.
_USERS_PER_MINUTE: Final = 10_000

Key = ECKey | RSAKey


@dataclass(frozen=True)
class FeatureClient:
    """A feature's service client, and the private key that only it has."""

    row: ServiceClient
    algorithm: str
    key: Key


@dataclass(frozen=True)
class FeaturePerson:
    """
    :param delegations: ids by feature
    :param message_id: of the newest message
    :param thread_id: of a thread of three messages
    """

    delegations: Mapping[str, UUID]
    message_id: UUID
    thread_id: UUID


def make_client(feature: str, algorithm: str) -> FeatureClient:
    """:param algorithm: ES256 or RS256"""
    client_id = f"{feature}-{algorithm.lower()}"
    key: Key = (
        ECKey.generate_key("P-256", parameters={"kid": client_id})
        if algorithm == "ES256"
        else RSAKey.generate_key(2048, parameters={"kid": client_id})
    )
    row = create_declared_client(
        feature=feature,
        purposes=[PURPOSES[feature]],
        jwks={"keys": [key.as_dict(private=False)]},
        at=timezone.now(),
        client_id=client_id,
    )
    row.users_per_minute = _USERS_PER_MINUTE
    row.save(update_fields=["users_per_minute"])
    return FeatureClient(row, algorithm, key)


def make_people(count: int, *, messages: int, singles: int, series: int) -> list[FeaturePerson]:
    """Return people with as many messages and events each; all calendars have the same events."""
    organisation = make_organisation()
    people, mailboxes = [], []
    for number in range(count):
        user = make_user(f"person{number}", organisation=organisation)
        integration = mailbox.make_owned_mailbox(user, organisation)
        rows = mailbox.make_sealed_rows(integration, messages, bodies=True, keep=True)
        mailboxes.append(rows)
        _make_calendar(user, organisation, singles=singles, series=series)
        people.append(_switch_features_on(user, organisation, rows))
    mailbox.load(*mailboxes)
    baselines.write_plain_messages(mailboxes)
    baselines.write_plain_threads(mailboxes)
    return people


def _make_calendar(user: User, organisation: Organisation, *, singles: int, series: int) -> None:
    def write_plain_events(kept: list[planner.Plain]) -> None:
        PlainEvent.objects.bulk_create([PlainEvent(**event._asdict()) for event in kept])

    planner.fill_calendar(
        planner.calendar(planner.account(user, organisation), is_primary=True),
        singles=singles,
        series=series,
        seed=1,
        keep=write_plain_events,
    )


def _switch_features_on(user: User, organisation: Organisation, rows: Rows) -> FeaturePerson:
    places = {name: place for place, name in enumerate(mailbox.MESSAGE)}
    newest: tuple[Any, ...] = max(rows.messages, key=lambda row: row[places["received_at"]])
    return FeaturePerson(
        delegations={
            feature: delegations.switch_delegation_on(
                user_id=user.id,
                organisation_id=organisation.id,
                feature=feature,
                feature_version=feature_registry.FEATURES[feature].version,
                at=timezone.now(),
            ).id
            for feature in PURPOSES
        },
        message_id=newest[places["id"]],
        thread_id=rows.messages[0][places["thread_id"]],
    )


def make_callers(client: FeatureClient, people: Sequence[FeaturePerson]) -> list[LoadCaller]:
    """Return callers with a fresh token each: one does not last as long as the benchmark."""
    feature = client.row.feature
    return [
        LoadCaller(
            {"Authorization": f"Bearer {_issue_token(client.row, person.delegations[feature])}"},
            str(person.message_id),
            str(person.thread_id),
        )
        for person in people
    ]


def _issue_token(client: ServiceClient, delegation_id: UUID) -> str:
    return api_tokens.issue_access_token(
        client=client,
        delegation_id=delegation_id,
        purpose=PURPOSES[client.feature],
        at=timezone.now(),
    )
