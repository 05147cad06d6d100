"""The receipt's statements about the provider: notifications, the grant, and a kept credential."""

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
        "receipt.revoked", "The provider confirmed that the grant is revoked."
    ),
    RevocationOutcome.ALREADY_GONE: claim(
        "receipt.already-gone",
        "The grant had ended before: when the provider was first asked, it no longer knew our"
        " token.",
    ),
    RevocationOutcome.GONE_AFTER_ASKING: claim(
        "receipt.gone-after-asking",
        "The grant has ended: the provider no longer knows our token. The grant had ended before,"
        " or an earlier request of ours ended it and the confirmation did not reach us.",
    ),
    RevocationOutcome.UNCONFIRMED: claim(
        "receipt.unconfirmed",
        "The provider did not confirm that the grant is revoked. To be sure, remove the access on"
        " the provider's own page.",
    ),
    RevocationOutcome.NOT_NEEDED: claim(
        "receipt.not-needed", "It lived here: there is no provider that granted anything."
    ),
    RevocationOutcome.NOT_OFFERED: claim(
        "receipt.not-offered",
        "Not revoked: this provider takes no grant back from an application. An access token that"
        " was given out before ends by itself, mostly within two hours and at the latest after 28."
        " The provider goes on listing your agreement until you remove it on its own page.",
    ),
    # `NEEDS` follows.
    RevocationOutcome.NEEDED_ELSEWHERE: claim(
        "receipt.needed-elsewhere", "Not revoked: the grant is still needed."
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
    shared_grants.CONNECTION: claim("receipt.reconnected", "The account was connected again."),
    shared_grants.OTHER_CONNECTION: claim(
        "receipt.other-organisation", "The same account is also connected in another organisation."
    ),
}
STILL_LISTED: Final = claim(
    "receipt.still-listed",
    "The provider still lists all that was granted, and the credential stays where it is used.",
)
WAS_NEEDED: Final = claim(
    "receipt.was-needed",
    "Not revoked: when your tokens were destroyed here, the same account was also connected in"
    " another organisation, which needed the grant. At that time the provider still listed all that"
    " was granted.",
)
TOKENS_DESTROYED: Final = claim("receipt.tokens-destroyed", "Your tokens are destroyed here.")

_DROPPED: Final = claim(
    "receipt.watch-dropped",
    "What it still tells is dropped here: nothing was kept to know it by, and nothing is looked up"
    " for it at the provider.",
)
# Outcomes of stopping watches, before the revocation.
WATCHES: Final[Mapping[push.WatchStopOutcome, str]] = {
    push.WatchStopOutcome.NONE: claim(
        "receipt.watch-none", "The provider was not telling us of news by itself."
    ),
    push.WatchStopOutcome.STOPPED: claim(
        "receipt.watch-stopped",
        "The provider was told to tell us of no more news, and said it does.",
    ),
    push.WatchStopOutcome.GONE: claim(
        "receipt.watch-gone", "The provider answered that it was no longer telling us of news."
    ),
    push.WatchStopOutcome.LAPSED: claim(
        "receipt.watch-lapsed",
        "The provider did not say that it tells us of no more news, but the time is over for which"
        " it had agreed to.",
    ),
    push.WatchStopOutcome.UNANSWERED: claim(
        "receipt.watch-unanswered",
        "The provider was asked to tell us of no more news, and did not say that it does. It ends"
        " by itself.",
    )
    + f" {_DROPPED}",
    push.WatchStopOutcome.NO_ACCESS: claim(
        "receipt.watch-no-access",
        "The provider could not be asked to tell us of no more news, because no token of ours"
        " worked. It ends by itself.",
    )
    + f" {_DROPPED}",
    push.WatchStopOutcome.NEEDED_ELSEWHERE: claim(
        "receipt.watch-needed-elsewhere",
        "The provider goes on telling us of news of this account, because something else that is"
        " connected to it needs that. Of this integration it finds nothing any more.",
    ),
}

# Sentence about a kept credential, by whether the connection is ending.
CREDENTIAL: Final[Mapping[bool, str]] = {
    False: claim(
        "receipt.credential-kept",
        "The account is still connected: its connection stays, with address, permissions and"
        " tokens.",
    ),
    True: claim(
        "receipt.credential-until-settled",
        "Another disconnect of this account is under way. Until it has settled what becomes of the"
        " grant, the connection stays, with address, permissions and tokens.",
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
