"""Settings of Celery for every environment: ids only, as JSON, and no results."""

from __future__ import annotations

from config.periodic_tasks import SCHEDULE
from config.process_classes import ROUTES

CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A queued task is a hint: a broken broker must not delay a disconnect, which it would for six
# seconds. Workers reconnect by their own rules.
CELERY_BROKER_TRANSPORT_OPTIONS = {"max_retries": 0, "socket_connect_timeout": 2}
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_STORE_EAGER_RESULT = False
CELERY_RESULT_BACKEND = None
# All routes are explicit; the default queue has fewer rights.
CELERY_TASK_DEFAULT_QUEUE = "sync"
CELERY_TASK_ROUTES = ROUTES
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = SCHEDULE
