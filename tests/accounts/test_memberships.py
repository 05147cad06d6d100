from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from accounts import api_tokens, delegations, memberships, organisations, user_provisioning
from accounts.models import Delegation, Membership, ServiceToken, Session, User
from tests.accounts.cast import AT, PASSWORD, person, sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def token(widget, delegation):
    return api_tokens.issue_access_token(
        client=widget, delegation_id=delegation.id, purpose="inbox.display", at=AT
    )


class TestLeaving:
    @pytest.mark.invariant(5)
    @pytest.mark.clause("AN-2")
    def test_ends_features_tokens_and_sessions_in_one_commit(
        self, alice, antares, delegation, token
    ):
        browser = sign_in(alice)

        left = memberships.end_membership(user_id=alice.id, organisation_id=antares.id, at=AT)

        delegation.refresh_from_db()
        assert (left.epoch, left.left_at) == (2, AT)
        assert (delegation.epoch, delegation.switched_off_at) == (2, AT)
        assert not ServiceToken.objects.exists()
        assert not Session.objects.filter(user_id=alice.id).exists()
        assert browser.get("/accounts/password/change/").status_code == 302

    @pytest.mark.invariant(5)
    def test_refuses_the_features_token_at_the_next_call(self, alice, antares, token):
        assert api_tokens.find_access_token(token, at=AT) is not None

        memberships.end_membership(user_id=alice.id, organisation_id=antares.id, at=AT)

        assert api_tokens.find_access_token(token, at=AT) is None

    def test_takes_nothing_back_half_way(self, alice, antares, delegation):
        with transaction.atomic():
            memberships.end_membership(user_id=alice.id, organisation_id=antares.id, at=AT)
            transaction.set_rollback(True)

        delegation.refresh_from_db()
        assert (delegation.epoch, delegation.switched_off_at) == (1, None)
        assert Membership.objects.live().of(alice.id).count() == 1

    def test_leaves_the_persons_other_organisation_alone(self, alice, antares, elsewhere):
        memberships.add_member(user_id=alice.id, organisation_id=elsewhere.id, at=AT)
        other = delegations.switch_delegation_on(
            user_id=alice.id,
            organisation_id=elsewhere.id,
            feature="inbox-widget",
            feature_version=1,
            at=AT,
        )

        memberships.end_membership(user_id=alice.id, organisation_id=antares.id, at=AT)

        other.refresh_from_db()
        assert other.switched_off_at is None
        assert Membership.objects.live().of(alice.id).get().organisation_id == elsewhere.id

    def test_says_so_when_they_do_not_belong(self, mallory, antares):
        with pytest.raises(memberships.NotAMember):
            memberships.end_membership(user_id=mallory.id, organisation_id=antares.id, at=AT)

    def test_brings_nothing_back_on_return(self, alice, antares, delegation, token):
        memberships.end_membership(user_id=alice.id, organisation_id=antares.id, at=AT)

        memberships.add_member(user_id=alice.id, organisation_id=antares.id, at=AT)

        assert api_tokens.find_access_token(token, at=AT) is None
        assert not Delegation.objects.live().exists()


class TestJoining:
    def test_says_so_when_they_belong_already(self, alice, antares):
        with pytest.raises(memberships.AlreadyMember):
            memberships.add_member(user_id=alice.id, organisation_id=antares.id, at=AT)

    def test_is_refused_by_a_closed_organisation(self, alice, elsewhere):
        organisations.close_organisation(organisation_id=elsewhere.id, at=AT)

        with pytest.raises(memberships.JoinNotAllowed):
            memberships.add_member(user_id=alice.id, organisation_id=elsewhere.id, at=AT)

    def test_is_refused_to_the_deactivated(self, alice, elsewhere):
        user_provisioning.deactivate_user(user_id=alice.id, at=AT)

        with pytest.raises(memberships.JoinNotAllowed):
            memberships.add_member(user_id=alice.id, organisation_id=elsewhere.id, at=AT)


class TestClosingAnOrganisation:
    @pytest.mark.invariant(6)
    def test_makes_everyone_leave(self, alice, antares, delegation, token):
        bob = person("bob")
        memberships.add_member(user_id=bob.id, organisation_id=antares.id, at=AT)

        organisations.close_organisation(organisation_id=antares.id, at=AT)

        assert not Membership.objects.live().filter(organisation=antares).exists()
        assert api_tokens.find_access_token(token, at=AT) is None

    def test_says_so_the_second_time(self, antares):
        organisations.close_organisation(organisation_id=antares.id, at=AT)

        with pytest.raises(organisations.OrganisationNotLive):
            organisations.close_organisation(organisation_id=antares.id, at=AT)


