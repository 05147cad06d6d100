"""The built wheel: made once in a process, unpacked, and importable while a test runs."""

from __future__ import annotations

import atexit
import re
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from config.client import build

README = build.HERE / "README.md"


@cache
def build_wheel_once() -> Path:
    folder = tempfile.TemporaryDirectory(prefix="antares-wheel-")
    atexit.register(folder.cleanup)
    return build.build_wheel(Path(folder.name))


@cache
def unpack_wheel() -> Path:
    """Return a folder for `sys.path`."""
    wheel = build_wheel_once()
    folder = wheel.parent / "unpacked"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


@contextmanager
def import_from_wheel() -> Iterator[None]:
    """Let `import antares_client` find the wheel's package."""
    folder = str(unpack_wheel())
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)
        for name in [name for name in sys.modules if name.split(".")[0] == build.PACKAGE]:
            del sys.modules[name]


def read_examples() -> list[str]:
    """Return the Python blocks of the client's README, in their order."""
    return re.findall(r"^```python\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)


@contextmanager
def run_examples() -> Iterator[SimpleNamespace]:
    """Run these blocks one after the other; yield what they define, and close its connections."""
    namespace: dict[str, Any] = {}
    for number, example in enumerate(read_examples(), start=1):
        exec(compile(example, f"README.md, example {number}", "exec"), namespace)  # noqa: S102 - ours
    with namespace["antares"]:
        yield SimpleNamespace(**namespace)
