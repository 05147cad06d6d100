"""
Two databases that answer in turn: what else the machine does meets both alike.

The second begins as a copy of the benchmark's own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import connections

from tests.bench import databases


@contextmanager
def copy_database() -> Iterator[tuple[Any, Any]]:
    """Yield connections to this benchmark's database and to a copy of it, dropped at the end."""
    first = connections["default"]
    # A database is copied while nobody is connected to it.
    connections.close_all()
    databases.create_database(
        _get_template_url(), _other_name(), template=str(settings.DATABASES["default"]["NAME"])
    )
    second = connections.create_connection("default")
    second.settings_dict = {**second.settings_dict, "NAME": _other_name()}
    try:
        yield first, second
    finally:
        connections["default"] = first
        second.close()
        databases.drop(_get_template_url(), _other_name())


def _other_name() -> str:
    return f"{settings.DATABASES['default']['NAME']}_other"


def _get_template_url() -> str:
    return databases.replace_database_name(os.environ["DATABASE_URL"], databases.TEMPLATE)
