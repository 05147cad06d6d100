"""Disconnecting, withdrawing, removals and their receipts."""

from __future__ import annotations

from datetime import timedelta

from django.urls import reverse

from integrations import tasks
from integrations.models import (
    Connection,
    ConnectionStatus,
    FeatureRemoval,
    Integration,
    IntegrationStatus,
    PurgeJob,
    PurgeStep,
    PurgeTrigger,
    RevocationOutcome,
)
from integrations.push import WatchStopOutcome
from limited_use.ledger import ledger_key_lifecycle
from limited_use.models import Receipt
from limited_use.models.ledger_keys import LedgerKey
from limited_use.models.shares import ShareLevel
from limited_use.receipts import receipt_links
from tests.contact_sheets import rows
from tests.contact_sheets.state import Group

GROUP = Group("disconnecting", "Disconnecting, removals, receipts")
WITHDRAWABLE = ("inbox", "calendar", "calendar-editing")


def remove_account(stage):
    """Return the finished removals of mail and calendars of one account."""
    ledger_key_lifecycle.create_ledger_key(holder=stage.mail.connection.id, at=stage.at)
    jobs = rows.disconnect(stage, stage.mail, stage.calendar)
    rows.finish_purge(stage, *jobs)
    return jobs


def remove_account_and_rotate_keys(stage):
    jobs = remove_account(stage)
    rows.rotate_keys(stage)
    tasks.purge.write_second_parts()
    return jobs


def remove_mail(stage):
    """Return the finished removal of mail, while the account keeps its calendars."""
    jobs = rows.disconnect(stage, stage.mail)
    rows.finish_purge(stage, *jobs)
    return jobs


def show_removal(stage):
    return stage.alice.get(reverse("settings-purge", args=[stage.scene[0].id]))


@GROUP.states(["mail", "calendar"])
def disconnect(stage, product):
    house = stage.mail if product == "mail" else stage.calendar
    return stage.alice.get(reverse("settings-disconnect", args=[house.integration.id]))


@GROUP.state()
def disconnect_account(stage):
    rows.share(stage, stage.calendar.primary, ShareLevel.DETAILS)
    address = reverse("settings-disconnect-account", args=[stage.mail.connection.id])
    return stage.alice.get(address)


@GROUP.states(["mail", "calendar"])
def disconnect_microsoft(stage, product):
    connection = rows.connect_microsoft(stage, product)
    made = Integration.objects.get(connection=connection)
    return stage.alice.get(reverse("settings-disconnect", args=[made.id]))


@GROUP.states(["mail", "calendar"])
def disconnect_after_access_ended(stage, product):
    house = stage.mail if product == "mail" else stage.calendar
    rows.set_status(house, IntegrationStatus.REAUTH_REQUIRED)
    Connection.objects.filter(id=stage.mail.connection.id).update(
        status=ConnectionStatus.REAUTH_REQUIRED, reauth_since=stage.at
    )
    return stage.alice.get(reverse("settings-disconnect", args=[house.integration.id]))


@GROUP.state()
def disconnect_without_keys(stage):
    rows.stop_key_store(stage)
    return stage.alice.get(reverse("settings-disconnect", args=[stage.calendar.integration.id]))


@GROUP.states(WITHDRAWABLE)
def withdraw(stage, feature):
    rows.share(stage, stage.calendar.primary, ShareLevel.DETAILS)
    rows.create_calendar(stage, "Choir")
    return stage.alice.get(reverse("settings-feature-withdraw", args=[feature]))


@GROUP.state()
def withdraw_sending(stage):
    rows.agree(stage.user, stage.organisation, "mail-sending")
    return stage.alice.get(reverse("settings-feature-withdraw", args=["mail-sending"]))


@GROUP.state()
def withdraw_several(stage):
    rows.connect_google(stage, "mail", email="alice.private@gmail.example")
    return stage.alice.get(reverse("settings-feature-withdraw", args=["inbox"]))


@GROUP.states([step for step in PurgeStep if step != PurgeStep.DONE], scene=remove_account)
def removal_at(stage, step):
    PurgeJob.objects.filter(id=stage.scene[0].id).update(step=step, receipt_id=None, done_at=None)
    return show_removal(stage)


@GROUP.states([(PurgeStep.DONE, outcome) for outcome in RevocationOutcome], scene=remove_account)
def removal_with(stage, key):
    Connection.objects.filter(id=stage.mail.connection.id).update(revocation=key[1])
    PurgeJob.objects.filter(integration__connection=stage.mail.connection).update(revocation=key[1])
    return show_removal(stage)


@GROUP.states(PurgeTrigger, scene=remove_account)
def removal_by(stage, trigger):
    PurgeJob.objects.filter(id=stage.scene[0].id).update(trigger=trigger)
    return show_removal(stage)


