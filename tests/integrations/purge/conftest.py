"""A keyring of the test's own, a mailbox with something in every holding, and its provider."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from integrations import purge
from integrations.models import Integration, PurgeJob, PurgeTrigger
from limited_use.vault import data_keys
from tests.integrations.purge import holdings
from tests.integrations.purge.revoke_endpoint import RevokeEndpoint
from tests.keyrings import copy_keyring

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


class PurgeClock:
    """The time, as the test sets it."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def advance(self, **by: float) -> None:
        self.at += timedelta(**by)


@pytest.fixture
def clock():
    return PurgeClock(NOW)


@pytest.fixture(autouse=True)
def keyring(tmp_path, settings):
    settings.KEYRING = replace(settings.KEYRING, folder=tmp_path / "keyring")
    settings.LEDGER_ORIGIN = "ledger.example/log1"
    data_keys.drop_cached_keys()
    return copy_keyring(settings.KEYRING.folder)


@pytest.fixture
def google(settings):
    """Return the provider's revocation endpoint, which answers as told."""
    with RevokeEndpoint.running() as endpoint:
        settings.GOOGLE = replace(
            settings.GOOGLE,
            revoke_url=endpoint.url,
            token_url=endpoint.token_url,
            api_root_url=endpoint.root_url,
        )
        yield endpoint


@pytest.fixture
def alice(transactional_db):
    return holdings.person(NOW)


@pytest.fixture
def mailbox(alice, google):
    """Return Alice's live mail integration."""
    return holdings.integration(holdings.connection(alice, at=NOW), at=NOW)


def open_purge_job(
    integration: Integration, at: datetime = NOW, trigger: PurgeTrigger = PurgeTrigger.OWNER
) -> PurgeJob:
    with transaction.atomic():
        return purge.open_purge_job(integration=integration, trigger=trigger, at=at)
