"""The web entry point."""

import os

from django.core.wsgi import get_wsgi_application

from config import egress, keyring_check, process_hardening
from config.environ_middleware import read_as_utf8, without_our_environment
from config.logging import log_uncaught
from config.process_classes import SITES, refuse_other_than
from integrations.coordination import process_memory

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

process_hardening.keep()
process_memory.give_back()
refuse_other_than(*SITES)
_application = read_as_utf8(without_our_environment(get_wsgi_application()))

from django.db import connections  # noqa: E402 - after the settings

from config.database.schema_guard import is_schema_current  # noqa: E402
from config.heartbeats import Heart, report_missing  # noqa: E402
from config.restore_gate import Door  # noqa: E402
from config.schema_gate import SchemaDoor  # noqa: E402
from integrations.connections import restore_guard  # noqa: E402

application = SchemaDoor(Door(_application, restore_guard.is_pending), is_schema_current)
log_uncaught()
egress.watch()
if application.check() is None:
    keyring_check.say()
    report_missing()
connections.close_all()
# Has no duty of its own, and raises the alarm for those that nobody performs.
Heart(duties=()).start()
