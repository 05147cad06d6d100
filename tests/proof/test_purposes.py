"""Every task and every command stands for a purpose, or holds no provider data."""

from __future__ import annotations

import ast
import inspect

import pytest
from django.core.management import get_commands

from accounts import reset_links, sign_in_links
from config.celery import app
from config.periodic_tasks import SCHEDULE
from integrations.tasks.purposes import COMMANDS, TASKS
from limited_use.policy.feature_registry import FEATURES
from limited_use.policy.policy_vocabulary import Purpose
from limited_use.policy.rules import RULES
from tests.proof.rules import ENQUEUE, TIMES
from tests.proof.source import Module, modules

OURS = ("accounts", "limited_use", "integrations", "config")


def find_enqueued(module):
    """Yield the expression of each task's name that `module` enqueues, and the names of the ids."""
    for name, call in module.calls:
        if name.rpartition(".")[2] in ENQUEUE and call.args:
            ids = {keyword.arg for keyword in call.keywords} - TIMES
            yield call.args[0], ids


def takes(name, ids):
    """Return whether there is a task of that name which takes exactly these ids."""
    task = app.tasks.get(name)
    if task is None:
        return False
    parameters = inspect.signature(task.run).parameters.values()
    return ids == {one.name for one in parameters if one.kind is one.KEYWORD_ONLY}


def find_unknown(module):
    """Return what `module` enqueues that is not the literal name of a task with its ids."""
    app.loader.import_default_modules()
    return [
        ast.unparse(name)
        for name, ids in find_enqueued(module)
        if not (isinstance(name, ast.Constant) and takes(name.value, ids))
    ]


class TestEnqueuedTasks:
    def test_exist_and_take_the_ids_that_they_are_given(self):
        enqueued = [name for module in modules() for name, _ in find_enqueued(module)]

        assert len(enqueued) > 10
        assert {module.path: found for module in modules() if (found := find_unknown(module))} == {}

    @pytest.mark.parametrize(
        "code",
        [
            "enqueue('integrations.sync_mial', work_id=work.id)",
            "enqueue('integrations.sync_mail')",
            "enqueue_on_commit('integrations.sync_mail', job_id=job.id)",
            "task_queue.enqueue_until_sweep('integrations.sync_mail', work_id=one, job_id=two)",
            "enqueue(name, work_id=work.id)",
        ],
    )
    def test_are_found_where_one_does_not(self, code):
        assert find_unknown(Module("integrations/planted.py", code))

    @pytest.mark.parametrize("mail", [reset_links.MAIL, sign_in_links.MAIL])
    def test_exist_for_each_mail_of_the_sign_in_pages(self, mail):
        app.loader.import_default_modules()

        assert takes(mail.task, {"user_id"})


@pytest.mark.invariant(1, 2)
class TestEntryPoints:
    def test_list_every_task_of_ours(self):
        app.loader.import_default_modules()
        found = {name for name in app.tasks if name.split(".")[0] in OURS}

        assert found == set(TASKS)
        assert {entry["task"] for entry in SCHEDULE.values()} <= set(TASKS)

    def test_list_every_command_of_ours(self):
        found = {name for name, package in get_commands().items() if package in OURS}

        assert found == set(COMMANDS)

    def test_name_no_purpose_that_no_rule_allows(self):
        allowed = {purpose for rule in RULES if rule.allow for purpose in rule.purposes}

        for entry in (*TASKS.values(), *COMMANDS.values()):
            assert entry.description
            assert entry.purposes <= allowed

    def test_show_nothing_to_anybody(self):
        shown = {purpose for feature in FEATURES.values() for purpose in feature.purposes}
        # Of these, workers may only give an owner's mail and files to the owner's provider.
        shown -= {Purpose.MAIL_SEND, Purpose.DRIVE_UPLOAD, Purpose.NOTIFY_OWNER}

        assert not [name for name, entry in (TASKS | COMMANDS).items() if entry.purposes & shown]
