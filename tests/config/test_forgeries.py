"""
What one INSERT or UPDATE of a database login makes the service believe: an answer per class.

Rows with an owner are held by row security. For every other table that a class may write,
`ANSWERS` names the test that forges a row, or says why an invented row opens nothing.
"""

import json
import secrets
from dataclasses import replace
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings as django_settings
from django.test import Client
from django.utils import timezone

from accounts.ids import uuid7
from accounts.models import Alarm, Session
from accounts.roles import Role
from accounts.sessions import hash_session_key
from config.database.row_owners import OWNERS, OwnedTable, get_owned_tables
from config.database.table_grants import GRANTS
from config.process_classes import ProcessClass
from integrations.models import (
    BulkRevocation,
    BulkState,
    OutboxCommand,
    PurgeJob,
    SupportAct,
    SupportActKind,
    SupportActState,
    SupportReason,
)
from integrations.support import act_runner, signed_orders
from limited_use.vault import data_keys
from tests import factories
from tests.config import rows
from tests.fakes.mail import FakeMailbox
from tests.integrations import household as houses
from tests.integrations.outbox import sending
from tests.integrations.support import bulk_world, desk
from tests.keyrings import copy_keyring
from tests.walls import acting_as, is_refused, run_sql

WEB, STAFF, SYNC = ProcessClass.WEB, ProcessClass.STAFF, ProcessClass.SYNC
ROOT = Path(__file__).parents[2]

_COUNTS = "counts, which open nothing"
_TIMES = "times, which open nothing"
_REVIVED = "moves work forward or back; content needs the vault, and consents are asked again"
_TOMBSTONE = "the hash of something unknown is published as dead, and kills nothing"
_DISCARD = "a connect of the account waits until the row expires"
_REMOVAL = "features are told to delete; nothing is shown"
_LEAF = "tests/limited_use/test_ledger_rows.py"
_SESSION = "test_no_session_is_believed"

#: For tables whose rows have no owner for this class: a test of this file, another test or folder
#: of tests, or a reason.
ANSWERS = {
    (WEB, "accounts.Membership"): "locks: only the time of joining is written",
    (WEB, "accounts.Session"): _SESSION,
    (WEB, "accounts.KnownNetwork"): "keyed hashes; a known network signs nobody in",
    (WEB, "accounts.ServiceClient"): _COUNTS,
    (WEB, "accounts.ServiceToken"): "tests/accounts/test_token_endpoint.py"
    "::test_is_not_made_by_who_writes_the_table",
    (WEB, "accounts.AuthorizationCode"): "keyed hashes, as those of tokens",
    (WEB, "accounts.UsedAssertion"): "refuses an assertion that was not used",
    (WEB, "accounts.UserMinute"): _COUNTS,
    (WEB, "account.EmailConfirmation"): "not in use",
    (WEB, "limited_use.Leaf"): _LEAF,
    (WEB, "limited_use.OwedTombstone"): _TOMBSTONE,
    (WEB, "limited_use.ReceiptLink"): "shows a receipt, which this class reads anyway",
    (WEB, "integrations.Discard"): _DISCARD,
    (WEB, "integrations.FeatureRemoval"): _REMOVAL,
    (WEB, "integrations.ParserCount"): _COUNTS,
    (STAFF, "accounts.Session"): _SESSION,
    (STAFF, "accounts.KnownNetwork"): "keyed hashes; a known network signs nobody in",
    (STAFF, "accounts.ServiceClientChange"): "tests/review/test_client_changes.py"
    "::test_has_no_proposal_of_its_own_applied",
    (STAFF, "accounts.Alarm"): "settles alarms; the ledger lacks the entry",
    (STAFF, "limited_use.Leaf"): _LEAF,
    (STAFF, "integrations.ParserCount"): _COUNTS,
    (STAFF, "integrations.BulkRevocation"): "test_no_bulk_revocation_runs",
    (SYNC, "accounts.ServiceClient"): _TIMES,
    (SYNC, "limited_use.Leaf"): _LEAF,
    (SYNC, "limited_use.OwedTombstone"): _TOMBSTONE,
    (SYNC, "integrations.Connection"): _REVIVED,
    (SYNC, "integrations.Integration"): _REVIVED,
    (SYNC, "integrations.Discard"): _DISCARD,
    (SYNC, "integrations.OutboxCommand"): "test_no_copied_command_is_sent",
    (SYNC, "integrations.DriveFile"): _REVIVED,
    (SYNC, "integrations.FeatureRemoval"): _REMOVAL,
    (SYNC, "integrations.Heartbeat"): _TIMES,
    (SYNC, "integrations.OwnerNotice"): "a sentence of the code about the owner's own account",
    (SYNC, "integrations.ParserCount"): _COUNTS,
    (SYNC, "integrations.QuotaBucket"): _COUNTS,
    (SYNC, "integrations.SyncWork"): _REVIVED,
    (SYNC, "integrations.Watch"): _REVIVED,
    (SYNC, "integrations.StatusChange"): _TIMES,
    (SYNC, "integrations.SupportAct"): "test_no_changed_act_is_carried_out",
}


