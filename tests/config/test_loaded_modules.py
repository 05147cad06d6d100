"""Which libraries a process imports when it starts, and the check of those it imports later."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from integrations.operations import client_library_check

ROOT = Path(__file__).resolve().parents[2]

#: Libraries that only a process which calls a provider, or a developer, needs: at most 35 MB and
#: 0.4 s of processor time together.
UNNEEDED = (
    "cedarpy",
    "casbin",
    "google.auth",
    "google.oauth2",
    "googleapiclient.discovery",
    "httplib2",
    "httpx",
    "kiota_abstractions",
    "kiota_http",
    "msgraph",
    "msgraph_core",
)
_CELERY = "from config.celery import app; app.loader.import_default_modules(); app.finalize(); "
#: What each process imports before its first request or task.
STARTS = {
    "web": "import config.asgi",
    "staff": "import config.asgi",
    "purge": _CELERY + "import celery.apps.worker, celery.concurrency.thread",
    "beat": _CELERY + "import celery.apps.beat, celery.beat",
}


def run_program(program, *, process_class=""):
    """Run a program as a process of that class, and return what it prints last."""
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "config.settings_test",
        "PROCESS_CLASS": process_class,
        # The heart of a web process would write an alarm into the database of these tests.
        "DATABASE_URL": "postgresql://localhost:1/none",
    }
    done = subprocess.run(
        # Without waiting for the threads of a web process.
        [sys.executable, "-c", f"{program}; import os; sys.stdout.flush(); os._exit(0)"],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]


@pytest.mark.parametrize("process", STARTS)
def test_a_process_that_calls_no_provider_imports_no_client_library(process):
    process_class = {"beat": "purge"}.get(process, process)
    program = (
        f"import sys; {STARTS[process]}; "
        f"print('integrations.providers' in sys.modules, "
        f"[name for name in {UNNEEDED} if name in sys.modules])"
    )

    assert run_program(program, process_class=process_class) == "True []"


def test_a_worker_imports_all_views_before_it_sets_apart_what_is_loaded():
    """The first notice would, in the middle of a purge, and nothing of that would be set apart."""
    program = (
        "import sys, django; django.setup(); "
        "from celery import signals; from config import celery; "
        "views = 'integrations.mail.pages.views'; before = views in sys.modules; "
        "celery.load_views(); print(before, views in sys.modules, "
        "celery.load_views in {one() for _, one in signals.worker_init.receivers})"
    )

    assert run_program(program) == "False True True"


def test_the_launcher_imports_neither_django_nor_celery_nor_an_http_client():
    names = ("celery", "django", "httpx", "joserfc", "kombu", "redis")
    program = (
        "import sys; import config.embedded.__main__; "
        f"print([name for name in {names} if name in sys.modules])"
    )

    assert run_program(program) == "[]"


def test_whatever_reads_the_settings_queues_into_our_broker():
    program = (
        "import sys, django; django.setup(); "
        "from celery import current_app; print(current_app.main)"
    )

    assert run_program(program) == "antares"


class TestLoadedModuleCheck:
    def test_passes_where_all_libraries_can_be_imported(self):
        assert client_library_check.check_provider_libraries() == []

    @pytest.mark.parametrize("name", ["googleapiclient.discovery", "msgraph_core"])
    def test_names_a_library_that_cannot(self, name, monkeypatch):
        # What Python does with a module that is not there.
        monkeypatch.setitem(sys.modules, name, None)

        (problem,) = client_library_check.check_provider_libraries()

        assert problem.id == "integrations.E001"
        assert name in problem.msg
