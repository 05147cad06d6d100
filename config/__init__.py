"""
Settings, entry points and the schedule.

The Celery application is made with the package, so that every process which queues a task
(web, commands, tests) reaches our broker rather than Celery's default one.
"""

from config.celery import app

__all__ = ["app"]
