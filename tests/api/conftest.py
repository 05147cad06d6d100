"""Alice with a synced mailbox and a hostile mail in it; Bob beside her, Mallory elsewhere."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.utils import timezone

from integrations import providers
from limited_use.vault import keys
from limited_use.vault.file_keyring import FileKeyring
from tests.api import cast
from tests.fakes import mail as fake
from tests.fakes.mail import FakeMailbox
from tests.integrations import household as houses
from tests.walls import requests_act_as_web

__all__ = ["requests_act_as_web"]


@pytest.fixture(autouse=True)
def _as_web(requests_act_as_web):
    """A page of the API is answered with the rights of a web process."""


@pytest.fixture(autouse=True)
def keyring(tmp_path, settings):
    settings.KEYRING_DIR = tmp_path / "keyring"
    settings.GMAIL_UNITS_PER_MINUTE = 0
    keys.forget()
    return FileKeyring.create(settings.KEYRING_DIR)


@pytest.fixture
def mailbox(monkeypatch):
    """A mailbox that, like a real one, is opened with a live token or not at all."""
    box = FakeMailbox()

    def open_mail(access):
        assert access.token()
        return fake.opened(box)(access)

    google = replace(providers.PROVIDERS["google"], open_mail=open_mail)
    monkeypatch.setitem(providers.PROVIDERS, "google", google)
    return box


@pytest.fixture
def alice(db, mailbox):
    house = houses.household()
    cast.fill(house, mailbox)
    return house


@pytest.fixture
def bob(alice):
    """A colleague, with a mailbox of his own that is empty."""
    at = timezone.now()
    return houses.household(who=houses.person("bob", alice.organisation, at=at))


@pytest.fixture
def mallory(db, mailbox):
    return houses.household(who=houses.person("mallory", at=timezone.now()))


@pytest.fixture
def mine(alice):
    return cast.owned(alice)


@pytest.fixture
def hers(alice):
    """Alice's browser."""
    return cast.browser(alice.user)


@pytest.fixture
def widget(alice):
    """The inbox widget, which Alice switched on."""
    client = cast.widget()
    return cast.feature(client, cast.switch_on(alice, client))