@pytest.fixture(autouse=True)
def keyring(tmp_path, settings):
    settings.KEYRING = replace(settings.KEYRING, folder=tmp_path / "keyring")
    settings.GMAIL_UNITS_PER_MINUTE = 600_000
    data_keys.drop_cached_keys()
    return copy_keyring(settings.KEYRING.folder)


@pytest.fixture
def mailbox(monkeypatch):
    return houses.provided(monkeypatch, FakeMailbox(email="alice@gmail.example"))


def get_written_letters(process_class, label):
    """Return `a` and `w` of a class's privileges, also of those on single columns."""
    line = GRANTS[label]
    columns = {letter for one, letter in line.columns if one is process_class}
    return (set(line.get_letters(process_class)) | columns) & {"a", "w"}


def is_held_by_owner(process_class, label):
    owner = OWNERS[label]
    return isinstance(owner, OwnedTable) and not (process_class is SYNC and owner.sync)


def test_every_table_that_a_class_writes_has_an_answer():
    writable = {
        (process_class, label)
        for process_class in (WEB, STAFF, SYNC)
        for label in GRANTS
        if get_written_letters(process_class, label) and not is_held_by_owner(process_class, label)
    }

    assert set(ANSWERS) == writable


def test_answers_that_name_a_test_have_it():
    for answer in set(ANSWERS.values()):
        path, _, name = answer.partition("::")
        if answer.startswith("test_"):
            assert answer in globals()
        elif answer.startswith("tests/"):
            assert not name or f"def {name}(" in (ROOT / path).read_text("utf-8")
            assert (ROOT / path).exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("process_class", [WEB, STAFF, SYNC])
def test_no_row_of_somebody_else_is_written(process_class, mailbox):
    """Consents, shares, connections, commands, questions and all others that have an owner."""
    mailbox.deliver()
    alice = houses.household()
    alice.settle()
    bob = houses.household(who=houses.person("bob", alice.organisation, at=timezone.now()))
    rows.everything(alice, bob)
    copies = {
        table: json.loads(run_sql(f"SELECT to_jsonb(t)::text FROM {table} t LIMIT 1")[0][0])  # noqa: S608
        for table in get_owned_tables()
    }
    mallory = houses.household(who=houses.person("mallory", at=timezone.now()))
    written = []
    for table, label in sorted(get_owned_tables().items()):
        letters = get_written_letters(process_class, label)
        if not letters or not is_held_by_owner(process_class, label):
            continue
        key = apps.get_model(label)._meta.pk.column
        for whose in (None, mallory):
            with acting_as(process_class, whose):
                if "a" in letters and not is_refused(
                    f"INSERT INTO {table} SELECT * FROM jsonb_populate_record(NULL::{table}, %s)",  # noqa: S608
                    json.dumps(copies[table]),
                ):
                    written.append(f"INSERT into {table}")
                column, *_ = GRANTS[label].columns.get((process_class, "w"), (key,))
                if "w" in letters and not is_refused(
                    f"UPDATE {table} SET {column} = {column} WHERE {key}::text = %s",  # noqa: S608
                    str(copies[table][key]),
                    or_hidden=True,
                ):
                    written.append(f"UPDATE of {table}")

    assert written == []


@pytest.mark.django_db
@pytest.mark.parametrize("site", [WEB, STAFF])
def test_no_session_is_believed(site):
    """Neither one with invented data, nor one with the data of a session that Alice has."""
    alice = factories.make_user("alice", organisation=factories.make_organisation())
    browser = Client()
    browser.force_login(alice)
    own = Session.objects.get(user_id=alice.id)
    for data in (own.session_data, "e30:invented:signature"):
        key = secrets.token_hex(16)
        with acting_as(site):
            Session.objects.create(
                session_key=hash_session_key(key), session_data=data, user_id=alice.id,
                expire_date=own.expire_date, site=str(site),
            )  # fmt: skip
        thief = Client()
        thief.cookies[django_settings.SESSION_COOKIE_NAME] = key

        assert thief.get("/settings/integrations/").status_code == 302
    assert browser.get("/settings/integrations/").status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("forged", ["approval", "order"])
