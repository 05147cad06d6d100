"""
Settings of the demo's web processes: the service's settings, and the pages of `demo_site`.

Refuses in production, where nothing names this module.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from config.embedded.static_files import DEMO_FILES
from config.settings import *  # noqa: F403
from config.settings import MIDDLEWARE, PRODUCTION, SITE, STORAGES, TEMPLATES
from config.sites import STAFF

if PRODUCTION:
    raise ImproperlyConfigured("the demo's settings have no place in production")

_HERE = Path(__file__).resolve().parent

ROOT_URLCONF = f"config.embedded.demo_site.{'staff' if SITE == STAFF else 'web'}_urls"


def _add_demo_pages(engine: dict[str, Any]) -> dict[str, Any]:
    options = engine["OPTIONS"]
    return {
        **engine,
        # The demo's base template extends the service's.
        "DIRS": [_HERE / "templates", *engine["DIRS"]],
        "OPTIONS": {
            **options,
            "context_processors": [
                *options["context_processors"],
                "config.embedded.demo_site.context.add_demo",
            ],
        },
    }


TEMPLATES = [_add_demo_pages(engine) for engine in TEMPLATES]

MIDDLEWARE = [*MIDDLEWARE, "config.embedded.demo_site.middleware.ReceiptReadMiddleware"]

# As in production, in place of the folders of the source.
STATIC_ROOT = Path(os.environ["DEMO_STATIC_ROOT"])
STATICFILES_DIRS = [DEMO_FILES]
WHITENOISE_USE_FINDERS = False
STORAGES = {
    **STORAGES,
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
