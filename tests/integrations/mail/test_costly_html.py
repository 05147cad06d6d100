"""Markup that was made to be costly, from the mailbox to the row and what its owner is shown."""

from __future__ import annotations

import time
from email.message import EmailMessage

import pytest
from django.test import Client

from integrations.formats.mime import safe_bodies
from integrations.models import MessageBody, SetAside
from tests.integrations.formats.mime.costly_html import COSTLY
from tests.integrations.formats.mime.test_html import assert_harmless
from tests.integrations.mail.test_shown_text import DECEIVING
from tests.integrations.sync.test_sandbox import ALICE, google, make_connected_house
from tests.walls import requests_act_as_web

__all__ = ["google", "requests_act_as_web"]

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.invariant(7, 8),
    pytest.mark.scenario("S2"),
    pytest.mark.usefixtures("requests_act_as_web"),
]


def letter(html: str) -> bytes:
    mail = EmailMessage()
    mail["From"] = "Mallory <mallory@example.org>"
    mail["To"] = ALICE
    mail["Subject"] = "costly"
    mail.set_content(f"<p>words</p>{html}<p>more</p>", subtype="html", cte="base64")
    return bytes(mail)


@pytest.fixture
def alice(google):
    google.seed(ALICE, size=1, seed=7, days=1)
    google.dial(units_per_minute=0, concurrency=0)
    house = make_connected_house(google)
    house.settle()
    return house


@pytest.fixture
def browser(alice):
    client = Client()
    client.force_login(alice.user)
    return client


@pytest.mark.parametrize("name", COSTLY)
def test_arrives_and_is_shown_as_words(google, alice, browser, name):
    before = set(alice.messages.values_list("id", flat=True))
    google.deliver(ALICE, raw=letter(COSTLY[name]))
    google.deliver(ALICE, subject="after it")

    alice.settle()

    arrived = alice.messages.exclude(id__in=before)
    costly = arrived.get(size__gt=10_000)
    assert (arrived.count(), SetAside.objects.count()) == (2, 0)
    assert MessageBody.objects.get(message_id=costly.id).shown_version == safe_bodies.VERSION
    began = time.process_time()
    api = browser.get(f"/v1/users/me/messages/{costly.id}")
    page = browser.get(f"/inbox/messages/{costly.id}/body/")
    used = time.process_time() - began
    assert (api.status_code, page.status_code) == (200, 200)
    assert api.json()["body_text"].startswith("words")
    assert "words" in api.json()["body"]
    assert "words" in page.text
    most = 8 * len(COSTLY[name]) + 10_000
    assert max(len(api.content), len(page.content)) < most
    assert_harmless(api.json()["body"])
    assert used < 1


def test_that_deceives_the_counts_is_set_aside_and_stops_nothing(google, alice, browser):
    before = alice.messages.count()
    google.deliver(ALICE, raw=letter(DECEIVING))
    google.deliver(ALICE, subject="after it")

    alice.settle()

    assert alice.messages.count() == before + 1
    assert SetAside.objects.get().reason == "too-costly"
    assert browser.get("/v1/users/me/messages").json()["data"][0]["subject"] == "after it"
