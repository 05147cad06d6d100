"""The first page of operators: alarms to settle, and figures that `/metrics` has, too."""

from __future__ import annotations

import html
import json
import re
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts import alarms
from accounts.models import Alarm, User
from config.process_classes import WORKERS, ProcessClass
from integrations.coordination import task_queue
from integrations.models import Connection, ConnectionStatus, PurgeJob, PurgeStep
from integrations.operations import alarm_guide, heartbeats
from integrations.operations.pages import alarm_groups, figures
from integrations.operations.pages.messages import DUTIES, PROMISE_LABELS, STATUSES, STEPS
from integrations.purge.overdue_sweep import PurgePromise
from integrations.tasks.purge import sweep_purges
from limited_use.ledger import entries
from limited_use.models import Leaf
from limited_use.models.usage import Gauge
from limited_use.usage import settled_alarms
from tests.api import cast
from tests.broker import broker_down, using_broker
from tests.integrations.pages.reading import text
from tests.review.test_metrics import figures as read_metrics
from tests.review.test_metrics import measure
from tests.test_routes import make_finished_removal
from tests.walls import acting_as

pytestmark = pytest.mark.django_db

URL = "/operations/"
ABOUT = UUID(int=7)
UNKNOWN = "00000000-0000-7000-8000-000000000001"
_FIGURE = re.compile(
    r'(?:<data value="(?P<value>[^"]+)">[^<]*</data>|<span class="muted">unknown</span>)'
    r'(?: <span class="badge bad">[^<]+</span>)? <code class="metric">(?P<name>[^<]+)</code>'
)


def raise_alarm(window="one", *, kind="purge.overdue", days_ago=0, **body):
    at = timezone.now() - timedelta(days=days_ago)
    assert alarms.raise_alarm(kind=kind, about=ABOUT, window=window, body=body, at=at)
    return Alarm.objects.open().get(kind=kind, window=window)


def store_10_000(kind):
    """Store open alarms, each about another person."""
    at = timezone.now()
    rows = [
        Alarm(kind=kind, about=entries.uuid7(), raised_at=at, last_at=at) for _ in range(10_000)
    ]
    Alarm.objects.bulk_create(rows)


def settle_url(alarm_id):
    return reverse("operations-alarm-settle", args=[alarm_id])


def read_figures(page):
    """Return value by metric, as the page shows them; None where it is unknown."""
    figures = [match.groupdict() for match in _FIGURE.finditer(page.content.decode())]
    assert len(figures) == page.content.decode().count('class="metric"')
    return {
        html.unescape(figure["name"]): float(figure["value"]) if figure["value"] else None
        for figure in figures
    }


def format_sample(name, labels):
    pairs = ",".join(f'{label}="{value}"' for label, value in labels)
    return f"{name}{{{pairs}}}" if pairs else name


