"""The web entry point."""

import os

from django.core.wsgi import get_wsgi_application

from config import egress, keys_fit, privacy
from config.cgi import without_our_environment
from config.logging import log_uncaught
from config.schema_door import SchemaDoor

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

privacy.keep()
_application = without_our_environment(get_wsgi_application())

from django.db import connections  # noqa: E402 - after the settings

from config.database.schema_guard import is_schema_current  # noqa: E402
from config.restored import Door  # noqa: E402
from integrations import restored  # noqa: E402

application = SchemaDoor(Door(_application, restored.is_pending), is_schema_current)
log_uncaught()
egress.watch()
if application.check():
    keys_fit.say()
connections.close_all()
