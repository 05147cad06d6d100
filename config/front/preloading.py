"""
Load at the start what Django loads at the first request.

Otherwise the first visitor of each web process waits for it, and the garbage collector looks
through it for as long as the process lives (`parser_process/memory.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.template.loader import get_template
from django.urls import reverse


def load_views() -> None:
    """Import every view, and compile the patterns of all addresses."""
    # Makes the table by which names are looked up, of all routes.
    reverse("alive")


def load_templates() -> None:
    """Compile our templates, and those that they extend and include by name."""
    for name in sorted(set(_list_templates())):
        get_template(name)


def _list_templates() -> Iterator[str]:
    apps_of_ours = (Path(app.path) for app in apps.get_app_configs())
    folders = [app / "templates" for app in apps_of_ours if app.parent == settings.BASE_DIR]
    for folder in (*settings.TEMPLATES[0]["DIRS"], *folders):
        for path in folder.rglob("*.html"):
            yield str(path.relative_to(folder))
