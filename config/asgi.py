"""The entry point of the web server: the front, and behind it the WSGI application."""

from django.conf import settings

# First: it makes the process a web process, and loads Django.
from config import wsgi
from config.front import routes, sockets
from config.front.application import Front
from config.route_limits import Threads

sockets.allow_open_files()
routes.load_routes()
application = Front(
    wsgi.application,
    {
        Threads.PAGES: settings.WEB_THREADS,
        Threads.FILES: settings.WEB_FILE_THREADS,
        Threads.UPLOADS: settings.WEB_UPLOAD_THREADS,
        Threads.PROBES: 1,
    },
)
