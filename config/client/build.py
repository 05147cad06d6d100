"""
Build the wheel of the Python client: `python -m config.client.build`, or `make client`.

Models and operations are generated from the OpenAPI document; the other modules are copied from
`antares_client`. The same sources make the same wheel, byte by byte.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess  # noqa: TID251 - starts the formatter of this environment, with fixed words
import sys
import tempfile
from argparse import ArgumentParser
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import openapi_python_client
from flit_core import buildapi
from openapi_python_client.config import Config, ConfigFile, MetaType

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[1]
DOCUMENT: Final = ROOT / "integrations" / "urls" / "api" / "openapi.json"
PACKAGE: Final = "antares_client"
# Times of files in the wheel: the first that a ZIP archive can hold.
_EPOCH: Final = "315532800"
# Of the generator's files: the hand-written ones take their place.
_REPLACED: Final = ("__init__.py", "client.py", "errors.py")


class ClientNotBuilt(Exception):
    pass


def build_wheel(folder: Path, *, document: Path = DOCUMENT) -> Path:
    """
    Write the wheel to `folder`; return its path.

    :raises ClientNotBuilt: if the generator would leave out a part of the document
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="antares-client-") as name:
        project = Path(name)
        described = json.loads(document.read_bytes())
        generate_package(project / PACKAGE, described)
        shutil.copyfile(HERE / "README.md", project / "README.md")
        metadata = project / "pyproject.toml"
        shutil.copyfile(HERE / "pyproject.toml.in", metadata)
        version = f"{described['info']['version']}+{_compute_digest(project)}"
        metadata.write_text(metadata.read_text().replace("@VERSION@", version))
        return folder / _run_build_backend(project, folder.resolve())


def generate_package(package: Path, document: dict[str, Any]) -> None:
    """
    Write the package, generated modules and hand-written ones.

    :raises ClientNotBuilt: if the generator would leave out a part of the document
    """
    source = package.with_name("openapi.json")
    source.write_text(json.dumps(_remove_problems(document)))
    config = Config.from_sources(
        ConfigFile.load_from_path(HERE / "generator.json"),
        MetaType.NONE,
        source,
        "utf-8",
        overwrite=False,
        output_path=package,
    )
    with contextlib.redirect_stdout(io.StringIO()):
        errors = openapi_python_client.generate(
            config=config, custom_template_path=HERE / "templates"
        )
    source.unlink()
    if errors:
        texts = "\n".join(f"{error.header} {error.detail or ''}" for error in errors)
        raise ClientNotBuilt(f"The generator cannot read a part of the document:\n{texts}")
    for name in _REPLACED:
        (package / name).unlink()
    for module in sorted((HERE / PACKAGE).iterdir()):
        if module.suffix in {".py", ".typed"}:
            shutil.copyfile(module, package / module.name)
    _format_code(package)


def _remove_problems(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document without responses of problems: `antares_client.errors` reads them."""
    document = json.loads(json.dumps(document))
    for operations in document["paths"].values():
        for operation in operations.values():
            responses = operation["responses"]
            operation["responses"] = {
                status: response for status, response in responses.items() if status < "400"
            }
    return document


def _format_code(package: Path) -> None:
    """People read the package in their editor."""
    ruff = [sys.executable, "-m", "ruff"]
    options = ["--quiet", "--isolated", "--no-cache", str(package)]
    for words in (["check", "--fix-only", "--select=F401,I"], ["format"]):
        subprocess.run([*ruff, *words, *options], check=True)  # noqa: S603 - fixed words


def _compute_digest(project: Path) -> str:
    """Return the first digits of the digest of all sources."""
    digest = sha256()
    for path in sorted(project.rglob("*")):
        if path.is_file():
            digest.update(f"{path.relative_to(project)}\0".encode())
            digest.update(sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]


def _run_build_backend(project: Path, folder: Path) -> str:
    previous_epoch = os.environ.get("SOURCE_DATE_EPOCH")
    os.environ["SOURCE_DATE_EPOCH"] = _EPOCH
    try:
        # PEP 517: the working directory is the source.
        with contextlib.chdir(project):
            return str(buildapi.build_wheel(str(folder)))
    finally:
        if previous_epoch is None:
            del os.environ["SOURCE_DATE_EPOCH"]
        else:
            os.environ["SOURCE_DATE_EPOCH"] = previous_epoch


def main() -> int:
    parser = ArgumentParser(prog="python -m config.client.build", description=__doc__)
    parser.add_argument("--folder", type=Path, default=ROOT / ".data" / "client")
    folder: Path = parser.parse_args().folder
    try:
        wheel = build_wheel(folder)
    except ClientNotBuilt as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{wheel}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
