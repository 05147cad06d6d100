"""Hashes that identify the code that made a bundle and the tested code."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).resolve().parents[3]
PACKAGES: Final = ("accounts", "limited_use", "integrations", "config")
# Development processes, which are not part of the service.
_EXCLUDED: Final = ("integrations/sandbox/", "config/embedded/")


@cache
def hash_packages() -> Mapping[str, str]:
    """Return the SHA-256 of each package's modules, without migrations."""
    hashes = {}
    for package in PACKAGES:
        digest = hashlib.sha256()
        for path in _list_modules_of(package):
            digest.update(path.encode() + b"\0" + (_ROOT / path).read_bytes() + b"\0")
        hashes[package] = digest.hexdigest()
    return hashes


def list_modules() -> list[str]:
    """Leave out migrations."""
    return [path for package in PACKAGES for path in _list_modules_of(package)]


def _list_modules_of(package: str) -> Iterator[str]:
    for file in sorted((_ROOT / package).rglob("*.py")):
        path = file.relative_to(_ROOT).as_posix()
        if "/migrations/" not in path and not path.startswith(_EXCLUDED):
            yield path