class TestAlarms:
    def test_have_title_next_step_age_and_counts_by_kind(self, otto):
        raise_alarm("one", days_ago=2, step="emptied", count=3)
        raise_alarm("two")
        alarms.settle_alarm(raise_alarm("three").id, reason="done", at=timezone.now())
        raise_alarm("old", days_ago=40)

        page = otto.get(URL)

        page_text = text(page.content.decode())
        assert str(alarm_guide.TITLES["purge.overdue"]) in page_text
        assert str(alarm_guide.NEXT_STEPS["purge.overdue"]) in page_text
        assert "step=emptied" in page_text
        assert "count=3" in page_text
        figures = read_figures(page)
        labels = '{kind="purge.overdue"}'
        assert figures[f"antares_alarms_open{labels}"] == 3
        assert figures[f"antares_alarms_raised_last_30_days{labels}"] == 3
        age = figures[f"antares_alarm_open_age_seconds{labels}"]
        assert age == pytest.approx(timedelta(days=40).total_seconds(), abs=60)

    def test_name_their_subject_unless_it_is_the_service(self, otto):
        raise_alarm(kind="support.act_failed")
        at = timezone.now()
        alarms.raise_alarm(kind="parsers.busy", about=UUID(int=0), window="", body={}, at=at)

        page = otto.get(URL).content.decode()

        assert f"<code>about={ABOUT}</code>" in page
        assert page.count("about=") == 1

    def test_begin_with_the_oldest_kind_and_have_its_oldest_first(self, otto):
        new, old = raise_alarm(kind="sync.crashing"), raise_alarm(days_ago=3)
        older = raise_alarm("two", days_ago=4)

        page = otto.get(URL).content.decode()

        assert re.findall(r"alarms/([0-9a-f-]+)/settle/", page) == [
            str(alarm.id) for alarm in (older, old, new)
        ]

    def test_of_one_kind_are_shown_up_to_a_number(self, otto):
        for number in range(alarm_groups._SHOWN + 2):
            raise_alarm(str(number))

        page = otto.get(URL).content.decode()

        assert page.count("Settle the alarm") == alarm_groups._SHOWN
        assert "2 more open alarms of this kind" in text(page)

    def test_of_10_000_people_leave_the_severe_on_the_first_page(self, otto):
        severe = raise_alarm(kind="record.damaged")
        store_10_000("refusals.burst")
        store_10_000("sync.crashing")

        with CaptureQueriesContext(database) as queries:
            page = otto.get(URL).content.decode()

        assert re.search(r"alarms/([0-9a-f-]+)/settle/", page)[1] == str(severe.id)
        assert re.findall('<h3 id="([a-z._]+)"', page) == [
            "record.damaged", "sync.crashing", "refusals.burst"
        ]  # fmt: skip
        assert page.count("Settle the alarm") == 2 * alarm_groups._SHOWN + 1
        assert "9,980 more open alarms of this kind" in text(page)
        # PostgreSQL picks the shown ones.
        assert any("ROW_NUMBER() OVER" in query["sql"] for query in queries.captured_queries)

    def test_of_one_person_and_cause_are_a_row_with_a_count(self, otto):
        at = timezone.now()
        with acting_as(ProcessClass.WEB):
            for _ in range(1_000):
                alarms.raise_alarm(kind="connect.failed", about=ABOUT, window="", body={}, at=at)

        page_text = text(otto.get(URL).content.decode())

        assert Alarm.objects.get().count == 1_000
        assert "raised 1,000 times, last" in page_text
        assert page_text.count("Settle the alarm") == 1

    def test_that_are_quiet_settle_themselves_and_say_so(self, otto):
        raise_alarm(kind="refusals.burst", days_ago=3)
        raise_alarm("again", kind="refusals.burst", days_ago=3)
        at = timezone.now()
        alarms.raise_alarm(kind="refusals.burst", about=ABOUT, window="again", body={}, at=at)
        raise_alarm("kept", kind="sync.crashing", days_ago=300)

        with acting_as(ProcessClass.PURGE):
            sweep_purges()

        page_text = text(otto.get(URL).content.decode())
        assert set(Alarm.objects.open().values_list("window", flat=True)) == {"again", "kept"}
        assert "Settled automatically in the last 30 days" in page_text
        assert "refusals.burst · raised once · Quiet for 2 d" in page_text
        [leaf] = [leaf for leaf in Leaf.objects.all() if b"alarm.settled" in bytes(leaf.payload)]
        assert "operator" not in json.loads(bytes(leaf.payload))["body"]

    def test_of_another_version_have_their_kind_and_lead_to_the_log(self, otto):
        raise_alarm(kind="later.kind")

        page_text = text(otto.get(URL).content.decode())

        assert "later.kind" in page_text
        assert str(alarm_guide.UNKNOWN) in page_text

    def test_are_none(self, otto):
        assert "No open alarms" in text(otto.get(URL).content.decode())

    def test_have_a_title_for_each_kind(self):
        assert alarm_guide.TITLES.keys() == alarm_guide.NEXT_STEPS.keys()


