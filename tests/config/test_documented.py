"""The commands of config/README.md run every process that the code needs."""

from __future__ import annotations

import re
import shlex
from itertools import pairwise

import click
import pytest
from celery.bin.celery import celery as command_line
from django.conf import settings

from config.database.role_logins import get_login_variable_name
from config.embedded.embedded_service import GRANIAN
from config.periodic_tasks import SCHEDULE
from config.process_classes import OWNER, TASKS, WORKERS, ProcessClass
from tests.config.documented import README, Documented, read_processes
from tests.config.production import ROOT

PROCESSES = read_processes()


def is_worker(process: Documented) -> bool:
    return "worker" in process.command


def queues_of(command: list[str]) -> list[str]:
    """Return the queues that Celery reads from the words of a command."""
    worker = command_line.commands["worker"]
    parser = worker.make_parser(click.Context(worker))
    options, _, _ = parser.parse_args(command[command.index("worker") + 1 :])
    return sorted(options["queues"].split(","))


class TestProcessTable:
    def test_has_a_process_of_every_class(self):
        assert {one.process_class for one in PROCESSES} == {*ProcessClass, OWNER}

    def test_has_a_worker_for_every_queue_that_tasks_go_to(self):
        workers = [one for one in PROCESSES if is_worker(one)]

        assert [queues_of(one.command) for one in workers] == [[queue] for queue in WORKERS]
        assert {queue for one in workers for queue in one.queues} == set(TASKS.values())
        assert {TASKS[entry["task"]] for entry in SCHEDULE.values()} <= set(TASKS.values())

    @pytest.mark.parametrize("process", PROCESSES, ids=lambda one: one.process)
    def test_names_the_queues_and_the_login_that_the_code_asks_for(self, process):
        if is_worker(process):
            assert process.queues == queues_of(process.command) == [process.process_class]
        else:
            assert process.queues == []
        if process.process_class == OWNER:
            assert process.login in {"`DATABASE_URL`, and all of the others", ""}
        else:
            assert (
                process.login == f"`{get_login_variable_name(ProcessClass(process.process_class))}`"
            )

    def test_has_one_beat(self):
        assert [one.process_class for one in PROCESSES if one.command[-1] == "beat"] == ["purge"]

    def test_is_the_minimum_of_production_and_more(self):
        text = (ROOT / "config" / "production.md").read_text(encoding="utf-8")
        minimum = re.findall(r"^PROCESS_CLASS=(\w+) +(.+)$", text, re.MULTILINE)

        # Numbers of threads and processes apart.
        left_out = r" --(?:concurrency|workers) \d+"
        assert minimum == [
            (one.process_class, re.sub(left_out, "", shlex.join(one.command)))
            for one in PROCESSES
            if one.command[0] in {"granian", "celery"}
        ]
        web = next(one for one in PROCESSES if one.process == "web")
        assert web.command == ["granian", *GRANIAN, "--workers", "2"]
        for one in PROCESSES:
            if one.process.startswith("each release"):
                assert f"\n{shlex.join(one.command)}\n" in text
        assert "README.md#processes" in text

    def test_stands_with_every_setting_of_the_logins(self):
        text = README.read_text(encoding="utf-8")

        for one in ProcessClass:
            assert f"`{get_login_variable_name(one)}`" in text


class TestTheNumberOfConnections:
    def test_is_what_threads_and_processes_come_to(self):
        text = README.read_text(encoding="utf-8").split("\n## How many processes\n")[1]
        threads = settings.WEB_FILE_THREADS + settings.WEB_UPLOAD_THREADS
        threads += settings.WEB_STREAM_THREADS
        # The default of the setting, which the demo and tests lower.
        threads += 8

        of_web, of_worker = threads + 2, read_option("--concurrency") + 1
        web_processes = read_option("--workers") + 1

        assert f"| {of_web} | `WEB_THREADS` + " in text
        assert f"| worker | {of_worker} | `--concurrency` + 1 |" in text
        total = web_processes * of_web + len(WORKERS) * of_worker + 1
        assert f"have at most {total}, below PostgreSQL's default" in text
        # What PostgreSQL keeps for superusers is in the number.
        assert total < 100 - 3 < total + of_web


def read_option(name: str) -> int:
    """Return the value that the commands of the table give to an option, all the same."""
    values = {word for one in PROCESSES for option, word in pairwise(one.command) if option == name}
    [value] = values
    return int(value)