@GROUP.state(scene=remove_account)
def removal_of_calendars(stage):
    return stage.alice.get(reverse("settings-purge", args=[stage.scene[1].id]))


@GROUP.state(scene=remove_account)
def removal_beside_a_running_one(stage):
    PurgeJob.objects.filter(id=stage.scene[1].id).update(
        step=PurgeStep.FENCED, receipt_id=None, done_at=None
    )
    return show_removal(stage)


@GROUP.state(scene=remove_account)
def settings_with_access_left(stage):
    PurgeJob.objects.update(revocation=RevocationOutcome.UNCONFIRMED)
    Connection.objects.update(revocation=RevocationOutcome.UNCONFIRMED)
    return stage.alice.get("/settings/integrations/")


@GROUP.state(scene=remove_account)
def public_receipt_not_verified(stage):
    receipt = Receipt.objects.get(subject_id=stage.scene[0].integration_id)
    receipt.document = bytes(receipt.document).replace(b"20", b"21", 1)
    receipt.save(update_fields=["document"])
    return _show_public_receipt(stage)


@GROUP.state(scene=remove_account)
def receipt_link_made(stage):
    return stage.alice.post(reverse("settings-receipt-link", args=[stage.scene[0].id]))


@GROUP.state(scene=remove_account)
def public_receipt(stage):
    return _show_public_receipt(stage)


@GROUP.state(scene=remove_account)
def ledger_part(stage):
    return _show_ledger_part(stage)


@GROUP.states(
    [outcome for outcome in LedgerKey.Outcome if outcome], status=410, scene=remove_account
)
def ledger_part_gone(stage, outcome):
    LedgerKey.objects.filter(holder=stage.mail.connection.id).update(
        outcome=outcome, destroyed_at=stage.at
    )
    return _show_ledger_part(stage)


@GROUP.state(LedgerKey.Outcome.NONE, status=410, scene=remove_account)
def ledger_part_expired(stage):
    LedgerKey.objects.filter(holder=stage.mail.connection.id).update(
        offered_until=stage.at - timedelta(days=1)
    )
    return _show_ledger_part(stage)


@GROUP.state(status=410, scene=remove_account)
def ledger_part_without_key(stage):
    LedgerKey.objects.filter(holder=stage.mail.connection.id).delete()
    return _show_ledger_part(stage)


@GROUP.state(scene=remove_account_and_rotate_keys)
def removal_with_part_2(stage):
    return show_removal(stage)


@GROUP.state(scene=remove_account_and_rotate_keys)
def public_receipt_with_part_2(stage):
    return _show_public_receipt(stage)


@GROUP.state(scene=remove_mail)
def removal_of_mail_only(stage):
    return show_removal(stage)


@GROUP.state()
def removal_with_copies_of_features(stage):
    """One feature has confirmed, one is late, and one has time left."""
    features = ("inbox-widget", "scheduler", "recordings")
    rows.note_reads(stage, stage.mail.integration, features)
    stage.scene = rows.disconnect(stage, stage.mail)
    confirmed, late, _ = (FeatureRemoval.objects.filter(feature=feature) for feature in features)
    confirmed.update(acknowledged_at=stage.at + timedelta(minutes=2))
    late.update(issued_at=stage.at - timedelta(days=2), due_at=stage.at - timedelta(days=1))
    rows.finish_purge(stage, *stage.scene)
    return show_removal(stage)


@GROUP.states(WatchStopOutcome, scene=remove_mail)
def removal_with_notifications(stage, outcome):
    PurgeJob.objects.filter(id=stage.scene[0].id).update(watch_stop=outcome, watch_try_count=1)
    return show_removal(stage)


@GROUP.state()
def removal_at_microsoft(stage):
    connection = rows.connect_microsoft(stage, "mail")
    made = Integration.objects.get(connection=connection)
    stage.scene = rows.disconnect_integrations(stage, made)
    rows.finish_purge(stage, *stage.scene)
    return show_removal(stage)


@GROUP.state()
def removal_of_antares_calendars(stage):
    made = rows.create_calendar(stage, "Choir")
    rows.write_event(stage, made, "Choir practice")
    integration = Integration.objects.get(id=made.integration_id)
    stage.scene = rows.disconnect_integrations(stage, integration)
    rows.finish_purge(stage, *stage.scene)
    return show_removal(stage)


def _show_public_receipt(stage):
    token = receipt_links.create_link(subject_id=stage.scene[0].integration_id, at=stage.at)
    return stage.visitor.get(reverse("receipt-link", args=[token]))


def _show_ledger_part(stage):
    return stage.alice.get(reverse("settings-ledger-part", args=[stage.scene[0].id]))
