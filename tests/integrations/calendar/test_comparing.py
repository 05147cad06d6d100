"""A copy against all that the provider lists: what its news left out is found, and mended."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import call_command

from tests.integrations.calendar.conftest import NOW
from tests.integrations.calendar_house import meeting, moment

pytestmark = pytest.mark.django_db

# The clock of a turn goes on while it works.
TOMORROW = NOW + timedelta(hours=25)


def counts(alice):
    one = alice.primary
    return one.missing_count, one.extra_count


class TestAComparison:
    @pytest.mark.scenario("S1")
    def test_finds_and_mends_what_no_news_told(self, alice, account):
        gone = account.put(meeting(moment(3), "Gone"))
        account.put(meeting(moment(3), "Stays"))
        alice.sync()
        account.slip_in(meeting(moment(4), "Unheard"))
        account.slip_out(gone)
        alice.sync(at=NOW + timedelta(hours=1))
        assert alice.titles(at=NOW + timedelta(hours=1)) == ["Gone", "Stays"]

        alice.sync(at=TOMORROW)

        assert alice.titles(at=TOMORROW) == ["Stays", "Unheard"]
        assert counts(alice) == (1, 1)
        assert alice.primary.compared_at >= TOMORROW

    def test_takes_no_news_for_a_gap(self, alice, account):
        gone = account.put(meeting(moment(3), "Gone"))
        alice.sync()
        account.put(meeting(moment(4), "News"))
        account.remove(gone)

        alice.sync(at=TOMORROW)

        assert alice.titles(at=TOMORROW) == ["News"]
        assert counts(alice) == (0, 0)

    def test_takes_nothing_for_a_gap_that_the_window_passed_over(self, alice, account):
        account.put(meeting(NOW - timedelta(days=30, hours=-2), "Leaves"))
        account.put(meeting(NOW + timedelta(days=180, hours=5), "Comes"))
        alice.sync()
        assert alice.titles() == ["Leaves"]

        for day in range(1, 12):
            alice.sync(at=TOMORROW + timedelta(days=day))

        assert alice.titles(at=TOMORROW + timedelta(days=11)) == ["Comes"]
        assert counts(alice) == (0, 0)

    def test_is_not_made_of_what_was_forgotten(self, alice, account):
        account.put(meeting(moment(3), "Review"))
        alice.sync()
        account.slip_in(meeting(moment(4), "Unheard"))
        account.forget()

        alice.sync(at=TOMORROW)

        assert alice.titles(at=TOMORROW) == ["Review", "Unheard"]
        assert counts(alice) == (0, 0)

    def test_is_made_once_a_day(self, alice, account):
        account.put(meeting(moment(3)))
        alice.sync()
        first = alice.primary.round

        for hours in (1, 20, 25, 26, 40):
            alice.sync(at=NOW + timedelta(hours=hours))

        assert alice.primary.round == first + 1

    def test_is_made_now_by_command(self, alice, account, capsys):
        account.put(meeting(moment(3), "Review"))
        alice.sync()
        account.slip_in(meeting(moment(4), "Unheard"))

        call_command("reconcile", str(alice.integration.id))

        assert (
            f"calendar {alice.primary.id}: missing 1, too much 0, mended" in capsys.readouterr().out
        )
        assert alice.titles() == ["Review", "Unheard"]
