from __future__ import annotations

import os
from functools import lru_cache

from django.conf import settings

from .keyring_file import FileKeyring
from .keyring_port import Keyring, KeyringConfig
from .keyring_rights import LimitedKeyring


def get_keyring() -> Keyring:
    if settings.KEYRING.url:
        # A forked worker must not share its parent's connections.
        keyring = _open_transit(parse_keyring_config(), os.getpid())
    else:
        keyring = _open_files(str(settings.KEYRING.folder))
    return _limit_rights(keyring, settings.PROCESS_CLASS) if settings.PROCESS_CLASS else keyring


def parse_keyring_config() -> KeyringConfig:
    return KeyringConfig(
        url=settings.KEYRING.url,
        mount=settings.KEYRING.mount,
        prefix=settings.KEYRING.prefix,
        token=settings.KEYRING.token,
        role_id=settings.KEYRING.role_id,
        secret_id=settings.KEYRING.secret_id,
        ca=settings.KEYRING.ca,
    )


@lru_cache(maxsize=8)
def _open_files(directory: str) -> Keyring:
    return FileKeyring(directory)


@lru_cache(maxsize=8)
def _open_transit(config: KeyringConfig, _process: int) -> Keyring:
    # Imported late: it loads an HTTP library, which a keyring of files does not need.
    from .keyring_transit import TransitKeyring

    return TransitKeyring(config)


@lru_cache(maxsize=8)
def _limit_rights(keyring: Keyring, process_class: str) -> Keyring:
    return LimitedKeyring(keyring, process_class)
