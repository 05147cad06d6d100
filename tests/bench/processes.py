"""Processes of the service, started as the demo starts them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from config.embedded import sandbox_seed, tcp_ports
from config.embedded.embedded_service import RunningService
from config.process_classes import ProcessClass
from tests.bench import google


@contextmanager
def start_processes(*classes: ProcessClass, beat: bool = False) -> Iterator[RunningService]:
    """
    Start a web server and a worker `worker-CLASS` of each class, and stop them on leaving.

    :param beat: whether the schedule is kept as well
    """
    with tcp_ports.reserve_port() as port:
        service = _service(f"http://localhost:{port}")
        try:
            service.start_site(ProcessClass.WEB, port)
            for process_class in classes:
                service.start_worker(f"worker-{process_class}", process_class)
            service.wait_until_listening("web", port)
            if beat:
                service.start_beat()
            yield service
        finally:
            for name in list(service.processes):
                service.stop_named_process(name)


def _service(url: str) -> RunningService:
    logs = Path(settings.KEYRING.folder).parent / "logs"
    logs.mkdir(exist_ok=True)
    return RunningService(
        url=url,
        sandbox_url=settings.GOOGLE.api_root_url,
        control_url=os.environ[google.CONTROL],
        environment=os.environ
        | {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PUBLIC_URL": url,
            "GOOGLE_PUBSUB_TOPIC": sandbox_seed.TOPIC,
            "GOOGLE_PUSH_ACCOUNT": sandbox_seed.PUSH_ACCOUNT,
        },
        logs=logs,
    )
