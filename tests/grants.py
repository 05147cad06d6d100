"""What a connect seals into a connection, for tests that write its row themselves."""

from __future__ import annotations

from integrations.access import account_address
from integrations.models import Connection
from limited_use.policy.key_lines import KeyLine
from limited_use.vault import sealing


def seal(connection, *, email, access_token, refresh_token, at):
    """
    Make the two keys of `connection` and seal what each is for; the caller saves.

    What is None stays away, its key does not.
    """
    epoch = connection.epoch or 1
    own = sealing.create_sealer(holder=connection.id, line=KeyLine.ACCOUNT, at=at, epoch=epoch)
    grant = sealing.create_sealer(
        holder=connection.grant_id, line=KeyLine.CREDENTIAL, at=at, epoch=epoch
    )
    for sealer, column, value in (
        (own, "email", email),
        (own, "access_token", access_token),
        (grant, "refresh_token", refresh_token),
    ):
        if value is not None:
            sealed = sealer.seal_value(Connection, column, row=connection.id, data=value)
            setattr(connection, column, sealed)
    connection.address_blind = account_address.compute_address_blind(email) if email else None
