"""
Runs a platform feature's program (`programs`) against the running demo.

The program gets the client's key and addresses alone: no database, and no setting of the service.
"""

from __future__ import annotations

import json
import os
import subprocess  # noqa: TID251 - the launcher starts programs of the demo, never in production
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from config.embedded.child_processes import EmbeddedServersUnavailable
from config.embedded.embedded_service import ROOT

#: Programs by client id.
PROGRAMS: Final[Mapping[str, str]] = {
    "inbox-widget": "inbox_widget",
    "scheduler": "scheduler",
    "campaigns": "campaigns",
}
_NO_GENERATOR: Final = "No module named 'openapi_python_client'"
_NO_CLIENT: Final = "The Python client is not built. Run: make client"


def run_feature_program(name: str, *, data_dir: Path, url: str) -> int:
    """
    Run the program until it ends, or Ctrl-C ends it; return its exit status.

    :param url: the demo's address
    :raises EmbeddedServersUnavailable: without a seeded client, or without the Python client
    """
    client = _find_client(name, data_dir)
    key_file = data_dir / f"{name}-key.json"
    _write_private_file(key_file, json.dumps(client["private_jwk"]))
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "PYTHONPATH": str(_build_or_find_wheel()),
        "PYTHONUNBUFFERED": "1",
        "ANTARES_URL": url,
        "ANTARES_CLIENT_ID": client["client_id"],
        "ANTARES_KEY_FILE": str(key_file.resolve()),
        "ANTARES_REDIRECT_URI": client["redirect_uri"],
    }
    command = [sys.executable, "-m", f"config.embedded.programs.{PROGRAMS[name]}"]
    try:
        return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode  # noqa: S603
    except KeyboardInterrupt:
        # It reaches the program too.
        return 0


def _find_client(name: str, data_dir: Path) -> dict[str, Any]:
    try:
        seeded = json.loads((data_dir / "people.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise EmbeddedServersUnavailable("The demo has no data. Start it with: make demo") from None
    for client in seeded["clients"]:
        if client["client_id"] == name:
            found: dict[str, Any] = client
            return found
    raise EmbeddedServersUnavailable(f"The demo has no client {name}.")


def _build_or_find_wheel() -> Path:
    """
    Return the client's wheel, which Python imports as it is.

    The generator is a tool of development, which the demo alone does not install. Without it, the
    newest wheel is used.

    :raises EmbeddedServersUnavailable:
    """
    folder = ROOT / ".data" / "client"
    build = subprocess.run(  # noqa: S603 - fixed words
        [sys.executable, "-m", "config.client.build", "--folder", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if build.returncode == 0:
        return Path(build.stdout.strip())
    if _NO_GENERATOR not in build.stderr:
        raise EmbeddedServersUnavailable(f"The client cannot be built:\n{build.stderr}")
    wheels = sorted(folder.glob("*.whl"), key=lambda wheel: wheel.stat().st_mtime)
    if not wheels:
        raise EmbeddedServersUnavailable(_NO_CLIENT)
    return wheels[-1]


def _write_private_file(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
