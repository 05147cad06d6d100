"""People that come and go, by command: what ends in that commit, and its entries."""

from __future__ import annotations

import json
from contextlib import contextmanager
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from accounts import delegations
from accounts.ids import uuid7
from accounts.models import Delegation, Membership, Organisation, Session, User
from limited_use.agreements import consents, shares
from limited_use.ledger import entries
from limited_use.models import Leaf, Share
from limited_use.models.shares import ShareLevel
from limited_use.policy.feature_registry import FEATURES

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("ring")]


def run_command(*arguments):
    out = StringIO()
    call_command(*map(str, arguments), stdout=out)
    return out.getvalue()


def run_failing_command(*arguments):
    with pytest.raises(CommandError) as failed:
        run_command(*arguments)
    assert "\n" not in str(failed.value)
    return str(failed.value)


def payloads():
    """Return what the entries hold, in the order in which they were written."""
    return [bytes(one) for one in Leaf.objects.order_by("id").values_list("payload", flat=True)]


def recorded():
    found = map(json.loads, payloads())
    return [(one["event"], one.get("body", {}).get("why")) for one in found]


def count_people():
    return [one.objects.count() for one in (Organisation, User, Membership)]


@contextmanager
def no_entries():
    """Have the ledger's table take nothing."""
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE limited_use_leaf ADD CONSTRAINT is_full CHECK (FALSE) NOT VALID"
        )
        yield
        cursor.execute("ALTER TABLE limited_use_leaf DROP CONSTRAINT is_full")


def members(organisation):
    return set(
        Membership.objects.live()
        .filter(organisation__platform_id=organisation)
        .values_list("user__platform_id", flat=True)
    )


@pytest.fixture
def office():
    """Two people of one organisation: what each has shared with the other, and more."""
    run_command("people", "found", "acme", "Acme")
    for name in ("alice", "bob"):
        run_command("people", "register", name, f"{name}@acme.example", name)
        run_command("people", "join", name, "acme")
    one, other = (Membership.objects.get(user__platform_id=name) for name in ("alice", "bob"))
    share_calendar(one, other)
    share_calendar(other, one)
    delegations.switch_delegation_on(
        user_id=one.user_id,
        organisation_id=one.organisation_id,
        feature="inbox-widget",
        feature_version=FEATURES["inbox-widget"].version,
        at=timezone.now(),
    )
    Client().force_login(one.user)


def share_calendar(owner, viewer):
    at = timezone.now()
    with transaction.atomic():
        consents.give(
            person_id=owner.user_id,
            organisation_id=owner.organisation_id,
            feature="calendar-sharing",
            version=FEATURES["calendar-sharing"].version,
            at=at,
        )
        shares.give(
            person_id=owner.user_id,
            organisation_id=owner.organisation_id,
            viewer_id=viewer.user_id,
            item=uuid7(),
            level=ShareLevel.FREEBUSY,
            at=at,
        )


def left_of_alice():
    """What still counts of hers: membership, switched-on features, sessions; and shares of both."""
    hers = User.objects.get(platform_id="alice")
    return [
        Membership.objects.live().of(hers.id).count(),
        Delegation.objects.live().filter(user=hers).count(),
        Session.objects.filter(user_id=hers.id).count(),
        Share.objects.filter(withdrawn_at=None).count(),
    ]


class TestWhoComes:
    @pytest.mark.invariant(3)
    def test_leaves_an_entry_for_each_step_without_a_name_or_an_address(self):
        run_command("people", "found", "acme", "Acme Works")
        run_command("people", "register", "otto", "otto@acme.example", "Otto", "--role", "operator")
        run_command("people", "join", "otto", "acme")

        said = [json.loads(one) for one in payloads()]
        otto, acme = (
            entries.get_ledger_pseudonym(made.objects.get().id) for made in (User, Organisation)
        )
        assert [(one["event"], one["subject"], one.get("body")) for one in said] == [
            ("organisation.founded", acme, None),
            ("person.registered", otto, {"role": "operator"}),
            ("membership.begun", otto, {"organisation": acme}),
        ]
        named = User.objects.get(), Organisation.objects.get(), Membership.objects.get()
        written = b"".join(payloads()).lower()
        for secret in (b"otto", b"acme", *(str(one.id).encode() for one in named)):
            assert secret not in written

    def test_does_not_come_where_no_entry_can_be_written(self):
        steps = [
            ["found", "acme", "Acme"],
            ["register", "alice", "alice@acme.example", "Alice"],
            ["join", "alice", "acme"],
        ]
        for step in steps:
            before = count_people()

            with no_entries(), pytest.raises(IntegrityError):
                run_command("people", *step)

            assert count_people() == before
            run_command("people", *step)
        assert count_people() == [1, 1, 1]


@pytest.mark.invariant(5)
@pytest.mark.clause("AN-2")
class TestWhoGoes:
    @pytest.mark.parametrize(
        ("command", "recorded_as"),
        [
            (["leave", "alice", "acme"], [("membership.ended", "left")]),
            (
                ["deactivate", "alice"],
                [("person.deactivated", None), ("membership.ended", "deactivated")],
            ),
            (
                ["close", "acme"],
                [
                    ("organisation.closed", None),
                    ("membership.ended", "organisation_closed"),
                    ("membership.ended", "organisation_closed"),
                ],
            ),
        ],
    )
    def test_takes_features_shares_and_sessions_along(self, office, command, recorded_as):
        before = left_of_alice()
        earlier = len(recorded())

        said = run_command("people", *command)

        assert before == [1, 1, 1, 2]
        assert left_of_alice() == [0, 0, 0, 0]
        assert "2 shares ended" in said
        lapsed = [("share.lapsed", None)] * 2
        assert recorded()[earlier:] == [*recorded_as, *lapsed]

    def test_leaves_whoever_stays_alone(self, office):
        run_command("people", "leave", "alice", "acme")

        assert members("acme") == {"bob"}

    @pytest.mark.parametrize(
        ("command", "said"),
        [
            (["leave", "nobody", "acme"], "no person has this id"),
            (["leave", "alice", "nowhere"], "no organisation has this id"),
            (["join", "alice", "acme"], "the person is a member already"),
            (["found", "acme", "Acme"], "an organisation has this id already"),
            (
                ["register", "alice", "a@b.example", "A"],
                "another person has this id or this address",
            ),
        ],
    )
    def test_that_cannot_be_is_one_line(self, office, command, said):
        assert run_failing_command("people", *command) == said

    def test_goes_once(self, office):
        for command, said in [
            (["leave", "alice", "acme"], "the person is not a member"),
            (["deactivate", "bob"], "the person is deactivated already"),
            (["close", "acme"], "the organisation is closed already"),
        ]:
            run_command("people", *command)
            assert run_failing_command("people", *command) == said
        assert run_failing_command("people", "join", "alice", "acme").endswith(
            "or the organisation is closed"
        )
