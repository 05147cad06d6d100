"""A change of a service client takes two operators, and no row that a login wrote is believed."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.urls import reverse
from django.utils import timezone

from accounts import clients, demo_people
from accounts.models import Alarm, ClientChangeKind, ServiceClientChange, User
from config.process_classes import ProcessClass
from integrations.operations import client_changes
from limited_use.ledger import entries
from tests.accounts.cast import EC, Asking, post_form
from tests.api import cast
from tests.integrations.pages.reading import text
from tests.review.client_world import (
    FEATURE,
    NEW,
    PURPOSE,
    URI,
    get_client,
    list_entries,
    make_second_operator,
    register,
    run_worker,
    write_keys,
)
from tests.test_routes import staff
from tests.walls import acting_as, requests_act_as_web

__all__ = ["requests_act_as_web"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("requests_act_as_web")]


@pytest.fixture
def operators(alice):
    first = staff("operator", alice.organisation)
    demo_people.add_second_factor(first)
    return first, make_second_operator()


@pytest.fixture
def client(alice):
    return register()


def propose(client, by, kind=ClientChangeKind.KEYS, values=None):
    """Propose new keys as the staff site does."""
    with acting_as(ProcessClass.STAFF):
        return client_changes.propose_change(
            kind,
            feature=FEATURE,
            client=client,
            values=values or {"jwks": json.loads(write_keys(NEW)), "seen_digest": None},
            by=by.id,
            at=timezone.now(),
        )


def approve(change, by):
    with acting_as(ProcessClass.STAFF):
        client_changes.approve_change(change, by=by.id, at=timezone.now())


def forge(**values):
    """Write a row as the staff's database login can without the staff site."""
    with acting_as(ProcessClass.STAFF):
        return ServiceClientChange.objects.create(
            **{"feature": FEATURE, "proposed_at": timezone.now(), "seal": "", **values}
        )


def get_refusal(change):
    run_worker()
    change.refresh_from_db()
    return change.refusal


def have_keys_changed():
    return [key["kid"] for key in get_client().jwks["keys"]] != [EC.kid]


class TestTwoOperators:
    def test_give_a_client_a_key_with_which_it_gets_a_token(
        self, operators, client, alice, mailoutbox
    ):
        first, second = operators
        delegation = cast.switch_on(alice, client)
        ask = Asking(delegation, alg="ES256", key=NEW, client_id=client.client_id)
        proposer, approver = (cast.desk(one, recent=True) for one in operators)
        form = {"keys": write_keys(NEW), "seen": clients.compute_client_digest(client)}

        page = proposer.post(reverse("operations-client-keys", args=[client.id]), form)["Location"]
        own = proposer.get(page).text
        refused = proposer.post(page, follow=True)
        run_worker()
        assert post_form(ask.form()).status_code == 401
        listed = approver.get(reverse("operations-clients")).text
        shown = approver.get(page).text
        approver.post(page)
        run_worker()

        assert ">Approve<" not in own
        assert "another operator has to approve" in text(refused.text)
        assert page in listed
        assert NEW.thumbprint() in shown
        assert ">Approve<" in shown
        assert post_form(ask.form()).status_code == 200
        assert "Applied" in text(approver.get(page).text)
        entry = list_entries()[-1]
        names = [entries.get_ledger_pseudonym(one.id) for one in operators]
        assert [entry["actor"], entry["body"]["approved_by"]] == names
        assert (entry["event"], entry["body"]["channel"]) == ("client.keys_replaced", "page")
        assert Alarm.objects.open().get(kind="client.changed").about == client.id
        [mail] = mailoutbox
        assert set(mail.bcc) == {first.email, second.email}
        assert "Its keys were replaced" in mail.body

    def test_approve_once_and_not_their_own(self, operators, client):
        change = propose(client, operators[0])

        with pytest.raises(client_changes.NotApprovable):
            approve(change, operators[0])
        approve(change, operators[1])
        with pytest.raises(client_changes.NotApprovable):
            approve(change, operators[1])

    @pytest.mark.parametrize("number", [0, 1])
    @pytest.mark.parametrize("loses", ["role", "factor", "work"])
    def test_are_both_operators_with_a_factor_when_it_is_applied(
        self, operators, client, number, loses
    ):
        change = propose(client, operators[0])
        approve(change, operators[1])
        user = User.objects.filter(id=operators[number].id)
        match loses:
            case "role":
                user.update(role="support")
            case "factor":
                Authenticator.objects.filter(user__in=user, type="totp").delete()
            case _:
                user.update(is_active=False, deactivated_at=timezone.now())

        assert get_refusal(change) == "operators"
        assert not have_keys_changed()

    def test_approve_within_a_day(self, operators, client, monkeypatch):
        change = propose(client, operators[0])
        monkeypatch.setattr(client_changes, "LASTS", timedelta(0))

        with pytest.raises(client_changes.NotApprovable):
            approve(change, operators[1])
        assert get_refusal(change) == "expired"


@pytest.mark.control("4.1.1")
class TestAStaffLogin:
    """With the database alone, without the key of the staff site."""

    def test_has_no_proposal_of_its_own_applied(self, operators, client, mailoutbox):
        first, second = operators
        values = {"jwks": json.loads(write_keys(NEW)), "seen_digest": None}
        signed = propose(client, first)
        approval = {"approved_by": second.id, "approved_at": timezone.now()}
        keys = {"kind": "keys", "client": client, "values": values, "proposed_by": first.id}
        register_values = {**values, "purposes": [PURPOSE], "redirect_uris": [URI]}
        changes = [
            forge(**keys),
            forge(**keys, **approval, approval_seal="forged"),
            # Seals of a change that the staff site did write.
            forge(**keys, **approval, seal=signed.seal, approval_seal=signed.seal),
            forge(kind="register", values=register_values, proposed_by=first.id, **approval),
            forge(kind="retire", client=client, values={}, proposed_by=first.id),
        ]
        shown = cast.desk(second, recent=True).get(reverse("operations-clients")).text

        assert {get_refusal(change) for change in changes} == {"forged"}
        assert all(str(change.id) not in shown for change in changes)
        assert (have_keys_changed(), get_client().retired_at) == (False, None)
        # Any number of rows is one alarm.
        assert Alarm.objects.open().get().kind == "client.change_forged"
        assert mailoutbox == []

    def test_cannot_approve_what_one_operator_proposed(self, operators, client):
        change = propose(client, operators[0])
        with acting_as(ProcessClass.STAFF):
            ServiceClientChange.objects.filter(id=change.id).update(
                approved_by=operators[1].id, approved_at=timezone.now(), approval_seal=change.seal
            )

        assert get_refusal(change) == "forged"
        assert not have_keys_changed()

    def test_mails_nobody_of_a_row_that_looks_applied(self, operators, client, mailoutbox):
        forge(
            kind="keys", client=client, values={}, proposed_by=operators[0].id,
            settled_at=timezone.now(),
        )  # fmt: skip
        run_worker()

        assert mailoutbox == []
        assert list_entries()[1:] == []
