"""What a writer must hold."""

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.ids import uuid7
from integrations.access import fences
from integrations.connections import automatic_disconnect
from integrations.grants import provider_credentials
from integrations.models import PurgeTrigger
from tests.factories import make_connection, make_integration

pytestmark = [pytest.mark.django_db, pytest.mark.invariant(5)]


def hold(integration, epoch):
    with transaction.atomic():
        fences.lock_integration(integration_id=integration.id, epoch=epoch)


class TestAnIntegrationsFence:
    def test_holds_while_it_is_live_under_the_same_epoch(self):
        hold(make_integration(), 1)

    def test_is_down_after_a_disconnect(self):
        integration = make_integration()
        automatic_disconnect.disconnect_in_transaction(
            integration=integration, trigger=PurgeTrigger.OWNER, at=timezone.now()
        )

        with pytest.raises(fences.DisconnectedError):
            hold(integration, 1)

    def test_is_down_for_work_that_began_before_the_grant_ended(self):
        integration = make_integration()
        provider_credentials.record_grant_ended(
            connection_id=integration.connection_id, epoch=1, at=timezone.now()
        )

        with pytest.raises(fences.DisconnectedError):
            hold(integration, 1)

    def test_is_down_for_what_never_was(self):
        with transaction.atomic(), pytest.raises(fences.DisconnectedError):
            fences.lock_integration(integration_id=uuid7(), epoch=1)


class TestAConnectionsFence:
    def test_holds_while_its_grant_stands(self):
        connection = make_connection()

        with transaction.atomic():
            fences.lock_connection(connection_id=connection.id, epoch=1)

    def test_is_down_when_the_grant_has_ended(self):
        connection = make_connection()
        provider_credentials.record_grant_ended(
            connection_id=connection.id, epoch=1, at=timezone.now()
        )

        with transaction.atomic(), pytest.raises(fences.DisconnectedError):
            fences.lock_connection(connection_id=connection.id, epoch=1)
