"""The wheel: complete, typed, the same at each build, and installable without a network."""

import copy
import json
import os
import re
import subprocess
import sys
import zipfile
from email import message_from_string
from pathlib import Path

import pytest

from config.client import build
from tests.client import wheel

DOCUMENT = json.loads(build.DOCUMENT.read_bytes())
OPERATIONS = sorted(
    operation["operationId"]
    for operations in DOCUMENT["paths"].values()
    for operation in operations.values()
)
PROGRAM = """
from uuid import UUID

from antares_client.api import change_event, export_calendar, list_messages, remove_calendar
from antares_client.models import ListMessagesFolder
from antares_client.types import File

delegation = UUID(int=1)
api = antares.act_for_person(delegation, purpose="inbox.display")
subject: str = list_messages(api, "me", folder=ListMessagesFolder.INBOX).data[0].subject
file: File = export_calendar(api, "me", delegation)
remove_calendar(api, "me", delegation, if_match="x")
"""
WRONG_LINES = (
    'list_messages(api, "me", folder="inbox")',
    'list_messages(api, "me", limit="five")',
    'list_messages(api, "me").data[0].no_such_member',
    'change_event(api, "me", "x")',
)


def build_changed(tmp_path, change):
    document = copy.deepcopy(DOCUMENT)
    change(document)
    file = tmp_path / "changed.json"
    file.write_text(json.dumps(document))
    return build.build_wheel(tmp_path / "out", document=file)


class TestWheel:
    def test_has_a_function_for_each_operation(self):
        with wheel.import_from_wheel():
            from antares_client import api

            names = [name for name in api.__all__ if not name.endswith("_response")]
            assert sorted(names) == OPERATIONS
            for name in names:
                assert getattr(api, name).__name__ == name
                assert getattr(api, f"{name}_response").__name__ == f"{name}_response"

    def test_has_a_class_for_each_named_schema(self):
        schemas = DOCUMENT["components"]["schemas"]
        renamed = json.loads((build.HERE / "generator.json").read_text())["class_overrides"]
        expected = {renamed.get(name, {}).get("class_name", name) for name in schemas}

        with wheel.import_from_wheel():
            from antares_client import models

            assert expected <= set(models.__all__)

    def test_has_enumerations_with_the_values_of_the_document(self):
        codes = DOCUMENT["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]

        with wheel.import_from_wheel():
            from antares_client.models import ProblemCode

            assert sorted(ProblemCode) == sorted(codes)

    def test_is_typed_and_describes_itself(self):
        with zipfile.ZipFile(wheel.build_wheel_once()) as archive:
            names = set(archive.namelist())
            [name] = [name for name in names if name.endswith("/METADATA")]
            metadata = message_from_string(archive.read(name).decode())

        assert "antares_client/py.typed" in names
        assert metadata["Name"] == "antares-client"
        assert metadata["Requires-Python"] == ">=3.11"
        assert metadata.get_payload().startswith("# antares-client")
        required = {re.match(r"[\w-]+", line)[0] for line in metadata.get_all("Requires-Dist")}
        assert required == {"attrs", "httpx", "joserfc"}

    def test_imports_only_what_it_requires(self):
        program = (
            "import sys; sys.path.insert(0, sys.argv[1]); before = set(sys.modules)\n"
            "import antares_client, antares_client.api, antares_client.models\n"
            "print(*sorted({n.split('.')[0] for n in set(sys.modules) - before}"
            " - sys.stdlib_module_names))"
        )

        done = subprocess.run(
            [sys.executable, "-c", program, wheel.unpack_wheel()],
            capture_output=True, text=True, check=True, cwd="/",
        )  # fmt: skip

        # The second line: what these need themselves.
        assert {"antares_client", "attr", "attrs", "httpx", "joserfc"} <= set(done.stdout.split())
        assert not {"django", "config", "integrations", "dateutil"} & set(done.stdout.split())

    @pytest.mark.thorough("another build")
    def test_of_another_document_has_another_version(self, tmp_path):
        def add_text(document):
            document["paths"]["/v1/users/{user}/messages"]["get"]["summary"] = "List them"

        changed = build_changed(tmp_path, add_text)

        assert changed.name != wheel.build_wheel_once().name

    def test_is_the_same_at_each_build_which_prints_its_path(self, tmp_path):
        done = subprocess.run(
            [sys.executable, "-m", "config.client.build", "--folder", tmp_path],
            capture_output=True, text=True, check=True, cwd=build.ROOT,
        )  # fmt: skip

        [path] = done.stdout.splitlines()
        assert Path(path).parent == tmp_path
        assert Path(path).read_bytes() == wheel.build_wheel_once().read_bytes()


class TestDocumentThatTheGeneratorCannotRead:
    def test_has_an_unknown_media_type(self, tmp_path):
        def change(document):
            operation = document["paths"]["/v1/users/{user}/calendars"]["post"]
            content = operation["requestBody"]["content"]
            content["application/unknown"] = content.pop("application/json")

        with pytest.raises(build.ClientNotBuilt, match="application/unknown"):
            build_changed(tmp_path, change)

        assert list((tmp_path / "out").iterdir()) == []

    def test_has_a_dangling_reference(self, tmp_path):
        def change(document):
            del document["components"]["schemas"]["MessageSummary"]

        with pytest.raises(build.ClientNotBuilt, match="MessageList"):
            build_changed(tmp_path, change)

    def test_is_no_document(self, tmp_path):
        with pytest.raises(build.ClientNotBuilt):
            build_changed(tmp_path, lambda document: document.pop("openapi"))


class TestTypes:
    @pytest.mark.thorough("the type checker on a package of its own")
    def test_of_the_readme_and_of_a_small_program_pass_the_strict_check(self, tmp_path):
        text = "\n".join([*wheel.read_examples(), PROGRAM.strip()])

        assert check_types(tmp_path, text) == []
        # And the check finds mistakes.
        lines = check_types(tmp_path, "\n".join([text, *WRONG_LINES]))
        found = {int(re.search(r":(\d+): error", line)[1]) for line in lines if ": error" in line}
        count = len(text.splitlines())
        assert found == {count + number for number in range(1, len(WRONG_LINES) + 1)}

    @pytest.mark.thorough("the type checker on a package of its own")
    def test_of_the_demo_programs_pass_the_strict_check(self, tmp_path):
        options = ["--strict", "--config-file=", "--no-error-summary", "--follow-imports=silent",
                   f"--cache-dir={tmp_path}"]  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "mypy", *options, "-p", "config.embedded.programs"],
            capture_output=True, text=True, check=False, cwd=build.ROOT,
            env={**os.environ, "MYPYPATH": str(wheel.unpack_wheel())},
        )  # fmt: skip

        assert (done.stdout, done.stderr) == ("", "")


