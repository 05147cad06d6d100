"""What import contracts cannot say: about the files of the project and how they hang together."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from pkgutil import resolve_name

import pytest
from django.conf import settings

from tests import matrix

ROOT = Path(__file__).resolve().parents[1]


def tracked():
    """Return the files that git knows or would add, as paths below ROOT."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [path for name in listed.stdout.splitlines() if (path := ROOT / name).is_file()]


class TestFiles:
    def test_name_no_path_of_the_machine_they_were_written_on(self):
        places = [f"{ROOT.parent}/", f"{Path.home()}/"]

        found = [
            path.relative_to(ROOT)
            for path in tracked()
            for place in places
            # Too plain to be one machine's: a clone may stand in /tmp, a container's home is /root.
            if place.count("/") > 2 and place.encode() in path.read_bytes()
        ]

        assert found == []

    def test_hold_no_lock_that_names_a_registry(self):
        names = {path.name for path in tracked()}

        assert not names & {"uv.lock", "poetry.lock", "Pipfile.lock", "pylock.toml"}


class TestReadme:
    def test_names_the_two_commands_of_the_first_minute(self):
        text = (ROOT / "README.md").read_text()

        assert re.search(r"^make demo\b", text, re.MULTILINE)
        assert re.search(r"^make test\b", text, re.MULTILINE)

    def test_names_only_targets_that_the_makefile_has(self):
        named = set(re.findall(r"`make ([a-z]+)", (ROOT / "README.md").read_text()))
        targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

        assert {"demo", "test", "smoke", "bench", "lint", "help"} <= targets
        assert named <= targets


class TestTrips:
    """`integrations/README.md` follows four trips through the code, function by function."""

    def test_name_functions_that_exist(self):
        text = (ROOT / "integrations" / "README.md").read_text()
        trips = text.split("## Trips\n")[1].split("\n## ")[0]
        rooms = {path.name for path in (ROOT / "integrations").iterdir()} | {"limited_use"}
        names = [name for name in re.findall(r"`([\w.]+)`", trips) if "." in name]
        stops = [name for name in names if name.split(".")[0] in rooms]

        assert len(stops) > 20
        assert [name for name in stops if not exists(name)] == []


def exists(name: str) -> bool:
    """Return whether a module or a member of that name exists, by default in `integrations`."""
    try:
        resolve_name(name if name.startswith("limited_use.") else f"integrations.{name}")
    except (ImportError, AttributeError):
        return False
    return True


class TestCi:
    def test_runs_lint_the_tests_of_the_readme_and_smoke(self):
        script = ROOT / ".ci" / "run"

        steps = re.findall(r"^make (\w+)$", script.read_text(), re.MULTILINE)
        assert steps == ["lint", "test", "smoke"]
        assert script.stat().st_mode & 0o111


class TestPureModules:
    def test_import_without_the_packages_that_their_contract_forbids(self):
        contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
        [pure] = [
            one for one in contracts["contracts"] if one["name"].startswith("Policy, formats")
        ]
        # The contract reads imports; this also runs the packages that the modules stand in.
        program = (
            "import importlib, sys\n"
            f"sys.modules.update(dict.fromkeys({pure['forbidden_modules']}))\n"
            f"for name in {pure['source_modules']}: importlib.import_module(name)"
        )

        run = subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, check=False, capture_output=True, text=True
        )

        assert run.returncode == 0, run.stderr


class TestSettings:
    @pytest.mark.invariant(3)
    def test_open_no_transaction_around_a_request(self):
        assert settings.DATABASES["default"]["ATOMIC_REQUESTS"] is False

    @pytest.mark.invariant(4)
    def test_keep_no_results_and_take_no_pickles(self):
        assert settings.CELERY_RESULT_BACKEND is None
        assert settings.CELERY_ACCEPT_CONTENT == ["json"]

    @pytest.mark.invariant(12)
    @pytest.mark.control("5.1.7")
    def test_let_pages_load_nothing_from_other_origins(self):
        policy = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
        own = {"'none'", "'self'", "data:"}

        foreign = {name for name, sources in policy.items() if set(sources) - own}

        # Only where a form may lead: the provider's consent page.
        assert foreign == {"form-action"}
        assert policy["default-src"] == ["'none'"]
        assert policy["frame-ancestors"] == ["'none'"]


class TestMarkers:
    def test_are_those_that_the_matrix_collects(self):
        known = tomllib.loads((ROOT / "pyproject.toml").read_text())
        lines = known["tool"]["pytest"]["ini_options"]["markers"]

        binding = {line.split("(")[0] for line in lines if ": binds a test to" in line}
        assert binding == set(matrix.MARKERS)
