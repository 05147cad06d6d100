"""Rows that any login can insert into the ledger, and what becomes of those that are no entries."""

from __future__ import annotations

import os
from datetime import timedelta

import orjson
import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.ids import uuid7
from accounts.models import Alarm
from config.database import provisioning, role_logins
from config.process_classes import ProcessClass
from limited_use.ledger import (
    entries,
    entry_filters,
    entry_form,
    ledger_audit,
    ledger_sequencer,
    subject_access,
    subject_activity,
)
from limited_use.models import Leaf
from limited_use.usage import rule_usage, rule_usage_counter
from tests.bench import databases
from tests.frozen.source_names import list_ledger_events
from tests.limited_use.conftest import NOW, SHOW_METADATA
from tests.limited_use.test_audit import behind_the_triggers_back

DAY = timedelta(days=1)
SUBJECT = b"s" * 16
#: What a decision says.
USE = dict(zip(("class", "purpose", "recipient"), SHOW_METADATA, strict=True))
#: A kind of entry that the class never writes.
FOREIGN = {
    ProcessClass.WEB: "purge.completed",
    ProcessClass.STAFF: "consent.given",
    ProcessClass.SYNC: "client.keys_replaced",
    ProcessClass.PURGE: "person.registered",
}


def make_payload(entry_id, **members):
    entry = {"event": "integration.connected", "at": entries.to_milliseconds(NOW), "v": 1}
    return entries.encode_ledger_entry({**entry, "id": str(entry_id), **members})


def record():
    return entries.record_ledger_event(event="integration.connected", about=uuid7(), at=NOW)


def run_unchecked_sequencer(monkeypatch):
    """Run the sequencer of an earlier version, which took every row."""
    with monkeypatch.context() as patch:
        patch.setattr(entry_form, "find_fault", lambda *_: "")
        ledger_sequencer.run_sequencer(NOW)


def read_everything(ids):
    filters = entry_filters.EntryFilter(since=NOW - DAY, actor=entry_filters.EntryActor.OWNER)
    for chosen in (entry_filters.EVERY_ENTRY, filters):
        subject_access.find_subject_entries([SUBJECT], chosen)
        subject_activity.summarise_subject_entries(
            [SUBJECT], chosen, day_starts=[NOW - 20_000 * DAY, NOW + 20_000 * DAY]
        )
    rule_usage_counter.count_applied_rules(at=NOW)
    return [entry.event for entry in rule_usage.list_entries(ids)]


@pytest.mark.django_db(transaction=True)
@pytest.mark.invariant(3)
@pytest.mark.parametrize("process_class", FOREIGN)
def test_of_a_login_that_are_no_entries_are_set_aside(ring, process_class):
    bad, other, foreign, own = uuid7(), uuid7(), uuid7(), uuid7()
    login = os.environ[role_logins.get_login_variable_name(process_class)]
    url = databases.replace_database_name(login, connection.settings_dict["NAME"])
    with psycopg.connect(url) as client:
        client.cursor().executemany(
            "INSERT INTO limited_use_leaf (id, payload, writer, idx, fault)"
            " VALUES (%s, %s, 'postgres', %s, '')",
            [
                (bad, b"\xff{", 0),
                (other, make_payload(uuid7()), None),
                (foreign, make_payload(foreign, event=FOREIGN[process_class]), None),
                (own, make_payload(own, event="use.refused", rule="never-market", **USE), 7),
            ],
        )  # fmt: skip
    after = record()

    run = ledger_sequencer.run_sequencer(NOW)

    assert (run.placed_count, run.size) == (2, 2)
    assert dict(Leaf.objects.values_list("id", "fault")) == {
        bad: "form", other: "id", foreign: "writer", own: "", after: "",
    }  # fmt: skip
    assert list(Leaf.objects.exclude(idx=None).order_by("idx").values_list("id", flat=True)) == [
        own, after,
    ]  # fmt: skip
    [alarm] = Alarm.objects.open()
    assert (alarm.kind, alarm.window) == (
        "ledger.entry_set_aside",
        provisioning.get_roles().get_login(process_class),
    )
    assert ledger_sequencer.run_sequencer(NOW).placed_count == 0
    assert ledger_audit.audit_ledger().set_aside_count == 3


@pytest.mark.django_db
@pytest.mark.invariant(3)
def test_in_the_tree_are_all_listed_with_later_tampering(ring, monkeypatch):
    bad, other = uuid7(), uuid7()
    Leaf.objects.create(id=bad, payload=b"[]")
    Leaf.objects.create(id=other, payload=make_payload(bad))
    run_unchecked_sequencer(monkeypatch)
    changed = record()
    ledger_sequencer.run_sequencer(NOW)
    lines = [f"entry 0 ({bad}) is no entry: form", f"entry 1 ({other}) is no entry: id"]
    with pytest.raises(CommandError) as found:
        call_command("verify_ledger")
    assert str(found.value).splitlines() == lines
    assert read_everything([bad, other, changed]) == [
        "entry.invalid", "entry.invalid", "integration.connected",
    ]  # fmt: skip

    behind_the_triggers_back(
        "UPDATE limited_use_leaf SET payload = convert_to(replace(convert_from(payload, 'UTF8'),"
        " 'connected', 'forgotten'), 'UTF8') WHERE idx = 2"
    )
    with pytest.raises(CommandError) as found:
        call_command("verify_ledger")
    assert str(found.value).splitlines() == [f"entry 2 ({changed}) was changed", *lines]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False)
    | st.text(max_size=5) | st.sampled_from(["use.permitted", "mail_metadata", "inbox.display"]),
    lambda inner: st.lists(inner, max_size=2)
    | st.dictionaries(st.sampled_from(["feature", "keys", "channel"]), inner, max_size=2),
    max_leaves=4,
)  # fmt: skip
members = st.dictionaries(st.sampled_from(sorted(entry_form.MEMBERS)), json_values, max_size=4)


@pytest.mark.django_db
@pytest.mark.invariant(3)
class TestArbitraryPayloads:
    @given(payload=st.binary(max_size=40) | json_values.map(orjson.dumps) | members)
    @settings(
        max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    def test_stop_neither_sequencer_nor_audit_nor_readers(self, ring, monkeypatch, payload):
        entry_id = uuid7()
        if isinstance(payload, dict):
            payload = make_payload(entry_id, **{"subject": SUBJECT.hex(), **payload})
        Leaf.objects.create(id=entry_id, payload=payload, subject=SUBJECT)
        after = record()
        read_everything([entry_id])

        ledger_sequencer.run_sequencer(NOW)

        row = Leaf.objects.get(id=entry_id)
        assert (row.idx is None) == (row.fault != "")
        assert Leaf.objects.get(id=after).idx is not None
        assert ledger_audit.audit_ledger()
        read_everything([entry_id])


def test_of_every_kind_have_a_writer(settings):
    def list_writers(event):
        return [one for one in ProcessClass if entry_form.may_write(f"{prefix}_{one}", event)]

    prefix = settings.DATABASE_ROLE_PREFIX
    without = [event for event in list_ledger_events() if not list_writers(event)]
    assert {event.partition(".")[0] for event in without} == {
        "person", "organisation", "membership",
    }  # fmt: skip
