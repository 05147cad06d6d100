"""
A process that tries to open a grant: ``python -m tests.processes.opening CONNECTION``.

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

    from integrations import permits
    from integrations.models import Connection
    from limited_use.sinks import provider

    at = timezone.now()
    try:
        held = permits.to_refresh(connection_id=connection_id, at=at)
        sealed = Connection.objects.get(id=connection_id).refresh_token
        return hashlib.sha256(
            provider.credential(sealed, held, to=held.account, at=at).encode()
        ).hexdigest()
    except Exception as error:  # noqa: BLE001 - the test reads its name
        return type(error).__name__


if __name__ == "__main__":
    main(*sys.argv[1:])
