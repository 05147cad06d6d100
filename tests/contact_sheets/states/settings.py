"""The settings page: cards of accounts, results of connecting, removals."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from django.urls import reverse

from integrations.access import scopes
from integrations.models import (
    ApprovalState,
    AttemptOutcome,
    Calendar,
    Connection,
    ConnectionStatus,
    Integration,
    IntegrationStatus,
    StatusReason,
    SyncStage,
    SyncWork,
)
from integrations.providers import PROVIDERS
from limited_use.policy.feature_registry import FEATURES
from limited_use.vault import data_keys
from limited_use.vault.fields import StoredCiphertext
from tests import factories
from tests.contact_sheets import rows
from tests.contact_sheets.state import Group

GROUP = Group("settings", "Settings")
SETTINGS = "/settings/integrations/"
ADMINISTRATORS = (
    AttemptOutcome.PENDING,
    AttemptOutcome.DENIED,
    AttemptOutcome.ADMIN_BLOCKED,
    AttemptOutcome.EXPIRED,
)
PRODUCT_OUTCOMES = (
    AttemptOutcome.CONNECTED,
    AttemptOutcome.CONNECTED_PARTLY,
    AttemptOutcome.CONNECTED_WITHOUT_PRODUCT,
    AttemptOutcome.LIVES_ALREADY,
)


@GROUP.state()
def nothing_connected(stage):
    return stage.add_newcomer().get(SETTINGS)


@GROUP.state()
def no_provider_offered(stage):
    stage.change_settings(
        GOOGLE=replace(rows.google(), client_id=""),
        MICROSOFT=replace(rows.microsoft(), client_id=""),
    )
    return stage.add_newcomer().get(SETTINGS)


@GROUP.state(IntegrationStatus.ACTIVE, StatusReason.NONE, ConnectionStatus.ACTIVE)
def one_account(stage):
    return stage.alice.get(SETTINGS)


@GROUP.state()
def many_accounts(stage):
    rows.connect_microsoft(stage, "mail")
    rows.connect_google(stage, "calendar", email="alice.private@gmail.example")
    rows.create_calendar(stage, "Choir")
    return stage.alice.get(SETTINGS)


@GROUP.state()
def account_without_readable_address(stage):
    """One account is shown, the address of another cannot be opened."""
    connection = rows.connect_microsoft(stage, "mail")
    (raw,) = Connection.objects.filter(id=connection.id).values_list("email", flat=True)
    row = Connection.objects.get(id=connection.id)
    row.__dict__["email"] = StoredCiphertext(bytes(raw)[:-1] + bytes([bytes(raw)[-1] ^ 1]))
    row.save(update_fields=["email"])
    return stage.alice.get(SETTINGS)


@GROUP.state()
def mail_only(stage):
    user = stage.add_person("Nora")
    rows.connect_google(stage, "mail", email="nora@gmail.example", user=user)
    return rows.browser(user).get(SETTINGS)


@GROUP.state(IntegrationStatus.SYNCING, SyncStage.SNAPSHOT)
def importing(stage):
    rows.set_status(stage.mail, IntegrationStatus.SYNCING)
    rows.set_status(stage.calendar, IntegrationStatus.SYNCING)
    SyncWork.objects.filter(integration=stage.mail.integration).update(
        stage=SyncStage.SNAPSHOT,
        first_synced_at=None,
        last_synced_at=None,
        expected_count=1200,
        done_count=430,
        next_sync_at=stage.at,
        heartbeat_at=stage.at,
    )
    Calendar.objects.filter(integration=stage.calendar.integration).update(cached_at=None)
    return stage.alice.get(SETTINGS)


@GROUP.state()
def importing_without_estimate(stage):
    rows.set_status(stage.mail, IntegrationStatus.SYNCING)
    SyncWork.objects.filter(integration=stage.mail.integration).update(
        stage=SyncStage.SNAPSHOT, first_synced_at=None, last_synced_at=None, expected_count=0
    )
    return stage.alice.get(SETTINGS)


@GROUP.state()
def importing_from_start(stage):
    _import(stage, done_count=0, expected_count=0)
    return stage.alice.get(SETTINGS)


@GROUP.state()
def two_permissions_missing(stage):
    granted = {"openid", "email", *scopes.get_product_scopes(PROVIDERS["google"], "mail")}
    Connection.objects.filter(id=stage.mail.connection.id).update(granted_scopes=sorted(granted))
    return stage.alice.get(SETTINGS)


@GROUP.state()
def progress_with_another_status(stage):
    address = reverse("settings-progress", args=[stage.mail.integration.id])
    return stage.alice.get(address, {"was": "Importing"})


@GROUP.state()
def never_checked(stage):
    SyncWork.objects.filter(integration=stage.mail.integration).update(
        last_synced_at=None, first_synced_at=stage.at
    )
    return stage.alice.get(SETTINGS)


@GROUP.state()
def importing_almost_done(stage):
    rows.set_status(stage.mail, IntegrationStatus.SYNCING)
    _import(stage, done_count=1195)
    return stage.alice.get(SETTINGS)


@GROUP.state()
def importing_for_an_hour(stage):
    _import(stage, done_count=200)
    return stage.alice.get(SETTINGS)


@GROUP.state()
def importing_slowed_down(stage):
    importing(stage)
    SyncWork.objects.filter(integration=stage.mail.integration).update(
        pause_reason=StatusReason.RATE_LIMITED, next_sync_at=stage.at + timedelta(minutes=2)
    )
    return stage.alice.get(SETTINGS)


@GROUP.state(SyncStage.DELTA)
def last_try_failed(stage):
    SyncWork.objects.filter(integration=stage.mail.integration).update(
        failing_since=stage.at - timedelta(minutes=7),
        failure_count=3,
        next_sync_at=stage.at + timedelta(minutes=4),
        last_synced_at=stage.at - timedelta(minutes=50),
    )
    return stage.alice.get(SETTINGS)


@GROUP.state()
def not_current(stage):
    SyncWork.objects.filter(integration=stage.mail.integration).update(
        last_synced_at=stage.at - timedelta(hours=3)
    )
    return stage.alice.get(SETTINGS)


@GROUP.state()
def messages_not_delivered_and_not_read(stage):
    rows.quarantine(stage, "delayed", next_try_at=stage.at + timedelta(minutes=20))
    rows.quarantine(stage, "too-deep")
    rows.quarantine(stage, "crashed")
    return stage.alice.get(SETTINGS)


@GROUP.state()
def nobody_works(stage):
    SyncWork.objects.filter(integration=stage.mail.integration).update(
        next_sync_at=stage.at - timedelta(hours=1), heartbeat_at=stage.at - timedelta(hours=1)
    )
    return stage.alice.get(SETTINGS)


# Reasons of an ended access: they come with `REAUTH_REQUIRED` only.
_ENDED = (StatusReason.CONFIRMATION_NEEDED, StatusReason.GRANT_REVOKED)


@GROUP.states(
    [(IntegrationStatus.DEGRADED, reason) for reason in StatusReason if reason not in _ENDED]
)
def delayed(stage, key):
    for house in (stage.mail, stage.calendar):
        rows.set_status(house, *key)
    return stage.alice.get(SETTINGS)


@GROUP.states(
    [
        (IntegrationStatus.REAUTH_REQUIRED, StatusReason.NONE),
        (IntegrationStatus.REAUTH_REQUIRED, StatusReason.GRANT_REVOKED),
        (IntegrationStatus.REAUTH_REQUIRED, StatusReason.CONFIRMATION_NEEDED),
        (IntegrationStatus.REAUTH_REQUIRED, StatusReason.SCOPE_MISSING),
    ]
)
def please_reconnect(stage, key):
    for house in (stage.mail, stage.calendar):
        rows.set_status(house, *key)
    Connection.objects.filter(id=stage.mail.connection.id).update(
        status=ConnectionStatus.REAUTH_REQUIRED, reauth_since=stage.at
    )
    return stage.alice.get(SETTINGS)


@GROUP.state(ConnectionStatus.REAUTH_REQUIRED)
def reconnect_soon(stage):
    please_reconnect(stage, (IntegrationStatus.REAUTH_REQUIRED, StatusReason.GRANT_REVOKED))
    Connection.objects.filter(id=stage.mail.connection.id).update(
        reauth_since=stage.at - timedelta(days=28)
    )
    return stage.alice.get(SETTINGS)


@GROUP.states(["mail", "calendar"])
def permission_missing(stage, product):
    other = "calendar" if product == "mail" else "mail"
    kept = {"openid", "email"} | scopes.get_product_scopes(PROVIDERS["google"], other)
    granted = [scope for scope in stage.mail.connection.granted_scopes if scope in kept]
    Connection.objects.filter(id=stage.mail.connection.id).update(granted_scopes=granted)
    house = stage.mail if product == "mail" else stage.calendar
    rows.set_status(house, IntegrationStatus.REAUTH_REQUIRED, StatusReason.SCOPE_MISSING)
    return stage.alice.get(SETTINGS)


@GROUP.state()
def calendar_view_only(stage):
    editing = FEATURES["calendar-editing"]
    writing = scopes.get_product_scopes(PROVIDERS["google"], "calendar", [editing])
    granted = [scope for scope in stage.mail.connection.granted_scopes if scope not in writing]
    reading = scopes.get_product_scopes(PROVIDERS["google"], "calendar", [FEATURES["calendar"]])
    Connection.objects.filter(id=stage.mail.connection.id).update(
        granted_scopes=[*granted, *(scope for scope in reading if scope not in granted)]
    )
    Calendar.objects.filter(integration=stage.calendar.integration).update(unreadable_count=2)
    return stage.alice.get(SETTINGS)


@GROUP.state()
def permissions_that_are_not_used(stage):
    Connection.objects.filter(id=stage.mail.connection.id).update(
        granted_scopes=[*stage.mail.connection.granted_scopes, "https://example.test/auth/drive"]
    )
    return stage.alice.get(SETTINGS)


@GROUP.state()
def account_without_products(stage):
    user = stage.add_person("Nora")
    connection = factories.make_connection(
        user, stage.organisation, email="nora@gmail.example", scopes=("openid", "email")
    )
    factories.make_attempt(
        user, stage.organisation, outcome=AttemptOutcome.CONNECTED_WITHOUT_PRODUCT
    )
    assert connection
    return rows.browser(user).get(SETTINGS)


@GROUP.state()
def addresses_cannot_be_shown(stage):
    data_keys.destroy_data_key(holder=stage.mail.connection.id)
    return stage.alice.get(SETTINGS)


@GROUP.state()
def key_store_does_not_respond(stage):
    rows.stop_key_store(stage)
    return stage.alice.get(SETTINGS)


@GROUP.state()
def agreement_needed_again(stage):
    rows.reword(stage, "inbox")
    return stage.alice.get(SETTINGS)


@GROUP.states(AttemptOutcome)
def mail_at_google(stage, outcome):
    factories.make_attempt(stage.user, stage.organisation, outcome=outcome)
    return stage.alice.get(SETTINGS)


@GROUP.states(PRODUCT_OUTCOMES)
def calendar_at_google(stage, outcome):
    factories.make_attempt(stage.user, stage.organisation, outcome=outcome, product="calendar")
    return stage.alice.get(SETTINGS)


@GROUP.states(ADMINISTRATORS)
def mail_at_microsoft(stage, outcome):
    rows.offer_microsoft(stage)
    factories.make_attempt(stage.user, stage.organisation, outcome=outcome, provider="microsoft")
    return stage.alice.get(SETTINGS)


@GROUP.states(ApprovalState)
def approval(stage, state):
    rows.offer_microsoft(stage)
    answered = {} if state == ApprovalState.WAITING else {"answered_at": stage.at}
    factories.make_approval(stage.user, stage.organisation, state=state, **answered)
    return stage.alice.get(SETTINGS)


@GROUP.state(IntegrationStatus.PURGING, ConnectionStatus.ENDING)
def removal_running(stage):
    rows.disconnect(stage, stage.mail, stage.calendar)
    return stage.alice.get(SETTINGS)


@GROUP.state(IntegrationStatus.PURGED, ConnectionStatus.ENDED)
def removals(stage):
    first, second = rows.disconnect(stage, stage.mail, stage.calendar)
    rows.finish_purge(stage, first, second)
    return stage.alice.get(SETTINGS)


@GROUP.states(["sync-now", "retry"])
def confirmation_of(stage, action):
    if action == "retry":
        rows.quarantine(stage, "too-deep")
    address = reverse(f"settings-{action}", args=[stage.mail.integration.id])
    return stage.alice.post(address, follow=True)


def _import(stage, *, done_count, expected_count=1200):
    rows.set_status(stage.mail, IntegrationStatus.SYNCING)
    Integration.objects.filter(id=stage.mail.integration.id).update(
        switched_on_at=stage.at - timedelta(minutes=5)
    )
    SyncWork.objects.filter(integration=stage.mail.integration).update(
        stage=SyncStage.SNAPSHOT,
        first_synced_at=None,
        last_synced_at=None,
        expected_count=expected_count,
        done_count=done_count,
    )
