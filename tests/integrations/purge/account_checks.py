"""What has to be true of each receipt when it is issued, and of an account's grant at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from integrations.models import Connection, ConnectionStatus, PurgeJob
from integrations.purge.provider_statements import NEEDS, WAS_NEEDED
from limited_use.models import DataKey
from tests.integrations.purge.test_engine import body_of

if TYPE_CHECKING:
    from tests.integrations.purge.account_world import GoogleAccountWorld


def check_receipt(world: GoogleAccountWorld, job: PurgeJob) -> dict[str, object]:
    """Check a receipt while nothing else has happened since it was issued; return what it says."""
    connection = job.integration.connection
    tokens = world.tokens[connection.id]
    body = body_of(job.integration)
    said = body["provider_revocation"]
    # What was done with each request about the connection since this purge began.
    since = world.account.requests[world.requests_before[job.id] :]
    requests = [(token, done) for token, done in since if token in tokens]
    about = [done for _, done in requests]
    # A connect makes a new grant, and requests are counted anew.
    of_last_grant = [done for token, done in requests if token == requests[-1][0]]
    match said["outcome"]:
        case "confirmed":
            # An earlier one, whose answer was lost, may have ended the former grant.
            assert of_last_grant.count("revoked") == 1, about
        case "already_gone":
            assert about == ["unknown"]
        case "gone_after_asking":
            assert about[-1] == "unknown"
        case "needed_elsewhere":
            assert said["needed_by"] == list_needs(world, connection)
            assert said["needed_by"]
            if connection.ended_at is None:
                assert all(NEEDS[need] in said["says"] for need in said["needed_by"])
        case outcome:
            assert outcome == "unconfirmed"
            assert said["pages"]
            assert "TOK-REVOKE" not in body["clauses"]
    assert (said["tries"] == 0) == (said["tried_at"] is None)
    assert said["tries"] >= len(of_last_grant) or said["outcome"] == "needed_elsewhere"
    if said["outcome"] not in {"needed_elsewhere", "unconfirmed"}:
        former = tokens
        if connection.status == ConnectionStatus.ACTIVE:
            # Tokens that were stored after the revoked one are of newer grants.
            former = tokens[: tokens.index(requests[-1][0]) + 1]
        assert world.account.tokens.isdisjoint(former)
    has_token = DataKey.objects.filter(holder=connection.grant_id).exists()
    assert has_token == ("credential" in body["remains"])
    if has_token:
        is_connected = "is still connected" in body["remains"]["credential"]
        assert is_connected == bool(world.live.get(connection.id))
    assert "Your tokens are destroyed" not in said["says"] or not has_token
    return said


def list_needs(world: GoogleAccountWorld, connection: Connection) -> list[str]:
    live = world.live
    if connection.ended_at is not None:
        live = world.live_at_the_end[connection.id]
    others = [one for one in live if one != connection.id]
    return [*live.get(connection.id, ()), *(["other_connection"] if others else [])]


def check_end(world: GoogleAccountWorld) -> str:
    """Check what is promised, and return in a few words how it ended."""
    world.look()
    assert world.jobs().count() == len(world.receipts)
    over = Connection.objects.filter(id__in=world.tokens).exclude(id__in=world.live)
    assert {one.status for one in over} <= {ConnectionStatus.ENDED}
    assert not DataKey.objects.filter(holder__in=[one.grant_id for one in over]).exists()
    outcomes = sorted(str(one["outcome"]) for one in world.receipts.values())
    how = _check_grant(world, outcomes)
    connects = "".join(f"; connected again: {one}" for one in sorted(world.connects))
    return f"{how}: {', '.join(outcomes) or 'nothing was disconnected'}{connects}"


def _check_grant(world: GoogleAccountWorld, outcomes: list[str]) -> str:
    if world.live:
        granted = world.account.tokens | world.ended_at_google | world.dead_on_arrival
        needed = {world.tokens[connection_id][-1] for connection_id in world.live}
        assert needed <= granted, "a live grant was revoked"
        return "a live integration needs the grant"
    stored = {token for tokens in world.tokens.values() for token in tokens}
    if world.account.tokens & stored:
        if "unconfirmed" in outcomes:
            return "the receipt says unconfirmed"
        assert _is_left_to_dead_grant(world), "nobody revoked the grant"
        return "the grant was left to a connection whose own had ended"
    if world.account.tokens:
        # Of a connect that was refused or killed: its token is not known to the service.
        return "a connect left its grant"
    return "the grant is gone"


def _is_left_to_dead_grant(world: GoogleAccountWorld) -> bool:
    """
    Return whether what stands was given after the person had ended another's grant at Google.

    The service took that other connection for live, and when it ended, its token was gone. The
    receipt of what stands says that it was not revoked, and where to remove it.
    """
    last = {job.integration.connection_id: world.receipts[job.id] for job in world.jobs()}
    standing = [last[one] for one, own in world.tokens.items() if world.account.tokens & set(own)]
    return bool(world.ended_at_google) and all(
        one["outcome"] == "needed_elsewhere" and one["says"] == WAS_NEEDED and one["pages"]
        for one in standing
    )
