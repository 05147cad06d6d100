"""
Load views and templates when a process starts.

Otherwise the first request of each web process waits for them, and the garbage collector scans
them for the life of the process (`coordination/process_memory.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.template.loader import get_template
from django.urls import reverse


def load_views() -> None:
    """Import every view, and compile all URL patterns."""
    # To find a name, Django imports all routes and compiles their patterns.
    reverse("alive")


def load_templates() -> None:
    """Compile our templates, and the templates that they extend and include by name."""
    for name in sorted(set(_list_templates())):
        get_template(name)


def _list_templates() -> Iterator[str]:
    paths = (Path(app.path) for app in apps.get_app_configs())
    app_folders = [path for path in paths if path.parent == settings.BASE_DIR]
    for folder in (settings.BASE_DIR / "templates", *(path / "templates" for path in app_folders)):
        for template in folder.rglob("*.html"):
            yield str(template.relative_to(folder))
