"""The web entry point."""

import os

from django.core.wsgi import get_wsgi_application

from config import egress, keys_fit, privacy
from config.cgi import without_our_environment
from config.logging import log_uncaught

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

privacy.keep()
_application = without_our_environment(get_wsgi_application())

from django.db import connections  # noqa: E402 - after the settings

from config.restored import Door  # noqa: E402
from integrations import restored  # noqa: E402

application = Door(_application, restored.is_pending)
log_uncaught()
egress.watch()
keys_fit.say()
connections.close_all()
