"""Alarms: an operator lists and settles them on the command line, and the metric falls."""

from __future__ import annotations

import ast
import importlib
import io
import json
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, ProgrammingError, transaction
from django.utils import timezone

from accounts import alarms
from accounts.models import Alarm
from config.process_classes import ProcessClass
from integrations.operations import alarm_guide
from limited_use.ledger import entries
from limited_use.models import Leaf
from limited_use.usage import refusal_bursts
from tests.api import cast
from tests.review.conftest import MESSAGES, run_sequencer_and_tally
from tests.review.test_metrics import count, figures, measure
from tests.walls import acting_as

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).parents[2]
PACKAGES = ("accounts", "config", "integrations", "limited_use")
AT = datetime(2026, 11, 3, 9, 5, tzinfo=UTC)
KIND = "purge.overdue"
ABOUT = UUID(int=7)

# The same in every process that collects these tests.
UNKNOWN = "00000000-0000-7000-8000-000000000001"


def raise_alarm(window: str = "one", *, kind: str = KIND, **body: int | str) -> Alarm | None:
    """Raise an alarm; return it, or None if such a one is open."""
    count = alarms.raise_alarm(kind=kind, about=ABOUT, window=window, body=body, at=AT)
    return Alarm.objects.open().get(kind=kind, window=window) if count == 1 else None


def run_alarms_command(*arguments: str) -> list[str]:
    """Run the command in the class that the documentation names; return its lines."""
    output = io.StringIO()
    with acting_as(ProcessClass.PURGE if arguments else ProcessClass.CONSOLE):
        call_command("alarms", *arguments, stdout=output)
    return output.getvalue().splitlines()


def settle_alarm(alarm: Alarm, reason: str = "the worker was started") -> list[str]:
    return run_alarms_command("settle", str(alarm.id), "--reason", reason)


class TestList:
    def test_has_id_kind_time_count_and_next_step_of_each_open_alarm(self):
        alarm = raise_alarm(kind="refusals.burst", feature="campaigns", count=31)
        times = "since 2026-11-03 09:05 UTC  raised 1 times, last 2026-11-03 09:05 UTC"
        about = f"about={ABOUT} count=31 feature=campaigns"

        assert run_alarms_command() == [
            f"{alarm.id}  refusals.burst  {times}  {about}",
            f"    {alarm_guide.NEXT_STEPS['refusals.burst']}",
            "1 open alarms",
        ]

    def test_begins_with_the_oldest_and_leaves_settled_ones_out(self):
        third, first, second = raise_alarm("third"), raise_alarm("first"), raise_alarm("second")
        for alarm, minutes in ((first, 0), (second, 1), (third, 2)):
            Alarm.objects.filter(id=alarm.id).update(raised_at=AT + timedelta(minutes=minutes))
        settle_alarm(second)

        listed = [line.split()[0] for line in run_alarms_command() if not line.startswith(" ")]

        assert listed == [str(first.id), str(third.id), "2"]

    def test_says_that_none_is_open(self):
        assert run_alarms_command() == ["no open alarms"]

    def test_names_the_log_where_the_kind_is_of_another_version(self):
        raise_alarm(kind="later.kind")

        assert str(alarm_guide.UNKNOWN) in run_alarms_command()[1]


