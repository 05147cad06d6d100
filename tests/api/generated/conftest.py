"""The world that generated requests meet: built once for a module, the same for every request."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest
import schemathesis
from django.conf import settings
from django.test import override_settings

from integrations.urls.api import openapi
from limited_use.vault import data_keys
from tests.api import cast
from tests.api.conftest import open_test_transaction
from tests.api.generated import callers
from tests.api.generated.callers import Caller
from tests.api.generated.known_requests import make_known_requests, make_local_requests
from tests.api.generated.world import build_world, settings_of
from tests.integrations.uploads.tus import BODY_TYPE
from tests.keyrings import copy_keyring

#: RFC 6585 has a status for a request without its precondition, and tus 1.0 one for a request
#: without the version of its protocol.
CONFIG = schemathesis.Config.from_dict(
    {
        "checks": {"missing_required_header": {"expected-statuses": [400, 428]}},
        "operations": [
            {
                "include-operation-id": ["create_file", "send_file_bytes"],
                "checks": {
                    "missing_required_header": {"expected-statuses": [400, 412]},
                    "negative_data_rejection": {"expected-statuses": [400, 404, 409, 412, 415]},
                },
            }
        ],
    }
)
schemathesis.serializer.alias(BODY_TYPE, "application/octet-stream")


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker, sandbox_process, tmp_path_factory):
    ring = copy_keyring(tmp_path_factory.mktemp("generated") / "keyring")
    sandbox_process.reset()
    with (
        django_db_blocker.unblock(),
        settings_of(sandbox_process),
        override_settings(
            KEYRING=replace(settings.KEYRING, folder=ring._directory), GMAIL_UNITS_PER_MINUTE=0
        ),
        open_test_transaction(),
    ):
        data_keys.drop_cached_keys()
        yield build_world(sandbox_process)


@pytest.fixture(scope="module")
def described():
    """Return the OpenAPI document as schemathesis reads it, answered by the WSGI application."""
    document = remove_ungenerated_parts(orjson.loads(openapi.read_document()))
    schema = schemathesis.openapi.from_dict(document, config=CONFIG)
    schema.app = callers.make_application()
    return schema


def remove_ungenerated_parts(node: Any) -> Any:
    """
    Remove examples, which would be among the generated values, and security: the caller adds the
    credentials, also to a request that was generated without them.
    """
    if isinstance(node, dict):
        return {
            key: remove_ungenerated_parts(value)
            for key, value in node.items()
            if key not in {"example", "examples", "security"}
        }
    if isinstance(node, list):
        return [remove_ungenerated_parts(value) for value in node]
    return node


@pytest.fixture(scope="module")
def known(world):
    return make_known_requests(world)


@pytest.fixture(scope="module")
def person(world, django_db_blocker):
    with django_db_blocker.unblock():
        return callers.sign_in(world.alice)


@pytest.fixture(scope="module")
def local(world):
    """Return known requests of which nothing changes at the provider: repeatable, and quick."""
    return make_local_requests(world)


@pytest.fixture(scope="module")
def features(world, django_db_blocker):
    """Return platform features for mail, proposals, calendars and files, as callers."""
    with django_db_blocker.unblock():
        return [
            callers.switch_on_feature(world, "inbox-widget", "inbox.display"),
            callers.switch_on_feature(world, "reply-assistant", "draft.propose"),
            callers.switch_on_feature(world, "scheduler", "calendar.schedule"),
            Caller({"Authorization": world.recordings}),
        ]


@pytest.fixture(scope="module")
def own(features, world, django_db_blocker):
    """Return the inbox widget's client with its own token."""
    with django_db_blocker.unblock():
        return callers.sign_in_client(cast.widget(), at=world.at)