def test_no_bulk_revocation_runs(forged):
    """A staff login writes an approval of a second person, or the whole order."""
    acme, at = factories.make_organisation("Acme"), timezone.now()
    sam, otto = desk.make_agent("sam"), desk.make_agent("otto", Role.OPERATOR)
    bulk_world.make_account(acme)
    approved = {"state": BulkState.RUNNING, "decided_by": otto.id, "decided_at": at}
    if forged == "approval":
        bulk = bulk_world.propose(sam, organisation_id=acme.id)
        bulk_world.run_worker(bulk)
        with acting_as(STAFF):
            BulkRevocation.objects.filter(id=bulk.id).update(
                **approved, decision_signature=bulk.signature, next_try_at=at
            )
    else:
        with acting_as(STAFF):
            bulk = BulkRevocation.objects.create(
                agent_id=sam.id, organisation=acme, connected_until=at, asked_at=at,
                reason=SupportReason.INCIDENT, text="x", ticket="1", next_try_at=at, **approved,
            )  # fmt: skip

    bulk_world.run_worker(bulk)

    assert BulkRevocation.objects.get(id=bulk.id).state == BulkState.STOPPED
    assert not bulk_world.list_revoked()
    assert not SupportAct.objects.exists()
    assert Alarm.objects.get(kind="support.order_unsigned").about == bulk.id


@pytest.mark.django_db
def test_no_approval_of_another_proposal_runs():
    """An approval that was signed for one bulk revocation is put beside wider criteria."""
    acme, other = factories.make_organisation("Acme"), factories.make_organisation("Other")
    sam, otto = desk.make_agent("sam"), desk.make_agent("otto", Role.OPERATOR)
    bulk_world.make_account(other)
    bulk = bulk_world.begin(sam, otto, organisation_id=acme.id)
    BulkRevocation.objects.filter(id=bulk.id).update(organisation=other)

    bulk_world.run_worker(bulk)

    assert not bulk_world.list_revoked()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("forged", ["inserted", "changed"])
def test_no_changed_act_is_carried_out(forged, mailbox):
    """A staff login inserts an order, or a sync login turns it against another person."""
    alice = houses.household()
    sam = desk.make_agent("sam")
    (lookup_id,) = desk.find(sam, alice.user.email)
    at = timezone.now()
    values = {
        "kind": SupportActKind.REVOKE_PERSON, "text": "x", "ticket": "1", "asked_at": at,
        "reason": SupportReason.OTHER, "next_try_at": at,
    }  # fmt: skip
    with desk.at_desk_of(sam):
        act = SupportAct(agent_id=sam.id, lookup_id=lookup_id, user=alice.user, **values)
        if forged == "changed":
            act.signature = signed_orders.sign_act(act)
        act.save(force_insert=True)
    if forged == "changed":
        with acting_as(SYNC):
            SupportAct.objects.filter(id=act.id).update(text="another reason")

    with acting_as(ProcessClass.PURGE):
        assert act_runner.run_purge_act(act_id=act.id) == SupportActState.STOPPED

    assert not PurgeJob.objects.exists()
    assert Alarm.objects.get(kind="support.order_unsigned").about == act.id


@pytest.mark.django_db(transaction=True)
def test_no_copied_command_is_sent(mailbox):
    """The sealed content of a message fits one row: a copy of it under another id does not open."""
    alice = sending.allow_sending(houses.household(features=("inbox", "mail-sending")))
    command, clock = sending.order(alice), sending.Clock()
    ((row,),) = run_sql("SELECT to_jsonb(t)::text FROM integrations_outboxcommand t")
    copied = json.loads(row) | {"id": str(uuid7())}
    with acting_as(WEB, alice):
        OutboxCommand.objects.filter(id=command.id).delete()
        run_sql(
            "INSERT INTO integrations_outboxcommand SELECT * FROM"
            " jsonb_populate_record(NULL::integrations_outboxcommand, %s)",
            json.dumps(copied),
        )

    sending.dispatch_until_settled(OutboxCommand.objects.get(), clock)

    assert "send_draft" not in mailbox.calls
    assert not [one for one in mailbox.messages.values() if "SENT" in one.label_ids]
