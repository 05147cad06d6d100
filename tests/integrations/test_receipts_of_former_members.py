"""A receipt belongs to the person, not to the organisation that they have left."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from accounts import memberships
from integrations import purge
from integrations.connections import automatic_disconnect
from integrations.models import Connection
from tests.factories import make_organisation
from tests.walls import requests_act_as_web

__all__ = ["requests_act_as_web"]

pytestmark = [pytest.mark.invariant(6), pytest.mark.clause("AN-14")]


def left(browser_of, alice):
    browser_of(alice).connect()
    organisation_id = Connection.objects.get().organisation_id
    memberships.end_membership(user_id=alice.id, organisation_id=organisation_id, at=timezone.now())
    (job_id,) = automatic_disconnect.disconnect_due_integrations(at=timezone.now())
    purge.run_purge(job_id=job_id)
    return f"/settings/removals/{job_id}/receipt.json"


@pytest.mark.usefixtures("requests_act_as_web")
@pytest.mark.django_db(transaction=True)
class TestSomebodyWhoLeft:
    def test_finds_and_downloads_the_receipt_from_another_organisation(self, browser_of, alice):
        elsewhere = make_organisation("Second")
        memberships.add_member(user_id=alice.id, organisation_id=elsewhere.id, at=timezone.now())
        address = left(browser_of, alice)
        client = Client()
        client.force_login(alice)

        assert address in client.get("/settings/integrations/").content.decode()
        assert client.get(address).status_code == 200

    def test_finds_and_downloads_it_belonging_nowhere(self, browser_of, alice):
        address = left(browser_of, alice)
        client = Client()
        client.force_login(alice)

        assert address in client.get("/settings/integrations/").content.decode()
        assert client.get(address).status_code == 200

    def test_is_the_only_one_who_does(self, browser_of, alice, bob):
        address = left(browser_of, alice)
        client = Client()
        client.force_login(bob)

        assert client.get(address).status_code == 404
