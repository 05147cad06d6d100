"""Keyrings of tests: copies of one, because making a keyring waits for the disk sixteen times."""

from __future__ import annotations

import shutil
from pathlib import Path

from django.conf import settings

from limited_use.vault.keyring.keyring_file import FileKeyring


def copy_keyring(directory: Path) -> FileKeyring:
    """
    Return a keyring in `directory` with the same keys in every test of this process.

    A test that compares two keyrings makes them with `FileKeyring.create`.
    """
    template = Path(settings.KEYRING_TEMPLATE)
    if not template.exists():
        FileKeyring.create(template)
    shutil.copytree(template, directory)
    return FileKeyring(directory)