class TestSettling:
    def test_stores_reason_and_operator_and_writes_one_entry_of_the_ledger(self, otto):
        alarm = raise_alarm(feature="campaigns")
        before = set(Leaf.objects.values_list("id", flat=True))

        answer = otto.post(settle_url(alarm.id), {"reason": " the worker\nwas  started "})

        operator = User.objects.get(role="operator")
        assert answer["Location"] == URL
        alarm.refresh_from_db()
        assert alarm.settled_reason == "the worker was started"
        assert alarm.settled_by == operator.id
        [leaf] = Leaf.objects.exclude(id__in=before)
        entry = json.loads(bytes(leaf.payload))
        assert entry["event"] == "alarm.settled"
        assert entry["subject"] == entries.get_ledger_pseudonym(alarm.id)
        assert entry["body"] == {
            "kind": "purge.overdue",
            "operator": entries.get_ledger_pseudonym(operator.id),
        }
        assert "the worker" not in bytes(leaf.payload).decode()
        page_text = text(otto.get(URL).content.decode())
        assert f"The alarm is settled: {alarm_guide.TITLES['purge.overdue']}." in page_text
        assert "No open alarms" in page_text

    @pytest.mark.parametrize(
        ("reason", "sentence"),
        [
            ("", "Enter a reason."),
            (" \n ", "Enter a reason."),
            ("x" * 201, "Use at most 200 characters. You entered 201."),
        ],
    )
    def test_asks_again_for_a_reason_that_is_none(self, otto, reason, sentence):
        alarm = raise_alarm()

        answer = otto.post(settle_url(alarm.id), {"reason": reason})

        page = answer.content.decode()
        assert answer.status_code == 400
        assert sentence in text(page)
        [field] = re.findall(r'<input[^>]+name="reason"[^>]*>', page)
        assert 'aria-invalid="true"' in field
        assert f'aria-describedby="{alarm.id}-reason_error"' in field
        assert "<details open>" in page
        assert Alarm.objects.open().get() == alarm

    def test_takes_a_reason_of_the_greatest_length(self, otto):
        alarm = raise_alarm()

        otto.post(settle_url(alarm.id), {"reason": f"  {'x' * 100}   {'y' * 99}  "})

        alarm.refresh_from_db()
        assert len(alarm.settled_reason) == 200

    @pytest.mark.parametrize("reason", ["again", ""])
    def test_says_that_the_alarm_was_settled_before(self, otto, reason):
        alarm = raise_alarm()
        alarms.settle_alarm(alarm.id, reason="the first reason", at=timezone.now())
        count = Leaf.objects.count()

        page = otto.post(settle_url(alarm.id), {"reason": reason}, follow=True)

        assert "this alarm was already settled" in text(page.content.decode())
        alarm.refresh_from_db()
        assert (alarm.settled_reason, alarm.settled_by) == ("the first reason", None)
        assert Leaf.objects.count() == count

    def test_says_so_if_another_operator_was_faster(self, otto, monkeypatch):
        alarm = raise_alarm()
        settle = settled_alarms.settle_alarm

        def settle_second(alarm_id, *, reason, at, operator_id):
            settle(alarm_id, reason="the other's reason", at=at)
            return settle(alarm_id, reason=reason, at=at, operator_id=operator_id)

        monkeypatch.setattr(settled_alarms, "settle_alarm", settle_second)

        page = otto.post(settle_url(alarm.id), {"reason": "mine"}, follow=True)

        assert "this alarm was already settled" in text(page.content.decode())
        alarm.refresh_from_db()
        assert (alarm.settled_reason, alarm.settled_by) == ("the other's reason", None)

    def test_of_an_unknown_alarm_is_not_found(self, otto):
        assert otto.post(settle_url(UNKNOWN), {"reason": "because"}).status_code == 404

    @pytest.mark.control("3.1.1")
    def test_is_for_operators_alone(self, alice, rita):
        alarm = raise_alarm()

        for browser in (Client(), cast.browser(alice.user), rita):
            answer = browser.post(settle_url(alarm.id), {"reason": "because"})
            assert answer.status_code in {302, 403}
            assert browser.get(URL).status_code in {302, 403}
        assert Alarm.objects.open().get() == alarm


