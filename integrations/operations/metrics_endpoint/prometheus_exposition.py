"""Prometheus' text format, all from the database: every process returns the same values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from django.db.models import Sum
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from integrations.models import Heartbeat
from integrations.operations import metrics, parser_counts
from limited_use.models.usage import PolicyUse

_USE = ("feature", "purpose", "data_class", "recipient", "rule")
# The service itself, if no platform feature acted.
OWN_FEATURE = "service"


class DatabaseCollector(Collector):
    def collect(self) -> Iterable[Metric]:
        yield from self._collect_decisions()
        yield from self._collect_gauges()
        yield self._collect_workers()
        yield self._collect_parsers()

    def _collect_decisions(self) -> Iterator[Metric]:
        decisions = CounterMetricFamily(
            "antares_decisions",
            "Uses that were decided, by what decided and how",
            labels=(*_USE, "outcome"),
        )
        refusals = CounterMetricFamily(
            "antares_refusals", "Uses that were refused, by feature", labels=("feature",)
        )
        events = CounterMetricFamily(
            "antares_events", "Events of the ledger that are no decisions", labels=("event",)
        )
        refused: dict[str, int] = defaultdict(int)
        rows = PolicyUse.objects.values_list(*_USE, "is_permitted").annotate(total=Sum("count"))
        for *labels, is_permitted, count in rows.order_by(*_USE, "is_permitted"):
            feature, purpose, *_, rule = labels
            if not purpose:
                events.add_metric((rule,), count)
                continue
            outcome = "permitted" if is_permitted else "refused"
            decisions.add_metric((feature or OWN_FEATURE, *labels[1:], outcome), count)
            refused[feature or OWN_FEATURE] += 0 if is_permitted else count
        for feature, count in sorted(refused.items()):
            refusals.add_metric((feature,), count)
        yield from (decisions, refusals, events)

    def _collect_gauges(self) -> Iterator[Metric]:
        measured_at, figures = metrics.load_metrics()
        by_name: dict[str, list[metrics.MetricValue]] = defaultdict(list)
        for figure in figures:
            by_name[figure.name].append(figure)
        for name, measured in by_name.items():
            labels = [label for label, _ in measured[0].labels]
            family = GaugeMetricFamily(name, metrics.DESCRIPTIONS[name], labels=labels)
            for measurement in measured:
                family.add_metric(
                    [value or OWN_FEATURE for _, value in measurement.labels], measurement.value
                )
            yield family
        if measured_at is not None:
            yield GaugeMetricFamily(
                "antares_measured_timestamp_seconds",
                "When the figures above were measured",
                value=measured_at.timestamp(),
            )

    def _collect_workers(self) -> Metric:
        """No other metric shows that no worker measures."""
        family = GaugeMetricFamily(
            "antares_worker_seen_timestamp_seconds",
            "When the queue last had a consumer; for beat, when it last ran",
            labels=["duty"],
        )
        for row in Heartbeat.objects.order_by("duty"):
            family.add_metric([row.duty], row.seen_at.timestamp())
        return family

    def _collect_parsers(self) -> Metric:
        """Return every event, also at 0: an alert on a rise needs an earlier value."""
        family = CounterMetricFamily(
            "antares_parsers",
            "Tasks that parser processes refused or could not take, and processes replaced",
            labels=["event"],
        )
        for event, total in parser_counts.list_parser_totals().items():
            family.add_metric([event], total)
        return family


def render_metrics() -> bytes:
    registry = CollectorRegistry()
    registry.register(DatabaseCollector())
    return generate_latest(registry)
