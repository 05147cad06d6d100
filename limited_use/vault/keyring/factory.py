"""Make the keyring that the settings name."""

from __future__ import annotations

import os
from functools import lru_cache

from django.conf import settings

from limited_use.vault.file_keyring import FileKeyring
from limited_use.vault.rights import Limited
from limited_use.vault.transit_keyring import TransitKeyring

from .port import Keyring, KeyringConfig


def get_keyring() -> Keyring:
    """Return the keyring of the settings, limited to the rights of this class of process."""
    if settings.KEYRING_URL:
        # By process: a forked worker must not share its parent's connections.
        ring = _open_transit(read_config(), os.getpid())
    else:
        ring = _open_files(str(settings.KEYRING_DIR))
    return _limit(ring, settings.PROCESS_CLASS) if settings.PROCESS_CLASS else ring


def read_config() -> KeyringConfig:
    """Return the settings of the transit engine."""
    return KeyringConfig(
        url=settings.KEYRING_URL,
        mount=settings.KEYRING_MOUNT,
        prefix=settings.KEYRING_PREFIX,
        token=settings.KEYRING_TOKEN,
        role_id=settings.KEYRING_ROLE_ID,
        secret_id=settings.KEYRING_SECRET_ID,
        ca=settings.KEYRING_CA,
    )


@lru_cache(maxsize=8)
def _open_files(directory: str) -> Keyring:
    return FileKeyring(directory)


@lru_cache(maxsize=8)
def _open_transit(config: KeyringConfig, _process: int) -> Keyring:
    return TransitKeyring(config)


@lru_cache(maxsize=8)
def _limit(ring: Keyring, process_class: str) -> Keyring:
    return Limited(ring, process_class)
