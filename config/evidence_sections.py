"""Evidence sections of this package: egress, database rights, versions, tasks and commands."""

from __future__ import annotations

import hashlib
import platform
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from config.process_classes import ProcessClass
from limited_use.evidence.evidence_sections import EvidenceBasis, EvidenceSection

_REQUIREMENTS: Final = Path(__file__).resolve().parent.parent / "requirements.txt"
_PINNED_VERSION: Final = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)


def list_settings_evidence() -> tuple[EvidenceSection, ...]:
    """Return the sections. A setting, because no lower package may import this module."""
    return (
        EvidenceSection(
            key="entry_points",
            title="Tasks and commands",
            says="Every task and command, and the purposes for which it may use provider data.",
            basis=EvidenceBasis.CODE,
            content=_describe_entry_points,
        ),
        EvidenceSection(
            key="egress",
            title="Ways out",
            says="Every host that a process of the service may talk to, and what for.",
            basis=EvidenceBasis.SETTING,
            content=_describe_egress,
        ),
        EvidenceSection(
            key="walls",
            title="Walls in the database",
            says="What each class of process may do, whose rows it sees; what differs.",
            basis=EvidenceBasis.LIVE,
            content=_describe_database_rights,
        ),
        EvidenceSection(
            key="versions",
            title="Versions",
            says="Which code and which dependencies, by their hashes, say all this.",
            basis=EvidenceBasis.CODE,
            content=_describe_versions,
        ),
    )


def _describe_entry_points(_: datetime) -> Mapping[str, Any]:
    from integrations.tasks.purposes import COMMANDS, TASKS

    return {
        kind: {
            name: {"why": entry.description, "purposes": sorted(entry.purposes)}
            for name, entry in entries.items()
        }
        for kind, entries in (("tasks", TASKS), ("commands", COMMANDS))
    }


def _describe_egress(_: datetime) -> Mapping[str, Any]:
    from django.conf import settings

    from config import egress
    from integrations.tasks.purposes import TASKS

    endpoints = egress.get_egress_endpoints(settings)
    return {
        "tripwire": "on" if settings.EGRESS_TRIPWIRE else "off",
        "proxy": "on" if settings.EGRESS_PROXY else "off",
        "ambient": _format_endpoints(endpoints.ambient),
        "providers": _format_endpoints(endpoints.providers),
        "keys": _format_endpoints(endpoints.keys),
        "tasks_that_reach_providers": sorted(filter(egress.may_reach_providers, TASKS)),
    }


def _describe_database_rights(_: datetime) -> Mapping[str, Any]:
    from django.conf import settings

    from config.database import provisioning
    from config.database.row_owners import OWNERS
    from config.database.table_grants import GRANTS

    differences = provisioning.find_differences()
    return {
        # Empty: one login owns everything, as in development.
        "this_process": settings.PROCESS_CLASS,
        "stand": not differences,
        "differences": differences,
        "open_to_every_login": provisioning.describe_open_rights(),
        "rights": {
            label: {
                "why": line.why,
                **{
                    str(process_class): line.get_letters(process_class)
                    for process_class in ProcessClass
                },
            }
            for label, line in GRANTS.items()
        },
        # The only columns that a class may read or write, by class and letter.
        "columns": {
            label: {
                f"{process_class} {letter}": list(columns)
                for (process_class, letter), columns in line.columns.items()
            }
            for label, line in GRANTS.items()
            if line.columns
        },
        "owners": {
            label: {"why": line.why, **line.describe_owner()} for label, line in OWNERS.items()
        },
    }


def _format_endpoints(endpoints: Iterable[tuple[str, int]]) -> list[str]:
    return [f"{host}:{port}" for host, port in sorted(endpoints)]


def _describe_versions(_: datetime) -> Mapping[str, Any]:
    from integrations.review.evidence import code_hashes

    locked = _REQUIREMENTS.read_bytes()
    return {
        "code_sha256": dict(code_hashes.hash_packages()),
        "python": platform.python_version(),
        "requirements_sha256": hashlib.sha256(locked).hexdigest(),
        "requirements": dict(_PINNED_VERSION.findall(locked.decode())),
    }
