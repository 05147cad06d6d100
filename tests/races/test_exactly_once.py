"""
Messages of forty mailboxes at both providers, sent with faults and SIGKILL at every step: each is
sent exactly once, or its outcome is unknown and true.

`EXACTLY_ONCE_SENDS=1000 python -m pytest tests/races/test_exactly_once.py --all -s` reports on a
thousand. `EXACTLY_ONCE_SEED` is the seed of all choices.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from integrations.models import OutboxState
from integrations.outbox import dispatch
from tests.integrations import google, microsoft
from tests.integrations.outbox import sending
from tests.integrations.purge.conftest import keyring
from tests.races import killed_sender, senders
from tests.races.senders import SenderProcess, SendingReport, SendingUnderFaults
from tests.worlds.microsoft import REDIRECT_URI as MICROSOFT_REDIRECT
from tests.worlds.sandbox import REDIRECT_URI as GOOGLE_REDIRECT

__all__ = ["keyring"]

SENDS = int(os.environ.get("EXACTLY_ONCE_SENDS", "200"))
SEED = int(os.environ.get("EXACTLY_ONCE_SEED", "19"))
MAILBOXES = 40


@pytest.fixture
def providers(sandbox, settings):
    google.point_at(settings, sandbox)
    found = microsoft.point_at(settings, sandbox)
    settings.GMAIL_UNITS_PER_MINUTE = settings.GRAPH_UNITS_PER_MINUTE = 0
    sandbox.dial(units_per_minute=0, concurrency=0, graph_sends_per_minute=10_000)
    sandbox.register_client(redirect_uris=(GOOGLE_REDIRECT, MICROSOFT_REDIRECT))
    return (
        sandbox,
        found,
        {
            "MICROSOFT_AUTHORITY_URL": sandbox.url,
            "MICROSOFT_GRAPH_URL": sandbox.url,
            "MICROSOFT_CLIENT_ID": settings.MICROSOFT.client_id,
            "MICROSOFT_CLIENT_SECRET": settings.MICROSOFT.client_secret,
        },
    )


def run(providers, *, sends: int, mailboxes: int) -> tuple[SendingReport, Counter[str]]:
    """Return what became of the messages, and the faults."""
    sandbox, found, environment = providers
    houses = senders.make_mailboxes(sandbox, found, mailboxes)
    with SenderProcess(**environment) as process:
        sending = SendingUnderFaults(sandbox, process, SEED)
        for number in range(sends):
            sending.send(houses[number % mailboxes], number)
    report = SendingReport.read(sandbox, deleted=sending.deleted)
    sys.stdout.write(f"\n{report}; faults: {dict(sending.faults)}; seed {SEED}\n")
    return report, sending.faults


@pytest.mark.django_db(transaction=True)
@pytest.mark.invariant(9)
@pytest.mark.scenario("M1")
class TestSendingUnderFaults:
    def test_can_kill_in_every_module_that_sends(self):
        assert [path for path in killed_sender.STEPS if not Path(path).is_file()] == []

    def test_is_exactly_once_or_honestly_unknown(self, providers):
        report, faults = run(providers, sends=10, mailboxes=2)

        assert (report.duplicates, report.lost, report.wrongly_failed) == ([], [], [])
        assert report.unsettled == []
        assert report.falsely_known == []
        assert report.unknown_share == 0
        assert report.unresolvable
        assert report.states[OutboxState.SENT] >= 5
        assert faults["killed"] >= 3

    @pytest.mark.parametrize(
        ("place", "leaves_after"),
        [
            # The first look is at the end of the dead worker's lease, long after the request.
            ("outbox/send_looks.py:look", dispatch.LEASE_TIME + timedelta(seconds=15)),
            # The first look is at once.
            ("", timedelta(seconds=100)),
        ],
    )
    def test_is_once_if_the_message_appears_after_a_look(self, providers, place, leaves_after):
        sandbox, found, environment = providers
        _, house = senders.make_mailboxes(sandbox, found, 2)
        # Until it leaves, Outlook shows an accepted message as an intact draft.
        sandbox.dial(graph_send_seconds=leaves_after.total_seconds(), graph_outbox=False)
        sandbox.fail_next(path_suffix="/send", drop="after")
        command, skipped = sending.order(house), 6.0
        with SenderProcess(**environment) as process:
            clocks = SendingUnderFaults(sandbox, process, SEED)
            ended = process.take_turn(command, seconds=skipped, place=place)
            assert ended == (-9 if place else killed_sender.RAN)
            command.refresh_from_db()
            if place:
                skipped = clocks.skip_to(command, skipped)
                process.take_turn(command, seconds=skipped)
            looks = 1
            command.refresh_from_db()
            while command.due_at is not None and looks < 5:
                skipped = clocks.skip_to(command, skipped)
                process.take_turn(command, seconds=skipped)
                command.refresh_from_db()
                looks += 1

        assert (command.state, len(sandbox.sent(tag=str(command.id)))) == (OutboxState.SENT, 1)
        assert looks == 2

    @pytest.mark.thorough("hundreds of messages, sent with faults and kills at every step")
    def test_of_forty_mailboxes_is_exactly_once_or_honestly_unknown(self, providers):
        report, faults = run(providers, sends=SENDS, mailboxes=MAILBOXES)

        assert (report.duplicates, report.lost, report.wrongly_failed) == ([], [], [])
        assert report.unsettled == []
        assert report.falsely_known == []
        assert report.unknown_share <= 0.02
        assert len(report.unresolvable) >= SENDS * 0.05
        assert faults[senders.DRAFT_DELETED] >= SENDS * 0.1
        assert faults["killed"] >= SENDS * 0.2
