from types import SimpleNamespace

import pytest
from celery import Celery, current_app
from django.conf import settings

from config import celery
from config.environment import Environment, InvalidSettings
from config.periodic_tasks import SCHEDULE
from config.process_classes import TASKS, WORKERS, ProcessClass, read_process_class


class TestTasks:
    def test_each_have_a_queue_and_each_queue_a_class_of_workers(self):
        current_app.loader.import_default_modules()
        ours = {name for name in current_app.tasks if not name.startswith("celery.")}

        assert ours == set(TASKS)
        assert set(TASKS.values()) == set(WORKERS)

    def test_are_the_ones_that_the_schedule_names(self):
        assert {entry["task"] for entry in SCHEDULE.values()} <= set(TASKS)

    def test_go_where_the_table_says(self):
        router = current_app.amqp.router

        routed = {name: router.route({}, name)["queue"].name for name in TASKS}

        assert routed == {name: str(queue) for name, queue in TASKS.items()}

    def test_without_a_line_would_run_with_the_fewer_rights(self):
        assert settings.CELERY_TASK_DEFAULT_QUEUE == ProcessClass.SYNC


class TestProcessClass:
    @pytest.mark.parametrize("value", ["web", "staff", "sync", "purge", "console", "owner"])
    def test_is_one_of_five_or_the_owner(self, value):
        env = Environment({"PROCESS_CLASS": value})

        assert read_process_class(env, production=True) == value
        env.raise_problems()

    def test_may_be_left_out_in_development_only(self):
        development, production = Environment({}), Environment({})

        assert read_process_class(development, production=False) == ""
        assert read_process_class(production, production=True) == ""
        development.raise_problems()
        with pytest.raises(
            InvalidSettings, match="PROCESS_CLASS is not set: web, staff, sync, purge, console"
        ):
            production.raise_problems()

    def test_is_refused_where_it_is_another(self):
        env = Environment({"PROCESS_CLASS": "marketing"})
        read_process_class(env, production=True)

        with pytest.raises(
            InvalidSettings,
            match="PROCESS_CLASS must be one of web, staff, sync, purge, console, owner",
        ):
            env.raise_problems()


class TestAWorker:
    """Celery asks this before a worker takes its first task."""

    @staticmethod
    def start(*queues):
        app = Celery("worker", set_as_current=False)
        app.amqp.queues.select(queues)
        celery.check_worker_class(sender=SimpleNamespace(app=app))

    @pytest.mark.parametrize("process_class", WORKERS)
    def test_consumes_the_queue_of_its_class(self, settings, process_class):
        settings.PROCESS_CLASS = process_class

        self.start(process_class)

    @pytest.mark.parametrize(
        ("process_class", "queues"),
        [("purge", ["sync"]), ("sync", ["purge"]), ("sync", ["sync", "purge"]), ("web", ["sync"])],
    )
    def test_of_another_class_than_its_queues_does_not_start(self, settings, process_class, queues):
        settings.PROCESS_CLASS = process_class

        with pytest.raises(SystemExit, match=f"PROCESS_CLASS is {process_class}"):
            self.start(*queues)

    def test_does_not_run_as_the_owner_of_the_tables_in_production(self, settings):
        self.start("sync")
        settings.PRODUCTION = True

        with pytest.raises(SystemExit, match="set PROCESS_CLASS"):
            self.start("sync")

    @pytest.mark.parametrize("process_class", ["", "web", "staff", "sync", "console"])
    def test_called_beat_runs_as_purge_in_production(self, settings, process_class):
        settings.PROCESS_CLASS = process_class
        celery.check_beat_class()
        settings.PRODUCTION = True

        with pytest.raises(SystemExit, match="PROCESS_CLASS=purge"):
            celery.check_beat_class()
