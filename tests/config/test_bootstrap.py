"""What somebody on a bare machine reads: one line that says what to install."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# What a Debian without Python has of what is used.
TOOLS = ("sh", "make", "cat", "cksum", "dirname", "sed")

OLD = "#!/bin/sh\nexit 1\n"
# Says that it is new enough, and has neither pip nor venv.
BARE = '#!/bin/sh\ncase "$*" in *version_info*) exit 0 ;; esac\nexit 1\n'


@pytest.fixture
def machine(tmp_path):
    """Return a function that runs a target on a machine with that python3, or without one."""
    tree, tools = tmp_path / "tree", tmp_path / "bin"
    tools.mkdir()
    for name in TOOLS:
        (tools / name).symlink_to(shutil.which(name))
    (tree / "config").mkdir(parents=True)
    for name in ("Makefile", "config/bootstrap.sh", *(one.name for one in ROOT.glob("req*.txt"))):
        shutil.copy(ROOT / name, tree / name)

    def run_make(target, python=None):
        if python is not None:
            (tools / "python3").write_text(python)
            (tools / "python3").chmod(0o755)
        return subprocess.run(
            ["make", target],
            cwd=tree,
            env={"PATH": str(tools), "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run_make


@pytest.mark.parametrize("target", ["demo", "test", "smoke", "canary", "bench", "lint"])
class TestABareMachine:
    def test_is_told_that_python_is_missing(self, machine, target):
        done = machine(target)

        assert done.returncode != 0
        assert done.stderr.splitlines()[0].startswith("python3 is missing: install Python 3.11")

    def test_is_told_that_python_is_too_old(self, machine, target):
        done = machine(target, OLD)

        assert done.returncode != 0
        assert done.stderr.splitlines()[0] == "python3 is too old: Python 3.11 or newer is needed"

    def test_is_told_to_install_pip_or_venv(self, machine, target):
        done = machine(target, BARE)

        assert done.returncode != 0
        assert done.stderr.splitlines()[0].startswith("python3 has neither pip 22.3 nor venv")


class TestAMachineWithoutNetwork:
    def test_is_told_in_one_line(self, tmp_path):
        tree = tmp_path / "tree"
        (tree / "config").mkdir(parents=True)
        for name in ("Makefile", "config/bootstrap.sh", *(p.name for p in ROOT.glob("req*.txt"))):
            shutil.copy(ROOT / name, tree / name)
        # Nothing listens there, for pip or for uv.
        nowhere = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
        done = subprocess.run(
            ["make", "demo"],
            cwd=tree,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(tmp_path),
                "PYTHON": sys.executable,
                "PIP_NO_CACHE_DIR": "1",
                **nowhere,
                **{name.lower(): value for name, value in nowhere.items()},
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        first, *rest = done.stderr.splitlines()

        assert done.returncode != 0
        assert first.startswith(
            "No network: the packages of requirements-demo.txt could not be downloaded."
        )
        # What `make` itself adds.
        assert all(line.startswith("make: ") for line in rest)
        assert done.stdout == (
            "Installing the packages of requirements-demo.txt into .venv."
            " The first time downloads them.\n"
        )


class TestResults:
    @pytest.mark.parametrize("target", ["test", "test-all"])
    def test_of_a_whole_run_replace_those_of_an_earlier_one(self, target):
        # Pytest takes a file that exists for a path to tests, unless it is joined to its option.
        printed = subprocess.run(
            ["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=True
        )

        assert "--matrix=.data/test-results.json" in printed.stdout.split()


class TestHelp:
    def test_needs_nothing_and_names_every_target(self, machine):
        done = machine("help")

        targets = [line.split()[1] for line in done.stdout.splitlines()]
        assert done.returncode == 0
        assert targets == [
            *("demo", "test", "test-all", "sheets", "smoke", "canary"),
            *("bench", "lint", "lock", "sbom", "client", "feature", "help"),
        ]