class TestDeactivating:
    @pytest.mark.invariant(5)
    @pytest.mark.control("2.2.1")
    def test_ends_memberships_features_tokens_and_sessions(self, alice, delegation, token):
        browser = sign_in(alice)

        user_provisioning.deactivate_user(user_id=alice.id, at=AT)

        assert not Membership.objects.live().of(alice.id).exists()
        assert api_tokens.find_access_token(token, at=AT) is None
        assert browser.get("/accounts/password/change/").status_code == 302

    def test_ends_sessions_of_staff_who_belong_nowhere(self, sam):
        sign_in(sam)

        user_provisioning.deactivate_user(user_id=sam.id, at=AT)

        assert not Session.objects.filter(user_id=sam.id).exists()

    def test_refuses_the_next_sign_in(self, client, alice):
        user_provisioning.deactivate_user(user_id=alice.id, at=AT)

        client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})

        assert "_auth_user_id" not in client.session

    def test_says_so_the_second_time(self, alice):
        user_provisioning.deactivate_user(user_id=alice.id, at=AT)

        with pytest.raises(user_provisioning.UserNotActive):
            user_provisioning.deactivate_user(user_id=alice.id, at=AT)


class TestRegistering:
    def test_keeps_one_row_for_one_address_however_it_is_typed(self, alice):
        again = user_provisioning.NewPerson("platform-2", "ALICE@Antares.example", "Alice")

        with pytest.raises(user_provisioning.UserExists):
            user_provisioning.register_user(again, password=None, at=AT)

    def test_is_refused_by_the_table_for_an_address_in_capitals(self, alice):
        with pytest.raises(IntegrityError, match="user_email_in_lower_case"):
            User.objects.filter(id=alice.id).update(email="Alice@Antares.example")

    def test_is_refused_by_the_table_for_an_unknown_role(self, alice):
        with pytest.raises(IntegrityError, match="user_role_known"):
            User.objects.filter(id=alice.id).update(role="root")

    @pytest.mark.control("1.1.2")
    def test_makes_up_no_first_password(self):
        user = user_provisioning.register_user(
            user_provisioning.NewPerson("p", "new@antares.example", "New"), password=None, at=AT
        )

        assert not user.has_usable_password()

    def test_says_nothing_personal_about_itself(self, alice):
        assert alice.email not in str(alice) + repr(alice)


class TestDelegations:
    def test_come_into_being_once(self, alice, antares, delegation):
        with pytest.raises(delegations.DelegationExists):
            delegations.switch_delegation_on(
                user_id=alice.id,
                organisation_id=antares.id,
                feature=delegation.feature,
                feature_version=1,
                at=AT,
            )

    def test_are_refused_outside_ones_organisations(self, mallory, antares):
        with pytest.raises(memberships.NotAMember):
            delegations.switch_delegation_on(
                user_id=mallory.id,
                organisation_id=antares.id,
                feature="inbox-widget",
                feature_version=1,
                at=AT,
            )

    @pytest.mark.invariant(5)
    def test_refuse_live_tokens_once_switched_off(self, alice, delegation, token):
        delegations.switch_delegation_off(delegation_id=delegation.id, user_id=alice.id, at=AT)

        assert api_tokens.find_access_token(token, at=AT) is None

    def test_are_not_anyone_elses_to_switch_off(self, mallory, delegation):
        with pytest.raises(delegations.DelegationNotLive):
            delegations.switch_delegation_off(
                delegation_id=delegation.id, user_id=mallory.id, at=AT
            )

        delegation.refresh_from_db()
        assert delegation.switched_off_at is None


class TestLastSeen:
    def test_moves_once_a_day(self, alice):
        browser = sign_in(alice)

        browser.get("/accounts/password/change/")

        first = User.objects.get(id=alice.id).last_seen_at
        browser.get("/accounts/password/change/")
        assert first > AT - timedelta(days=30)
        assert User.objects.get(id=alice.id).last_seen_at == first

    def test_never_moves_back(self, alice):
        user_provisioning.record_last_seen(user_id=alice.id, at=AT)

        user_provisioning.record_last_seen(user_id=alice.id, at=AT - timedelta(days=1))

        assert User.objects.get(id=alice.id).last_seen_at == AT