class TestSettling:
    def test_is_kept_in_the_row_and_told_in_the_log(self, caplog):
        alarm = raise_alarm()
        caplog.set_level(logging.INFO, logger="accounts.alarms")

        assert settle_alarm(alarm, "  the worker\nwas started ") == [
            f"{alarm.id} is settled: {KIND}"
        ]

        alarm.refresh_from_db()
        assert alarm.settled_reason == "the worker was started"
        assert alarm.settled_by is None
        assert timezone.now() - alarm.settled_at < timedelta(minutes=5)
        [record] = [entry for entry in caplog.records if entry.message == "alarm.settled"]
        assert (record.kind, record.about) == (KIND, str(ABOUT))
        assert run_alarms_command() == ["no open alarms"]

    @pytest.mark.invariant(3)
    def test_is_an_entry_of_the_ledger_without_the_reason(self):
        alarm = raise_alarm(kind="refusals.burst", feature="campaigns", count=31)
        before = set(Leaf.objects.values_list("id", flat=True))

        settle_alarm(alarm, "Alice called +49 30 123")

        [leaf] = Leaf.objects.exclude(id__in=before)
        entry = json.loads(bytes(leaf.payload))
        alarm.refresh_from_db()
        assert entry.pop("code")
        assert entry == {
            "v": 1,
            "id": str(leaf.id),
            "event": "alarm.settled",
            "at": entries.to_milliseconds(alarm.settled_at),
            "subject": entries.get_ledger_pseudonym(alarm.id),
            "body": {"kind": "refusals.burst"},
        }
        assert alarm.settled_reason == "Alice called +49 30 123"

    def test_is_one_commit_with_its_entry(self):
        alarm = raise_alarm()
        count_of_entries = Leaf.objects.count()

        # The console may not write to the ledger, and so not settle either.
        with (
            acting_as(ProcessClass.CONSOLE),
            pytest.raises(ProgrammingError),
            transaction.atomic(),
        ):
            call_command("alarms", "settle", str(alarm.id), "--reason", "because")
        # A kind that is no word of ours is refused by the ledger, after the row was settled.
        Alarm.objects.update(kind="not a word")
        with pytest.raises(entries.LedgerEntryRefused):
            settle_alarm(alarm)

        assert Alarm.objects.open().get() == alarm
        assert Leaf.objects.count() == count_of_entries

    def test_twice_changes_nothing(self):
        alarm = raise_alarm()
        settle_alarm(alarm)
        entry_ids = set(Leaf.objects.values_list("id", flat=True))
        before = Alarm.objects.get()

        with pytest.raises(CommandError) as caught:
            settle_alarm(alarm, "another reason")

        assert str(caught.value) == f"alarm {alarm.id} was settled before: the worker was started"
        after = Alarm.objects.get()
        assert (after.settled_at, after.settled_reason) == (
            before.settled_at,
            before.settled_reason,
        )
        assert set(Leaf.objects.values_list("id", flat=True)) == entry_ids

    @pytest.mark.parametrize(
        ("reason", "message"),
        [
            ([], "enter a reason"),
            (["--reason", ""], "enter a reason"),
            (["--reason", " \n "], "enter a reason"),
            (["--reason", "x" * 201], "longer than 200 characters"),
        ],
    )
    def test_needs_a_reason_of_one_line(self, reason, message):
        alarm = raise_alarm()

        with pytest.raises(CommandError, match=message) as caught:
            run_alarms_command("settle", str(alarm.id), *reason)

        assert len(str(caught.value).splitlines()) == 1
        assert Alarm.objects.open().get() == alarm

    @pytest.mark.parametrize(
        ("alarm_id", "message"),
        [(UNKNOWN, "there is no alarm"), ("one", "this is not the id of an alarm")],
    )
    def test_needs_an_alarm(self, alarm_id, message):
        raise_alarm()

        with pytest.raises(CommandError, match=message) as caught:
            run_alarms_command("settle", alarm_id, "--reason", "because")

        assert len(str(caught.value).splitlines()) == 1
        assert Alarm.objects.open().count() == 1

    def test_is_refused_by_the_database_without_a_reason(self):
        raise_alarm()

        with pytest.raises(IntegrityError), transaction.atomic():
            Alarm.objects.update(settled_at=AT)

    @pytest.mark.control("4.1.1")
    @pytest.mark.parametrize("process_class", ProcessClass)
    def test_lets_nobody_change_anything_else(self, process_class):
        raise_alarm()

        with acting_as(process_class):
            for change in (
                {"kind": "none"}, {"raised_at": AT}, {"body": {}}, {"count": 1}, {"last_at": AT}
            ):  # fmt: skip
                with pytest.raises(ProgrammingError), transaction.atomic():
                    Alarm.objects.update(**change)
            with pytest.raises(ProgrammingError), transaction.atomic():
                Alarm.objects.all().delete()
            # A settled alarm would silence the next.
            with pytest.raises(ProgrammingError), transaction.atomic():
                Alarm.objects.create(
                    kind=KIND, about=ABOUT, window="one", raised_at=AT, last_at=AT,
                    settled_at=AT, settled_reason="quiet",
                )  # fmt: skip
            if process_class is not ProcessClass.CONSOLE:
                assert raise_alarm(str(process_class)) is not None
            if process_class not in {ProcessClass.PURGE, ProcessClass.STAFF}:
                with pytest.raises(ProgrammingError), transaction.atomic():
                    Alarm.objects.update(settled_at=AT, settled_reason="quiet")


