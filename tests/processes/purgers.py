"""
A process whose children are purge workers of the service: ``python -m tests.processes.purgers``.

Reads a name per line of its input, starts a Celery worker of that name, and answers its process
id. Everything is imported once, and so a worker that was killed is replaced at once. Its name is
what the database knows its connections by.
"""

from __future__ import annotations

import os
import signal
import sys

from config.parent_process import make_parent_death_hook
from config.process_classes import ProcessClass


def main() -> None:
    import django

    django.setup()

    from config.celery import app

    app.loader.import_default_modules()
    # Nobody waits for a child that was killed.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    follow = make_parent_death_hook(signal.SIGKILL)
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            follow()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            work(app, line.strip())
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


def work(app, name: str) -> None:
    """Be a worker as `Service.start_worker` starts it, until it is told to end."""
    os.environ["PGAPPNAME"] = name
    # What it says is not an answer.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        app.worker_main(
            [
                *("--quiet", "worker", "--queues", str(ProcessClass.PURGE)),
                *("--pool", "threads", "--concurrency", "4", "--hostname", f"{name}@localhost"),
                *("--without-gossip", "--without-mingle", "--without-heartbeat"),
            ]
        )
    finally:
        os._exit(1)


if __name__ == "__main__":
    main()
