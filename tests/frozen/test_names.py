"""
Names that others rely on stay: each list in this folder is what the service has.

Clients, operators, dashboards, queued messages and rows use these names. If a change of one is
wanted, edit the list in the same commit.
"""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest
from django.core.management import call_command
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator
from rest_framework import serializers

from integrations.operations import metrics
from tests.frozen import runtime_names, source_names

FOLDER = Path(__file__).parent
LISTS = {
    "alarms": runtime_names.list_alarms,
    "claims": runtime_names.list_claims,
    "clauses": runtime_names.list_clauses,
    "commands": runtime_names.list_commands,
    "derivations": source_names.list_derivations,
    "ledger_events": source_names.list_ledger_events,
    "log_events": source_names.list_log_events,
    "migrations": runtime_names.list_migrations,
    "openapi": runtime_names.list_openapi,
    "routes": runtime_names.list_routes,
    "rules": runtime_names.list_rules,
    "schedule": runtime_names.list_schedule,
    "tables": runtime_names.list_tables,
    "tasks": runtime_names.list_tasks,
}


def compare(name: str, lines: list[str]) -> None:
    """Fail with a diff if a committed list differs from `lines`."""
    path = FOLDER / f"{name}.txt"
    frozen = path.read_text(encoding="utf-8").splitlines()
    diff = difflib.unified_diff(frozen, lines, path.name, "the service", n=0, lineterm="")
    assert frozen == lines, "\n".join(diff)


@pytest.mark.parametrize("name", LISTS)
def test_names_are_as_listed(name):
    compare(name, LISTS[name]())


@pytest.mark.django_db
def test_metrics_are_as_listed():
    metrics.measure_metrics(at=timezone.now())

    compare("metrics", runtime_names.list_metrics())


@pytest.mark.django_db
def test_models_need_no_migration(capsys):
    call_command("makemigrations", check_changes=True, dry_run=True)

    assert "No changes detected" in capsys.readouterr().out


def test_environment_variables_are_as_listed(monkeypatch, tmp_path):
    names = runtime_names.list_environment_variables(monkeypatch, tmp_path)

    compare("environment_variables", names)


def test_components_of_openapi_do_not_depend_on_names_of_classes():
    components = SchemaGenerator().get_schema(public=True)["components"]["schemas"]
    names = [
        annotation["component_name"]
        for serializer in _find_subclasses(serializers.Serializer)
        if "component_name" in (annotation := vars(serializer).get("_spectacular_annotation", {}))
    ]

    assert len(names) == len(set(names))
    # A problem is described by hand, not by a serializer.
    assert {name.removeprefix("Patched") for name in components} - set(names) == {"Problem"}


def _find_subclasses(base):
    for subclass in base.__subclasses__():
        yield subclass
        yield from _find_subclasses(subclass)
