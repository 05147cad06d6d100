from __future__ import annotations

from datetime import datetime
from uuid import UUID

from accounts.ids import uuid7
from integrations.models import Connection, Integration, IntegrationStatus
from integrations.providers.local import LOCAL
from limited_use.ledger import entries, pseudonyms
from limited_use.ledger import ledger_key_lifecycle as ledger_keys
from limited_use.policy.key_lines import KeyLine
from limited_use.vault import data_keys


def get_or_create_integration(person_id: UUID, organisation_id: UUID, at: datetime) -> Integration:
    """The caller's transaction must exclude a second creation."""
    own_integrations = Integration.objects.live().owned_by(person_id, organisation_id)
    existing = (
        own_integrations.filter(connection__provider=LOCAL.key)
        .select_for_update(no_key=True, of=("self",))
        .first()
    )
    if existing is not None:
        return existing
    connection = Connection.objects.create(
        id=uuid7(),
        user_id=person_id,
        organisation_id=organisation_id,
        provider=LOCAL.key,
        connected_at=at,
    )
    ledger_keys.create_ledger_key(holder=connection.id, at=at)
    integration = Integration.objects.create(
        id=uuid7(),
        connection=connection,
        product="calendar",
        status=IntegrationStatus.ACTIVE,
        horizon_days=None,
        status_since=at,
        switched_on_at=at,
    )
    data_keys.create_data_key(
        holder=integration.id, line=KeyLine.CONTENT, at=at, epoch=integration.epoch
    )
    entries.record_ledger_event(
        event="integration.connected",
        about=integration.id,
        body={"product": "calendar", "horizon_days": None},
        at=at,
        naming=pseudonyms.get_pseudonym_naming(connection.id),
    )
    return integration
