"""Google's own client over the sandbox."""

import json

import pytest
from google.oauth2.credentials import Credentials
from googleapiclient import discovery_cache
from googleapiclient.discovery import build_from_document

_open = []
AUTH = "https://www.googleapis.com/auth/"
EVERYTHING = "openid email profile https://mail.google.com/"
DRIVE_FILE = f"{AUTH}drive.file"
CALENDARS = f"openid email {AUTH}calendar"


def gmail(sandbox, access_token):
    return _service(sandbox, access_token, "gmail", "v1")


def calendar(sandbox, access_token):
    return _service(sandbox, access_token, "calendar", "v3")


def drive(sandbox, access_token):
    return _service(sandbox, access_token, "drive", "v3")


def _service(sandbox, access_token, name, version):
    """A service of google-api-python-client, as the real one but for its address."""
    document = json.loads(discovery_cache.get_static_doc(name, version))
    document["rootUrl"] = f"{sandbox.url}/"
    service = build_from_document(document, credentials=Credentials(access_token))
    _open.append(service)
    return service


@pytest.fixture(autouse=True)
def _closed():
    """Connections end with their test."""
    yield
    while _open:
        _open.pop().close()


@pytest.fixture
def alice(sandbox):
    """A mailbox of 120 messages; the knobs are Google's, without a quota."""
    sandbox.dial(units_per_minute=0)
    return sandbox.seed("alice@example.com", size=120, seed=7)


@pytest.fixture
def service(sandbox, alice):
    return gmail(sandbox, sandbox.authorize("alice@example.com", EVERYTHING)["access_token"])


@pytest.fixture
def users(service):
    return service.users()