class TestFigures:
    @pytest.fixture
    def busy(self, alice):
        """Rows for every table: a removal that is late, alarms, heartbeats, queued tasks."""
        with using_broker("memory://"):
            self.empty_queues()
            make_finished_removal(alice)
            PurgeJob.objects.update(
                step="emptied",
                done_at=None,
                receipt_id=None,
                verified_at=None,
                fenced_at=timezone.now() - timedelta(days=3),
            )
            raise_alarm(days_ago=1)
            heartbeats.record_heartbeats(["sync"], at=timezone.now())
            heartbeats.record_heartbeats(["purge"], at=timezone.now() - timedelta(minutes=9))
            assert task_queue.enqueue("integrations.sync_mail", work_id=ABOUT)
            yield
            self.empty_queues()

    def empty_queues(self):
        with task_queue.current_app.connection_for_read() as connection:
            for queue in WORKERS:
                connection.default_channel.queue_purge(str(queue))

    def test_are_all_in_the_metrics_under_the_name_beside_them(self, busy, otto):
        measure()

        figures = read_figures(otto.get(URL))
        measured = {
            format_sample(*key): value for key, value in read_metrics(otto.get("/metrics")).items()
        }

        assert figures['antares_queue_length{queue="sync"}'] == 1
        assert figures['antares_queue_length{queue="purge"}'] == 0
        assert figures['antares_purges_open{step="emptied"}'] == 1
        assert figures['antares_promises_late{promise="rows_gone"}'] == 1
        late_by = figures['antares_promise_late_age_seconds{promise="rows_gone"}']
        assert late_by == pytest.approx(timedelta(days=3, hours=-1).total_seconds(), abs=60)
        age = figures["antares_purge_age_seconds"]
        assert age == pytest.approx(timedelta(days=3).total_seconds(), abs=60)
        assert len(figures) > 30
        wrong = {
            name: (value, measured.get(name))
            for name, value in figures.items()
            # The age of an open alarm grows while the stored figure stays.
            if measured.get(name) != pytest.approx(value, abs=60 if "_age_" in name else 1e-3)
            and not (value is None and name not in measured)
        }
        assert wrong == {}

    def test_say_which_process_is_missing_since_when(self, busy, otto):
        rows = re.findall(
            r"<th scope=\"row\"><code>(\w+)</code>.*?</tr>", otto.get(URL).text, re.DOTALL
        )
        page_text = text(otto.get(URL).content.decode())

        assert rows == ["purge", "sync", "beat"]
        assert "missing since" in page_text
        assert "running" in page_text
        assert "not started" in page_text

    def test_are_unknown_of_queues_while_the_broker_does_not_answer(self, otto):
        with broker_down():
            measure()

        page = otto.get(URL)

        assert read_figures(page)['antares_queue_length{queue="sync"}'] is None
        assert "antares_queue_length" not in otto.get("/metrics").text
        assert read_figures(page)["antares_keyring_available"] == 1

    def test_are_missing_before_anything_was_measured(self, otto):
        page = otto.get(URL)

        figures = read_figures(page)
        assert "The figures are missing" in text(page.content.decode())
        assert {value for name, value in figures.items() if "kind=" not in name} == {None}

    @pytest.mark.parametrize(("age", "is_told"), [(290, False), (310, True)])
    def test_say_that_the_measuring_task_does_not_run(self, otto, age, is_told):
        measure()
        Gauge.objects.update(measured_at=timezone.now() - timedelta(seconds=age))

        page_text = text(otto.get(URL).content.decode())

        assert ("The measuring task does not run" in page_text) == is_told

    def test_call_for_attention_where_a_promise_is_late(self, busy, otto):
        measure()

        page = otto.get(URL).text

        alerting = re.findall(r'Needs attention</span> <code class="metric">([^<]+)</code>', page)
        assert list(map(html.unescape, alerting)) == [
            f'antares_promises_late{{promise="{promise}"}}' for promise in PurgePromise
        ]

    def test_have_words_for_each_step_promise_status_and_duty(self):
        assert PROMISE_LABELS.keys() == set(PurgePromise)
        assert {*STEPS, PurgeStep.DONE} == set(PurgeStep)
        assert STATUSES.keys() == set(ConnectionStatus)
        assert DUTIES.keys() == {*task_queue.list_queues(), "beat"}
        assert set(task_queue.list_queues()) == set(map(str, WORKERS))

    def test_of_connections_have_provider_and_status(self, alice, otto):
        measure()

        assert "Google, active" in text(otto.get(URL).content.decode())

    @pytest.mark.parametrize(
        ("seconds", "shown"),
        [
            (0, "none"), (59, "less than a minute"), (60, "1 minute"), (7199, "1 hour"),
            (86399, "23 hours"), (3 * 86400, "3 days"),
        ],
    )  # fmt: skip
    def test_have_ages_in_the_largest_unit(self, seconds, shown):
        assert figures.format_age(seconds) == shown

    @pytest.mark.invariant(4)
    @pytest.mark.control("4.1.1")
    def test_are_shown_without_a_row_of_any_person(self, busy, alice, mine, otto):
        measure()

        page = otto.get(URL).text

        secrets = [cast.MARKER, "gmail.example", alice.user.email, *map(str, vars(mine).values())]
        assert not [secret for secret in secrets if secret in page]
        with acting_as(ProcessClass.STAFF):
            assert not Connection.objects.values("id").exists()
