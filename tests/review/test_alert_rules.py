"""The example of alert rules names only metrics, labels and values that the service exposes."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pytest
import yaml
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from accounts import alarms
from accounts.ids import uuid7
from config.heartbeats import DUTIES
from integrations.coordination import task_queue
from integrations.operations import heartbeats
from tests.broker import using_broker
from tests.review.conftest import as_worker
from tests.review.test_metrics import measure

pytestmark = pytest.mark.django_db

FILE = Path(__file__).parents[2] / "config/alert_rules.yml"
README = Path(__file__).parents[2] / "config/README.md"
_SELECTOR = re.compile(r"\b(antares_\w+)\b(?:\{([^}]*)\})?")
_MATCHER = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"')
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)")
_OF_LABEL = re.compile(r"\$labels\.(\w+)")


def read_rules():
    content = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return [rule for group in content["groups"] for rule in group["rules"]]


def find_problems(rule, exposed):
    """
    Return what a rule names and the service does not expose.

    :param exposed: the values of each label, by metric
    """
    problems, labels = [], set()
    for name, matchers in _SELECTOR.findall(rule["expr"]):
        if name not in exposed:
            problems.append(f"{name} is no metric")
            continue
        labels |= exposed[name].keys()
        for label, value in _MATCHER.findall(matchers):
            if label not in exposed[name]:
                problems.append(f"{name} has no label {label}")
            elif value not in exposed[name][label]:
                problems.append(f'{name} has no {label}="{value}"')
    used = {
        label.strip() for group in _GROUPING.findall(rule["expr"]) for label in group.split(",")
    } | {label for text in rule["annotations"].values() for label in _OF_LABEL.findall(text)}
    return problems + [f"no metric has the label {label}" for label in sorted(used - labels)]


def is_covered(case, expressions):
    """Return whether one rule has the metric, label and limit of a case."""
    selectors = re.findall(r"antares_\w+(?:\{[^}]*\})?(?:\[\w+\])?", case)
    limit = re.search(r"[<>=]+ \d+$", case)
    return any(
        all(selector in expression for selector in selectors)
        and (limit is None or expression.split(" or ")[0].endswith(limit[0]))
        for expression in expressions
    )


@pytest.fixture
def exposed(used, otto):
    """Return the values of each label by metric, of a service in which everything happened."""
    with using_broker("memory://"):
        heartbeats.record_heartbeats(DUTIES, at=timezone.now())
        alarms.raise_alarm(
            kind="purge.overdue", about=uuid7(), window="", body={}, at=timezone.now()
        )
        assert set(task_queue.count_waiting_tasks()) == set(task_queue.list_queues())
        measure()
    labels = defaultdict(lambda: defaultdict(set))
    for family in text_string_to_metric_families(otto.get("/metrics").text):
        for sample in family.samples:
            labels[sample.name]
            for label, value in sample.labels.items():
                labels[sample.name][label].add(value)
    return labels


class TestAlertRules:
    def test_name_only_metrics_and_labels_that_exist(self, exposed):
        assert {
            rule["alert"]: problems
            for rule in read_rules()
            if (problems := find_problems(rule, exposed))
        } == {}

    @pytest.mark.parametrize(
        ("expr", "problem"),
        [
            ("antares_promise_late > 0", "antares_promise_late is no metric"),
            ('antares_promises_late{kind="x"} > 0', "antares_promises_late has no label kind"),
            (
                'antares_promises_late{promise="rows"} > 0',
                'antares_promises_late has no promise="rows"',
            ),
            ("sum by (queue) (antares_promises_late)", "no metric has the label queue"),
        ],
    )
    def test_are_searched(self, exposed, expr, problem):
        rule = {"expr": expr, "annotations": {"summary": ""}}

        assert find_problems(rule, exposed) == [problem]

    def test_have_what_prometheus_wants(self):
        rules = read_rules()

        assert len({rule["alert"] for rule in rules}) == len(rules) >= 12
        for rule in rules:
            assert {*rule} <= {"alert", "expr", "for", "labels", "annotations"}, rule
            assert re.fullmatch(r"[A-Za-z]+", rule["alert"])
            assert re.fullmatch(r"\d+[smh]", rule.get("for", "1m"))
            assert rule["labels"]["severity"] in {"page", "ticket"}
            assert rule["annotations"]["summary"]
            for left, right in ("()", "[]", "{}"):
                assert rule["expr"].count(left) == rule["expr"].count(right)

    def test_cover_each_case_of_the_manual(self):
        text = README.read_text(encoding="utf-8")
        table = text[text.index("[alert_rules.yml](alert_rules.yml)") : text.index("## Alarms")]
        expressions = [rule["expr"] for rule in read_rules()]

        cases = re.findall(r"`([^`]*antares_[^`]*)`", table)
        assert len(cases) >= 16
        assert [case for case in cases if not is_covered(case, expressions)] == []


class TestMeasuring:
    def test_counts_waiting_tasks_of_each_queue(self):
        with using_broker("memory://"), as_worker():
            before = task_queue.count_waiting_tasks()
            assert task_queue.enqueue("integrations.purge_integration", purge_id=uuid7())

            after = task_queue.count_waiting_tasks()

        assert after["purge"] == before["purge"] + 1
        assert after["sync"] == before["sync"]
