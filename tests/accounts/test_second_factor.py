from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts import demo_people, mfa_secrets
from accounts.allauth_adapter import MfaAdapter
from accounts.roles import STAFF
from tests.accounts.cast import PASSWORD, person, sign_in, totp_code

pytestmark = pytest.mark.django_db
CHANGE = "/accounts/password/change/"
NEEDED = "Before you can open the pages for Antares staff, activate an authenticator app"


def get_next_code_change() -> datetime:
    """Return the next moment at which an authenticator app shows another code."""
    return datetime.fromtimestamp((time.time() // 30 + 1) * 30, UTC)


def sign_in_with_code(user, secret: str) -> Client:
    return sign_in_with(totp_code(secret), user)


def sign_in_with(code: str, user) -> Client:
    browser = Client()
    browser.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    browser.post("/accounts/mfa/authenticate/", {"code": code})
    return browser


class TestStaffWithoutAFactor:
    @pytest.mark.control("3.3.1")
    @pytest.mark.parametrize("role", sorted(STAFF))
    def test_are_led_to_set_one_up_and_nowhere_else(self, role):
        browser = sign_in(person("staff", role))

        for path in ("/", CHANGE, "/accounts/password/reset/", "/no/such/page"):
            answer = browser.get(path)
            assert (answer.status_code, answer["Location"]) == (302, "/accounts/mfa/"), path

    @pytest.mark.control("3.3.1")
    @pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
    def test_are_refused_every_other_method(self, sam, method):
        answer = getattr(sign_in(sam), method)("/v1/users/me/messages")

        assert answer.status_code == 403
        assert answer["Content-Type"] == "application/problem+json"

    @pytest.mark.control("3.3.1")
    def test_are_refused_the_api(self, sam):
        answer = sign_in(sam).get("/v1/users/me/messages", headers={"Accept": "application/json"})

        assert answer.status_code == 403

    def test_reach_the_page_where_they_set_one_up_and_read_why(self, sam):
        answer = sign_in(sam).get("/accounts/mfa/")

        assert answer.status_code == 200
        assert NEEDED in answer.content.decode()

    def test_can_still_sign_out(self, sam):
        assert sign_in(sam).post("/accounts/logout/").status_code == 302


class TestStaffWithAFactor:
    @pytest.mark.control("3.3.1")
    def test_are_not_signed_in_by_a_password(self, sam):
        demo_people.add_second_factor(sam)

        browser = sign_in(sam)

        assert "_auth_user_id" not in browser.session

    @pytest.mark.control("3.3.1")
    def test_work_once_the_code_was_shown(self, sam):
        browser = sign_in_with_code(sam, demo_people.add_second_factor(sam))

        assert browser.get(CHANGE).status_code == 200

    @pytest.mark.control("3.3.1")
    def test_are_asked_to_show_it_in_a_session_begun_before_it(self, sam):
        browser = sign_in(sam)

        demo_people.add_second_factor(sam)

        assert browser.get("/").headers["Location"].startswith("/accounts/mfa/reauthenticate/")
        assert browser.get("/accounts/mfa/webauthn/add/").status_code == 302

    def test_are_not_told_that_they_need_one(self, sam):
        browser = sign_in_with_code(sam, demo_people.add_second_factor(sam))

        assert NEEDED not in browser.get("/accounts/mfa/").content.decode()

    def test_keep_their_last_factor(self, sam):
        demo_people.add_second_factor(sam)
        last = Authenticator.objects.get(user=sam, type=Authenticator.Type.TOTP)

        assert not MfaAdapter().can_delete_authenticator(last)

    @pytest.mark.control("1.3.2")
    def test_cannot_use_a_code_twice(self, sam):
        secret = demo_people.add_second_factor(sam)
        with time_machine.travel(timezone.now(), tick=False):
            sign_in_with_code(sam, secret)

            again = sign_in_with_code(sam, secret)

        assert "_auth_user_id" not in again.session

    @pytest.mark.control("1.3.2")
    def test_cannot_use_a_code_twice_with_a_minute_in_between(self, sam):
        secret = demo_people.add_second_factor(sam)
        with time_machine.travel(get_next_code_change(), tick=False) as clock:
            code = totp_code(secret)
            assert "_auth_user_id" in sign_in_with(code, sam).session
            clock.shift(timedelta(seconds=59))

            again = sign_in_with(code, sam)

        assert "_auth_user_id" not in again.session

    @pytest.mark.control("1.3.1")
    @pytest.mark.parametrize(
        ("age", "works"),
        [
            (timedelta(seconds=-31), False),
            (timedelta(seconds=-30), True),
            (timedelta(seconds=59), True),
            (timedelta(seconds=60), False),
            (timedelta(minutes=30), False),
        ],
    )
    def test_can_use_a_code_of_the_half_minute_before_or_after(self, sam, age, works):
        """
        :param age: since the app began to show the code; below zero if its clock is fast
        """
        secret = demo_people.add_second_factor(sam)
        with time_machine.travel(get_next_code_change(), tick=False) as clock:
            code = totp_code(secret)
            clock.shift(age)

            browser = sign_in_with(code, sam)

        assert ("_auth_user_id" in browser.session) is works

    @pytest.mark.control("1.3.4")
    def test_are_locked_out_after_too_many_wrong_codes(self, sam):
        secret = demo_people.add_second_factor(sam)
        with time_machine.travel(timezone.now(), tick=False):
            browser = sign_in(sam)
            for _ in range(11):
                browser.post("/accounts/mfa/authenticate/", {"code": "000000"})

            browser.post("/accounts/mfa/authenticate/", {"code": totp_code(secret)})

        assert "_auth_user_id" not in browser.session


class TestPagesOfFactors:
    def test_do_not_tell_members_that_they_need_one(self, alice):
        assert NEEDED not in sign_in(alice).get("/accounts/mfa/").content.decode()

    def test_show_a_secret_that_can_be_copied(self, alice):
        browser = sign_in(alice)
        browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
        page = browser.get("/accounts/mfa/totp/activate/").content.decode()

        # On a phone, the text of a disabled input cannot be copied.
        [secret] = re.findall(r'<input [^>]*id="authenticator_secret"[^>]*>', page)
        assert " readonly" in secret
        assert " disabled" not in secret

    def test_say_what_confirms_who_one_is(self, alice):
        browser = sign_in(alice)
        password = browser.get("/accounts/reauthenticate/").content.decode()
        browser = sign_in_with_code(alice, demo_people.add_second_factor(alice))
        code = browser.get("/accounts/mfa/reauthenticate/").content.decode()

        assert "Enter the password of your Antares account" in password
        assert "Enter the code that your authenticator app shows" in code


class TestSecretsOfFactors:
    @pytest.mark.control("6.7.1")
    @pytest.mark.invariant(4)
    def test_are_not_in_the_table(self, sam):
        secret = demo_people.add_second_factor(sam)

        stored = " ".join(str(row.data) for row in Authenticator.objects.all())

        assert secret not in stored

    @given(text=st.text(max_size=200))
    def test_open_to_what_was_sealed(self, text):
        assert mfa_secrets.decrypt_secret(mfa_secrets.encrypt_secret(text)) == text

    @pytest.mark.control("4.1.4")
    def test_do_not_open_under_another_secret(self, settings):
        sealed = mfa_secrets.encrypt_secret("JBSWY3DPEHPK3PXP")
        settings.ROOT_SECRETS = ["another"]

        with pytest.raises(mfa_secrets.SecretUnreadable):
            mfa_secrets.decrypt_secret(sealed)

    def test_open_under_a_fallback(self, settings):
        sealed = mfa_secrets.encrypt_secret("JBSWY3DPEHPK3PXP")
        settings.ROOT_SECRETS = ["another", *settings.ROOT_SECRETS]

        assert mfa_secrets.decrypt_secret(sealed) == "JBSWY3DPEHPK3PXP"