class TestAgain:
    def test_is_raised_once_while_it_is_open(self):
        assert raise_alarm() is not None
        assert raise_alarm() is None

    def test_opens_a_new_one_after_it_was_settled(self):
        first = raise_alarm()
        settle_alarm(first)

        second = raise_alarm()

        assert second is not None
        assert second.id != first.id
        first.refresh_from_db()
        assert first.settled_reason == "the worker was started"
        assert [str(second.id)] == [run_alarms_command()[0].split()[0]]

    @pytest.mark.clause("LU-4")
    def test_is_not_raised_for_a_burst_that_was_settled(self, campaigns):
        for _ in range(refusal_bursts.FLOOR + 1):
            assert campaigns.get(MESSAGES).status_code == 403
        run_sequencer_and_tally()
        count()
        settle_alarm(Alarm.objects.get(kind="refusals.burst"))

        # It is the same five minutes, counted again.
        count()

        assert not Alarm.objects.open().filter(kind="refusals.burst").exists()


class TestMetric:
    def test_falls_when_an_alarm_is_settled(self, otto):
        first, second = raise_alarm("one"), raise_alarm("two")
        name = ("antares_alarms_open", (("kind", KIND),))

        values = []
        for alarm in (None, first, second):
            if alarm is not None:
                settle_alarm(alarm)
            measure()
            values.append(figures(otto.get("/metrics"))[name])

        assert values == [2, 1, 0]


def kinds_raised() -> set[str]:
    """Return the kinds of all alarms that the code raises, read from its calls."""
    kinds = set()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            calls = [node for node in ast.walk(tree) if _sounds(node)]
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            kinds |= {_kind(call, module) for call in calls}
    return kinds - {None}


def _sounds(node: ast.AST) -> bool:
    name = ast.unparse(node.func).rpartition(".")[2] if isinstance(node, ast.Call) else ""
    return name in {"raise_alarm", "raise_alert", "_raise_alarms"}


def _kind(call: ast.Call, module: str) -> str | None:
    argument = next((keyword.value for keyword in call.keywords if keyword.arg == "kind"), None)
    written = ast.unparse(argument or call.args[0])
    if written == "kind":
        # A parameter of the function: the calls of that function are examined.
        return None
    return str(eval(written, vars(importlib.import_module(module))))  # noqa: S307 - our own code


class TestGuide:
    def test_has_the_next_step_for_every_kind_that_is_raised(self):
        assert kinds_raised() == set(alarm_guide.NEXT_STEPS)

    def test_is_in_whole_sentences_of_one_line(self):
        for step in alarm_guide.NEXT_STEPS.values():
            assert step.endswith(".")
            assert step[0].isupper()
            assert "\n" not in step


@pytest.mark.invariant(4)
class TestAlarmPageForOthers:
    def test_is_in_the_list(self, alice, mine, used):
        raise_alarm(count=3)
        output = "\n".join(run_alarms_command())

        secrets = [cast.MARKER, "gmail.example", alice.user.email, "@", *vars(mine).values()]
        assert not [str(secret) for secret in secrets if str(secret) in output]
