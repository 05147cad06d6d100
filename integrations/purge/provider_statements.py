"""
The receipt's statements about the provider: notifications, the grant, and a kept credential.

The signature covers them, so they are English in every language of the service.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from integrations import push
from integrations.grants import shared_grants
from integrations.models import Connection, ConnectionStatus, PurgeJob, RevocationOutcome
from integrations.providers import PROVIDERS
from limited_use.policy.claims import claim
from limited_use.receipts.receipts import format_receipt_time

REVOCATION: Final[Mapping[RevocationOutcome, str]] = {
    RevocationOutcome.CONFIRMED: claim(
        "receipt.revoked", "The provider confirmed that the access is revoked."
    ),
    RevocationOutcome.ALREADY_GONE: claim(
        "receipt.already-gone",
        "The access had already ended: when Antares first asked, the provider no longer knew the"
        " token.",
    ),
    RevocationOutcome.GONE_AFTER_ASKING: claim(
        "receipt.gone-after-asking",
        "The access has ended: the provider no longer knows the token. Either the access had ended"
        " before, or an earlier request of Antares ended it and the confirmation was lost.",
    ),
    RevocationOutcome.UNCONFIRMED: claim(
        "receipt.unconfirmed",
        "The provider did not confirm that the access is revoked. To be sure, remove the access on"
        " a page of the provider.",
    ),
    RevocationOutcome.NOT_NEEDED: claim(
        "receipt.not-needed", "Stored only in Antares: no provider had granted access."
    ),
    RevocationOutcome.NOT_OFFERED: claim(
        "receipt.not-offered",
        "Not revoked: this provider does not end access when an app asks for it. Access tokens that"
        " it issued before expire, usually within two hours and after 28 hours at the latest. The"
        " provider lists your agreement until you remove it on a page of the provider.",
    ),
    # `NEEDS` follows.
    RevocationOutcome.NEEDED_ELSEWHERE: claim(
        "receipt.needed-elsewhere", "Not revoked: the access is still needed."
    ),
}
# Without proof that the provider ended the grant.
WITHOUT_REVOCATION: Final = frozenset(
    {RevocationOutcome.NOT_OFFERED, RevocationOutcome.UNCONFIRMED}
)
# Needs of the grant, by the names of `shared_grants.list_grant_needs`.
NEEDS: Final[Mapping[str, str]] = {
    "mail": claim("receipt.mail-connected", "The mail of this account is still connected."),
    "calendar": claim(
        "receipt.calendars-connected", "The calendars of this account are still connected."
    ),
    "drive": claim("receipt.drive-connected", "The Drive of this account is still connected."),
    shared_grants.CONNECTION: claim("receipt.reconnected", "The account was connected again."),
    shared_grants.OTHER_CONNECTION: claim(
        "receipt.other-organisation", "The same account is also connected in another organisation."
    ),
}
STILL_LISTED: Final = claim(
    "receipt.still-listed",
    "The provider still lists all permissions, and Antares keeps the access tokens.",
)
WAS_NEEDED: Final = claim(
    "receipt.was-needed",
    "Not revoked: when Antares destroyed your access tokens, the same account was also connected in"
    " another organisation, which needed the access. At that time the provider still listed all"
    " permissions.",
)
TOKENS_DESTROYED: Final = claim("receipt.tokens-destroyed", "Antares destroyed your access tokens.")

_DROPPED: Final = claim(
    "receipt.watch-dropped",
    "Antares ignores further notifications: it keeps nothing to recognise them by, and requests"
    " nothing from the provider because of them.",
)
# Outcomes of stopping watches, before the revocation.
WATCHES: Final[Mapping[push.WatchStopOutcome, str]] = {
    push.WatchStopOutcome.NONE: claim(
        "receipt.watch-none", "The provider was not notifying Antares of changes."
    ),
    push.WatchStopOutcome.STOPPED: claim(
        "receipt.watch-stopped",
        "The provider confirmed that it no longer notifies Antares of changes.",
    ),
    push.WatchStopOutcome.GONE: claim(
        "receipt.watch-gone",
        "The provider answered that it had already stopped notifying Antares of changes.",
    ),
    push.WatchStopOutcome.LAPSED: claim(
        "receipt.watch-lapsed",
        "The provider did not confirm that it stopped its notifications, but they have expired.",
    ),
    push.WatchStopOutcome.UNANSWERED: claim(
        "receipt.watch-unanswered",
        "Antares asked the provider to stop its notifications, and the provider did not confirm it."
        " The notifications expire.",
    )
    + f" {_DROPPED}",
    push.WatchStopOutcome.NO_ACCESS: claim(
        "receipt.watch-no-access",
        "Antares could not ask the provider to stop its notifications, because no access token"
        " worked. The notifications expire.",
    )
    + f" {_DROPPED}",
    push.WatchStopOutcome.NEEDED_ELSEWHERE: claim(
        "receipt.watch-needed-elsewhere",
        "The provider still notifies Antares of changes in this account, because another connection"
        " of the account needs that. The notifications no longer find any of the removed data.",
    ),
}

# Sentence about a kept credential, by whether the connection is ending.
CREDENTIAL: Final[Mapping[bool, str]] = {
    False: claim(
        "receipt.credential-kept",
        "The account is still connected: Antares keeps its address, permissions and access tokens.",
    ),
    True: claim(
        "receipt.credential-until-settled",
        "Another disconnect of this account is in progress. Until it has settled the access,"
        " Antares keeps the address, permissions and access tokens of the account.",
    ),
}


def build_watches_part(job: PurgeJob) -> dict[str, Any]:
    outcome = push.WatchStopOutcome(job.watch_stop or push.WatchStopOutcome.NONE)
    counts = _count_watches(job)
    total = sum(part["count"] for part in counts)
    sentences = [f"{part['count']} of {total}: {part['says']}" for part in counts]
    return {
        "outcome": str(outcome),
        "says": " ".join(sentences) if len(sentences) > 1 else WATCHES[outcome],
        "each": counts,
        "tries": job.watch_try_count,
        "tried_at": format_receipt_time(job.watch_tried_at) if job.watch_try_count else None,
        "lapse_by": format_receipt_time(job.watch_lapse_by),
    }


def _count_watches(job: PurgeJob) -> list[dict[str, Any]]:
    """Leave out watches that never began."""
    outcomes = [
        outcome for outcome in push.WatchStopOutcome if outcome is not push.WatchStopOutcome.NONE
    ]
    return [
        {"outcome": str(outcome), "count": count, "says": WATCHES[outcome]}
        for outcome in outcomes
        if (count := job.watch_counts.get(outcome, 0))
    ]


def build_revocation_part(job: PurgeJob) -> dict[str, Any]:
    """
    Return the receipt's part about the grant. The caller has called
    `shared_grants.lock_connection`, so the needs are current.
    """
    connection, outcome = job.integration.connection, RevocationOutcome(job.revocation)
    needs = _list_needs(connection) if outcome == RevocationOutcome.NEEDED_ELSEWHERE else ()
    tries = job.revocation_try_count
    return {
        "outcome": str(outcome),
        "says": " ".join(_list_sentences(outcome, connection, needs)),
        "needed_by": list(needs),
        "tries": tries,
        "tried_at": format_receipt_time(job.revocation_tried_at) if tries else None,
        "pages": list(PROVIDERS[connection.provider].revocation_pages),
    }


def get_credential_statement(connection: Connection) -> str | None:
    """Return None if no credential is kept."""
    if connection.ended_at is not None:
        return None
    return CREDENTIAL[connection.status == ConnectionStatus.ENDING]


def _list_needs(connection: Connection) -> tuple[str, ...]:
    if connection.ended_at is None:
        return shared_grants.list_grant_needs(connection)
    # A connection ends without a revocation only if another one needs the grant.
    return (shared_grants.OTHER_CONNECTION,)


def _list_sentences(
    outcome: RevocationOutcome, connection: Connection, needs: tuple[str, ...]
) -> list[str]:
    has_ended = connection.ended_at is not None
    if outcome == RevocationOutcome.NEEDED_ELSEWHERE:
        if has_ended:
            return [WAS_NEEDED]
        # A grant that waits for a reconnect may be unlisted.
        is_listed = connection.status == ConnectionStatus.ACTIVE
        listed = [STILL_LISTED] if is_listed else []
        return [REVOCATION[outcome], *(NEEDS[name] for name in needs), *listed]
    is_to_be_said = has_ended and outcome in WITHOUT_REVOCATION
    return [REVOCATION[outcome], *([TOKENS_DESTROYED] if is_to_be_said else [])]