def check_types(folder, text):
    """Return what the strict type checker says about a program."""
    program = folder / "program.py"
    program.write_text(text)
    options = ["--strict", "--config-file=", "--no-error-summary", f"--cache-dir={folder}"]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, program],
        capture_output=True, text=True, check=False, cwd=wheel.unpack_wheel(),
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout.splitlines()


class TestInstallation:
    @pytest.mark.thorough("a fresh environment with the wheel's dependencies")
    def test_in_a_fresh_environment_without_a_network(self, tmp_path):
        packages = collect_distributions()
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path], check=True)
        [site] = tmp_path.glob("lib/python*/site-packages")
        install = [Path(sys.executable).with_name("uv"), "pip", "install", "--quiet", "--offline"]

        subprocess.run(
            [*install, "--no-index", "--no-deps", "--python", tmp_path / "bin" / "python",
             wheel.build_wheel_once()],
            check=True,
        )  # fmt: skip
        for name in packages:
            copy_distribution(name, site)
        program = (
            "from importlib.metadata import version; import antares_client.api as api\n"
            "print(version('antares-client'), len(api.__all__))"
        )
        done = subprocess.run(
            [tmp_path / "bin" / "python", "-I", "-c", program],
            capture_output=True, text=True, check=True,
        )  # fmt: skip

        assert done.stdout.split()[1] == str(2 * len(OPERATIONS))


def collect_distributions():
    """Return the names of what the wheel requires, and of what these require."""
    from importlib.metadata import PackageNotFoundError, requires

    from packaging.requirements import Requirement

    names, open_names = set(), {"attrs", "httpx", "joserfc"}
    while open_names:
        current = open_names.pop()
        try:
            lines = requires(current) or []
        except PackageNotFoundError:
            continue
        names.add(current)
        for line in lines:
            requirement = Requirement(line)
            if not requirement.marker or requirement.marker.evaluate({"extra": ""}):
                open_names |= {requirement.name} - names
    return names


def copy_distribution(name, site):
    """Copy an installed package, as its list of files says."""
    from importlib.metadata import distribution

    for file in distribution(name).files or []:
        if ".." not in file.parts and file.suffix != ".pyc":
            target = site / file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(Path(file.locate()).read_bytes())
