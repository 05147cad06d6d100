import pytest
from celery import current_app
from django.conf import settings

from config.classes import TASKS, WORKERS, ProcessClass, process_class
from config.env import Environment, Refused
from config.schedule import SCHEDULE


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
    @pytest.mark.parametrize("value", ["", "web", "sync", "purge", "console"])
    def test_is_one_of_four_or_none(self, value):
        env = Environment({"PROCESS_CLASS": value})

        assert process_class(env) == value
        env.finish()

    def test_is_refused_where_it_is_another(self):
        env = Environment({"PROCESS_CLASS": "marketing"})
        process_class(env)

        with pytest.raises(Refused, match="PROCESS_CLASS must be one of web, sync, purge, console"):
            env.finish()
