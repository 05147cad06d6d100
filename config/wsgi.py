"""The WSGI application behind the front."""

import os

from django.core.wsgi import get_wsgi_application

from config import egress, keyring_check, process_hardening
from config.environ_middleware import force_utf8, hide_process_environment
from config.logging import log_uncaught
from config.process_classes import SITES, require_process_class
from integrations.coordination import process_memory

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

process_hardening.protect_memory()
process_memory.release_freed_memory()
require_process_class(*SITES)
_application = force_utf8(hide_process_environment(get_wsgi_application()))

from django.db import connections  # noqa: E402 - after the settings

from config.database.schema_guard import is_schema_current  # noqa: E402
from config.heartbeats import HeartbeatThread, report_missing_duties  # noqa: E402
from config.restore_gate import RestoreGate  # noqa: E402
from config.schema_gate import SchemaGate  # noqa: E402
from integrations.connections import restore_guard  # noqa: E402

application = SchemaGate(RestoreGate(_application, restore_guard.is_pending), is_schema_current)
log_uncaught()
egress.install_tripwire()
if application.refresh_refusal() is None:
    keyring_check.report_keyring_fit()
    report_missing_duties()
connections.close_all()
# Has no duty, but raises alarms for missing workers.
HeartbeatThread(duties=()).start()
