"""
A process that tries to open a grant: ``python -m tests.processes.opening CONNECTION``. It acts for
the owner.

It prints a hash of the refresh token, or the name of what stopped it.
"""

from __future__ import annotations

import hashlib
import sys
from uuid import UUID

import django


def main(connection_id: str) -> None:
    django.setup()
    sys.stdout.write(ask(UUID(connection_id)))


def ask(connection_id: UUID) -> str:
    from django.utils import timezone

    from accounts import row_owner
    from integrations.access import permits
    from integrations.models import Connection
    from limited_use.sinks import provider_sink

    at = timezone.now()
    try:
        connection = Connection.objects.get(id=connection_id)
        with row_owner.acting_for(connection.user_id, connection.organisation_id):
            held = permits.to_use_refresh_token(connection_id=connection_id, at=at)
            sealed = connection.refresh_token
            token = provider_sink.open_credential(sealed, held, to=held.account, at=at)
        return hashlib.sha256(token.encode()).hexdigest()
    except Exception as error:  # noqa: BLE001 - the test reads its name
        return type(error).__name__


if __name__ == "__main__":
    main(*sys.argv[1:])
