"""Switch a connection's products on, resume or pause them, in the transaction of `save_grant`."""

from __future__ import annotations

from datetime import datetime

from accounts.ids import uuid7
from integrations.access import key_holders, scopes
from integrations.calendar import sync
from integrations.coordination.task_queue import enqueue_on_commit
from integrations.models import (
    AttemptOutcome,
    ConnectAttempt,
    Connection,
    Integration,
    IntegrationStatus,
    StatusReason,
    SyncWork,
)
from integrations.providers.provider_definition import Provider
from limited_use.agreements import consents
from limited_use.ledger import entries, pseudonyms
from limited_use.policy.feature_registry import FEATURES
from limited_use.policy.key_lines import KeyLine
from limited_use.vault import data_keys

from . import connect_outcomes

# The first work item of each synced product; its turns create the others.
FIRST_WORK = {"mail": "mail", "calendar": sync.LIST_RESOURCE}


def refuse_smaller_grant(
    connection: Connection, attempt: ConnectAttempt, provider: Provider, granted: frozenset[str]
) -> None:
    """
    Refuse a grant that lacks, and did not request, a permission of another live product. A
    requested permission may be refused.

    :raises connect_outcomes.AccountAlreadyConnected: a connect from that connection requests all
        scopes
    """
    other_integrations = connection.integrations.live().exclude(product=attempt.product)
    for product in other_integrations.values_list("product", flat=True):
        if not scopes.get_product_scopes(provider, product) <= granted | frozenset(
            attempt.asked_scopes
        ):
            raise connect_outcomes.AccountAlreadyConnected(connection.id)


def settle_product(
    attempt: ConnectAttempt,
    connection: Connection,
    provider: Provider,
    granted: frozenset[str],
    at: datetime,
) -> AttemptOutcome:
    """Without the permission to copy, a new product stays off and a live one is paused."""
    product = attempt.product
    integration = connection.integrations.live().filter(product=product).first()
    agreed_features = [FEATURES[key] for key in attempt.feature_versions if key in FEATURES]
    for feature in scopes.get_served_features(provider, product, granted, agreed_features):
        consents.give(
            person_id=attempt.user_id,
            organisation_id=attempt.organisation_id,
            feature=feature.key,
            version=attempt.feature_versions[feature.key],
            at=at,
        )
    served_features = scopes.get_served_features(provider, product, granted)
    if not scopes.is_product_served(product, served_features):
        if integration is not None:
            _pause_sync(integration, at)
        return AttemptOutcome.CONNECTED_WITHOUT_PRODUCT
    if integration is None:
        _switch_on(connection, product, scopes.get_retention_days(served_features), at)
    else:
        _resume_sync(integration, at)
    missing = scopes.compare_scopes(
        provider, product, granted, [*scopes.features_for(product), *agreed_features]
    ).missing
    return AttemptOutcome.CONNECTED_PARTLY if missing else AttemptOutcome.CONNECTED


def settle_other_products(
    connection: Connection,
    product: str,
    provider: Provider,
    granted: frozenset[str],
    at: datetime,
) -> None:
    for integration in connection.integrations.live().exclude(product=product):
        served_features = scopes.get_served_features(provider, integration.product, granted)
        if scopes.is_product_served(integration.product, served_features):
            _resume_sync(integration, at)
        else:
            _pause_sync(integration, at)


def _switch_on(connection: Connection, product: str, days: int | None, at: datetime) -> None:
    is_synced = product in FIRST_WORK
    # The features declare the default horizon; the owner may change it.
    integration = Integration(
        id=uuid7(),
        connection=connection,
        product=product,
        status=IntegrationStatus.SYNCING if is_synced else IntegrationStatus.ACTIVE,
        horizon_days=days,
        status_since=at,
        switched_on_at=at,
    )
    integration.save(force_insert=True)
    data_keys.create_data_key(
        holder=integration.id, line=KeyLine.CONTENT, at=at, epoch=integration.epoch
    )
    if is_synced:
        work = SyncWork.objects.create(
            integration=integration, resource=FIRST_WORK[product], next_sync_at=at
        )
        # Shows mail within seconds. If the message is lost, the sweep finds the row.
        enqueue_on_commit("integrations.sync_mail", work_id=work.id)
    entries.record_ledger_event(
        event="integration.connected",
        about=integration.id,
        body={"product": product, "horizon_days": integration.horizon_days},
        at=at,
        naming=pseudonyms.get_pseudonym_naming(connection.id),
    )


def _resume_sync(integration: Integration, at: datetime) -> None:
    work_items = SyncWork.objects.filter(integration=integration)
    work_items.update(next_sync_at=at, failure_count=0, failing_since=None, crash_count=0)
    for work_id in work_items.values_list("id", flat=True):
        enqueue_on_commit("integrations.sync_mail", work_id=work_id)
    if integration.status not in {IntegrationStatus.REAUTH_REQUIRED, IntegrationStatus.DEGRADED}:
        return
    is_waiting = (
        work_items.exists() and not work_items.filter(first_synced_at__isnull=False).exists()
    )
    integration.status = IntegrationStatus.SYNCING if is_waiting else IntegrationStatus.ACTIVE
    integration.status_reason = StatusReason.NONE
    integration.status_since = at
    integration.save(update_fields=["status", "status_reason", "status_since"])


def _pause_sync(integration: Integration, at: datetime) -> None:
    """
    The owner can still read the copy. An earlier pause keeps its time: a reconnect without the
    permission does not postpone the automatic disconnect.
    """
    if integration.status != IntegrationStatus.REAUTH_REQUIRED:
        integration.status_since = at
    integration.status = IntegrationStatus.REAUTH_REQUIRED
    integration.status_reason = StatusReason.SCOPE_MISSING
    integration.epoch += 1
    integration.save(update_fields=["status", "status_reason", "status_since", "epoch"])
    key_holders.raise_epoch(integration)
