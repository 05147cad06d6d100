"""Lists of names that the running service has: each function returns sorted lines of text."""

from __future__ import annotations

import argparse
import importlib
import inspect
import runpy
from collections.abc import Iterator

from django.apps import apps
from django.conf import settings
from django.core.management import get_commands, load_command_class
from django.db import connection
from django.urls import URLPattern
from drf_spectacular.generators import SchemaGenerator

import config.environment
from config.celery import app
from config.periodic_tasks import SCHEDULE
from config.process_classes import TASKS
from integrations.operations import alarm_guide, metrics
from integrations.operations.metrics_endpoint import prometheus_exposition
from integrations.review.evidence import claim_register
from limited_use.policy.clauses import CLAUSES
from limited_use.policy.policy_evaluation import ALL_ELSE
from limited_use.policy.rules import RULES
from limited_use.vault.fields import SealedField
from tests.config import production

OUR_APPS = ("accounts", "integrations", "limited_use", "config", "config.database")
URLCONFS = {"web": "config.web_urls", "staff": "config.staff_urls"}
PROCESS_CLASSES = ("web", "staff", "sync", "purge", "console", "owner")
# Some variables are only read if these have a value.
CONDITIONAL = {
    "KEYRING_URL": "https://keys.antares.example",
    "KEYRING_SNAPSHOT_RETENTION": "7",
    "EMAIL_URL": "smtps://mail.antares.example",
}


def list_routes() -> list[str]:
    """Return ``site pattern name`` for each route of both sites, in the order of the URLconf."""
    return [
        f"{site} /{route} {name}"
        for site, urlconf in URLCONFS.items()
        for route, name in _walk(importlib.import_module(urlconf).urlpatterns, "")
    ]


def _walk(patterns, prefix: str) -> Iterator[tuple[str, str]]:
    for pattern in patterns:
        route = f"{prefix}{pattern.pattern}"
        if isinstance(pattern, URLPattern):
            yield route, pattern.name
        else:
            yield from _walk(pattern.url_patterns, route)


def list_tasks() -> list[str]:
    """Return ``name queue parameters`` for each Celery task; parameters stand in messages."""
    app.loader.import_default_modules()
    lines = []
    for name, task in app.tasks.items():
        if not name.startswith("celery."):
            parameters = ", ".join(map(_describe, inspect.signature(task.run).parameters.values()))
            lines.append(f"{name} {TASKS[name]} ({parameters})")
    return sorted(lines)


def _describe(parameter: inspect.Parameter) -> str:
    # The name after `**` is in no message.
    return "**" if parameter.kind is parameter.VAR_KEYWORD else parameter.name


def list_schedule() -> list[str]:
    """Return ``entry task seconds`` for each periodic task."""
    return sorted(f"{name} {entry['task']} {entry['schedule']}" for name, entry in SCHEDULE.items())


def list_rules() -> list[str]:
    """Return ``id clauses`` for each rule of the policy, in order: the first one decides."""
    rules = [(rule.id, rule.clauses) for rule in RULES]
    rules.append((ALL_ELSE.rule_id, ALL_ELSE.clauses))
    return [f"{rule_id} {' '.join(clauses)}".strip() for rule_id, clauses in rules]


def list_claims() -> list[str]:
    """Return the ids of the sentences about data: results of tests and the evidence name them."""
    return sorted({claim.id for claim in claim_register.collect_claims()})


def list_clauses() -> list[str]:
    """Return the id of each clause, in the order of the catalogue."""
    return list(CLAUSES)


def list_metrics() -> list[str]:
    """Return the names of all metrics, with the type that Prometheus sees."""
    collected = prometheus_exposition.DatabaseCollector().collect()
    families = {f"{family.name} {family.type}" for family in collected}
    return sorted(families | {f"{name} gauge" for name in metrics.DESCRIPTIONS})


def list_tables() -> list[str]:
    """Return ``table column type`` for each column of our tables."""
    return sorted(
        f"{model._meta.db_table} {field.column} {_describe_column(field)}"
        for model in apps.get_models(include_auto_created=True)
        if model._meta.app_config.name in OUR_APPS
        for field in model._meta.concrete_fields
    )


def _describe_column(field) -> str:
    words = [field.db_type(connection)]
    if field.null:
        words.append("null")
    if isinstance(field, SealedField):
        # Part of the binding of each value, as are table and column.
        words.append(f"sealed {field.data_class}")
    return " ".join(words)


def list_migrations() -> list[str]:
    """Return the paths of migrations and of their SQL."""
    return sorted(
        path.relative_to(settings.BASE_DIR).as_posix()
        for app_name in ("accounts", "integrations", "limited_use")
        for path in (settings.BASE_DIR / app_name / "migrations").rglob("*.*")
        if path.suffix in {".py", ".sql"}
    )


def list_alarms() -> list[str]:
    """Return the kinds of alarms."""
    return sorted(alarm_guide.NEXT_STEPS)


def list_commands() -> list[str]:
    """Return ``name options`` for each management command of ours."""
    return sorted(
        f"{name} {' '.join(_list_options(load_command_class(app_name, name), name))}".strip()
        for name, app_name in get_commands().items()
        if app_name in OUR_APPS
    )


def _list_options(command, name: str) -> list[str]:
    parser = command.create_parser("manage.py", name)
    common = {"--version", "--verbosity", "--settings", "--pythonpath", "--traceback"}
    common |= {"--no-color", "--force-color", "--skip-checks", "--help"}
    options: set[str] = set()
    for action in parser._actions:
        options |= set(action.option_strings[-1:] or (action.dest,)) - {argparse.SUPPRESS}
        if isinstance(action.choices, dict):
            options |= set(action.choices)
    return sorted(options - common)


def list_openapi() -> list[str]:
    """Return operations and names of components of the OpenAPI document of the views."""
    document = SchemaGenerator().get_schema(public=True)
    operations = [
        f"operation {operation['operationId']} {method.upper()} {path}"
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    components = [
        f"component {kind} {name}"
        for kind, names in document["components"].items()
        for name in names
    ]
    return sorted([*operations, *components])


class RecordingEnvironment(config.environment.Environment):
    """Records the variables that settings read, and their defaults."""

    read: set[tuple[str, str]]

    def read_text(self, name: str, default: str = "") -> str:
        self.read.add((name, default))
        return super().read_text(name, default)


def list_environment_variables(monkeypatch, tmp_path) -> list[str]:
    """Return ``NAME = default`` for each variable of a production process of any class."""
    RecordingEnvironment.read = set()
    monkeypatch.setattr(config.environment, "Environment", RecordingEnvironment)
    for values in (production.environment(tmp_path), CONDITIONAL):
        for name, value in values.items():
            monkeypatch.setenv(name, value)
    for process_class in PROCESS_CLASSES:
        monkeypatch.setenv("PROCESS_CLASS", process_class)
        _read_settings()
    root = f"{settings.BASE_DIR}/"
    lines = (f"{name} = {default}" for name, default in RecordingEnvironment.read)
    return sorted(line.replace(root, "").rstrip() for line in lines)


def _read_settings() -> None:
    try:
        runpy.run_path(str(settings.BASE_DIR / "config" / "settings.py"))
    except config.environment.InvalidSettings:
        # Refused at the end, after everything was read.
        return
