"""Entry point of the web server: the front, and behind it the WSGI application."""

import gc

from config import parent_process

parent_process.follow_server()
# Loaded objects stay, so collecting cycles finds nothing. `collect_rarely` enables it again.
gc.disable()

from django.conf import settings  # noqa: E402

# First, because it hardens the process and loads Django.
from config import wsgi  # noqa: E402
from config.front import preload, server_sockets  # noqa: E402
from config.front.asgi_application import AsgiFront  # noqa: E402
from config.route_limits import ThreadGroup  # noqa: E402
from integrations.coordination import process_memory  # noqa: E402

server_sockets.allow_open_files()
preload.load_views()
preload.load_templates()
application = AsgiFront(
    wsgi.application,
    {
        ThreadGroup.PAGES: settings.WEB_THREADS,
        ThreadGroup.FILES: settings.WEB_FILE_THREADS,
        ThreadGroup.UPLOADS: settings.WEB_UPLOAD_THREADS,
        ThreadGroup.STREAMS: settings.WEB_STREAM_THREADS,
        ThreadGroup.PROBES: 1,
    },
)
process_memory.collect_rarely(process_memory.WEB_THRESHOLDS)
