"""The world of the examples: that of the generated requests, with mail for readers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta

import pytest
from django.conf import settings
from django.test import override_settings
from django.utils import timezone

from limited_use.vault import data_keys
from tests.api import cast
from tests.api.conftest import open_test_transaction
from tests.api.generated import callers
from tests.api.generated.conftest import described, features, own, person
from tests.api.generated.world import build_world, settings_of
from tests.examples.example_mail import make_mail
from tests.keyrings import copy_keyring

__all__ = ["described", "features", "own", "person"]


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker, sandbox_process, tmp_path_factory):
    ring = copy_keyring(tmp_path_factory.mktemp("examples") / "keyring")
    sandbox_process.reset()
    midnight = timezone.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    with (
        django_db_blocker.unblock(),
        settings_of(sandbox_process),
        override_settings(
            KEYRING=replace(settings.KEYRING, folder=ring._directory), GMAIL_UNITS_PER_MINUTE=0
        ),
        open_test_transaction(),
    ):
        data_keys.drop_cached_keys()
        yield build_world(
            sandbox_process, mail=make_mail(), day=midnight + timedelta(days=2, hours=9)
        )


@pytest.fixture(scope="module")
def marketing(world, django_db_blocker):
    """A client with a token for marketing, which no person can allow."""
    with django_db_blocker.unblock():
        return callers.switch_on_client(world, cast.campaigns(), "marketing")
