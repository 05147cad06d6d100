"""What import contracts cannot say: about the files of the project and how they hang together."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from django.conf import settings

from tests import matrix

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("config", "accounts", "limited_use", "integrations")


def tracked():
    """Return the files that git knows or would add, as paths below ROOT."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [path for name in listed.stdout.splitlines() if (path := ROOT / name).is_file()]


def modules(*folders):
    return [
        path
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
        if "migrations" not in path.parts
    ]


def calls(path):
    """Return (dotted name, line) of each call in the module at `path`."""
    return [
        (ast.unparse(node.func), node.lineno)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
    ]


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


class TestCi:
    def test_runs_lint_the_tests_of_the_readme_and_smoke(self):
        script = ROOT / ".ci" / "run"

        steps = re.findall(r"^make (\w+)$", script.read_text(), re.MULTILINE)
        assert steps == ["lint", "test", "smoke"]
        assert script.stat().st_mode & 0o111


class TestCode:
    @pytest.mark.control("5.1.9")
    def test_starts_no_shell(self):
        shells = {"os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput"}

        found = [
            (path.relative_to(ROOT), line)
            for path in modules(*PACKAGES)
            for name, line in calls(path)
            if name in shells or (name.startswith("subprocess.") and "shell=True" in name)
        ]

        assert found == []
        assert not [p for p in modules(*PACKAGES) if "shell=True" in p.read_text()]

    @pytest.mark.parametrize("name", ["pickle", "marshal", "shelve", "telnetlib"])
    def test_imports_no_module_that_runs_what_it_reads(self, name):
        pattern = re.compile(rf"^\s*(import|from) {name}\b", re.MULTILINE)

        assert not [p for p in modules(*PACKAGES) if pattern.search(p.read_text())]

    def test_has_no_branch_on_debug(self):
        found = [p for p in modules(*PACKAGES) if re.search(r"\bif .*\bDEBUG\b", p.read_text())]

        assert found == []

    def test_reads_the_environment_in_config_alone(self):
        names = ("os.environ", "os.getenv")
        allowed = {ROOT / "integrations" / "sandbox"}

        found = [
            path.relative_to(ROOT)
            for path in modules("accounts", "limited_use", "integrations")
            if any(name in path.read_text() for name in names)
            and not any(folder in path.parents for folder in allowed)
        ]

        assert found == []

    def test_asks_nowhere_which_provider_it_is(self):
        """What differs between them is a field of `Provider`, or what an adapter does."""
        of_providers = {ROOT / "integrations" / one for one in ("providers", "sandbox")}
        name = r"""["'](google|microsoft|offline)["']"""
        compared = rf"(==|!=|\bcase)\s*{name}|{name}\s*(==|!=)|\bprovider(\.key|_key)?\s*(==|!=)"
        pattern = re.compile(rf"{compared}|\bif\b[^:\n]*\bin\s*[\[({{]\s*{name}")
        templates = (ROOT / "templates").rglob("*.html")

        found = [p for p in modules(*PACKAGES) if pattern.search(p.read_text())]
        found = [p for p in found if not of_providers & set(p.parents)]
        found += [p for p in templates if re.search(rf"{{%[^%]*{name}", p.read_text())]

        assert found == []

    def test_connects_no_signals_of_django(self):
        pattern = re.compile(
            r"django\.(db\.models|core|dispatch|contrib\.auth)\.?signals|@receiver"
        )

        assert not [p for p in modules(*PACKAGES) if pattern.search(p.read_text())]


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

        assert {line.split("(")[0] for line in lines if "(" in line} == set(matrix.MARKERS)
