"""Alice's mailbox, in memory and at the sandbox."""

from __future__ import annotations

from dataclasses import replace

import pytest

from limited_use.vault import data_keys
from tests.fakes.mail import FakeMailbox
from tests.integrations import household as houses
from tests.keyrings import copy_keyring


@pytest.fixture(autouse=True)
def keyring(tmp_path, settings):
    settings.KEYRING = replace(settings.KEYRING, folder=tmp_path / "keyring")
    settings.LEDGER_ORIGIN = "ledger.example/log1"
    settings.GMAIL_UNITS_PER_MINUTE = 0
    settings.GMAIL_CONCURRENCY = 4
    data_keys.drop_cached_keys()
    return copy_keyring(settings.KEYRING.folder)


@pytest.fixture
def mailbox(monkeypatch):
    return houses.provided(monkeypatch, FakeMailbox())


@pytest.fixture
def alice(db, mailbox):
    return houses.household()
