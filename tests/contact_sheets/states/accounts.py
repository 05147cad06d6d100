"""Signing in, passwords, second factors, the profile, and pages for errors."""

from __future__ import annotations

import re

from allauth.mfa.models import Authenticator
from django.core import mail
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts import (
    account_mail,
    demo_people,
    memberships,
    organisations,
    reset_links,
    sign_in_links,
)
from accounts.models import User
from accounts.roles import Role
from config import restore_gate, schema_gate, startup_gate
from integrations.urls import busy_page
from limited_use.ledger import ledger_publication
from tests.accounts.cast import PASSWORD, totp_code
from tests.api import cast
from tests.contact_sheets import rows
from tests.contact_sheets.state import Group

GROUP = Group("accounts", "Signing in, second factors, profile, errors")
LOGIN, RESET = "/accounts/login/", "/accounts/password/reset/"


@GROUP.state()
def sign_in(stage):
    return stage.visitor.get(LOGIN)


@GROUP.state()
def sign_in_failed(stage):
    return stage.visitor.post(LOGIN, {"login": stage.user.email, "password": "wrong"})


@GROUP.state()
def sign_in_with_empty_form(stage):
    return stage.visitor.post(LOGIN, {})


@GROUP.state()
def sign_in_locked(stage):
    stage.change_settings(RATE_LIMIT_SCALE=1)
    form = {"login": _with_password(stage.user).email, "password": "wrong"}
    for number in range(120):
        response = stage.visitor.post(LOGIN, form, REMOTE_ADDR=f"10.1.{number}.1")
        if b"Too many failed" in response.content:
            break
    return response


@GROUP.state()
def sign_out(stage):
    return stage.alice.get("/accounts/logout/")


@GROUP.state()
def account_switched_off(stage):
    return stage.visitor.get("/accounts/inactive/")


@GROUP.state()
def reset_password(stage):
    return stage.visitor.get(RESET)


@GROUP.state()
def reset_password_with_errors(stage):
    return stage.visitor.post(RESET, {"email": "not an address"})


@GROUP.state()
def reset_password_sent(stage):
    return stage.visitor.post(RESET, {"email": stage.user.email}, follow=True)


@GROUP.state()
def new_password(stage):
    return stage.visitor.get(_mailed_link(stage, reset_links.MAIL), follow=True)


@GROUP.state()
def new_password_with_errors(stage):
    browser = stage.visitor
    response = browser.get(_mailed_link(stage, reset_links.MAIL), follow=True)
    return browser.post(response.wsgi_request.path, {"password1": "a", "password2": "b"})


@GROUP.state()
def new_password_set(stage):
    browser = stage.visitor
    response = browser.get(_mailed_link(stage, reset_links.MAIL), follow=True)
    new = {"password1": "another-battery-horse", "password2": "another-battery-horse"}
    return browser.post(response.wsgi_request.path, new, follow=True)


@GROUP.state()
def new_password_link_expired(stage):
    address = reverse("account_reset_password_from_key", args=["a", "0-0"])
    return stage.visitor.get(address, follow=True)


@GROUP.state()
def sign_in_link(stage):
    return stage.visitor.get(_mailed_link(stage, sign_in_links.MAIL), follow=True)


@GROUP.state()
def sign_in_link_expired(stage):
    return stage.visitor.get("/accounts/login/link/")


@GROUP.state()
def sign_in_link_used(stage):
    browser = stage.visitor
    browser.get(_mailed_link(stage, sign_in_links.MAIL), follow=True)
    return browser.post("/accounts/login/link/", follow=True)


@GROUP.state()
def change_password(stage):
    return stage.alice.get("/accounts/password/change/")


@GROUP.state()
def change_password_with_errors(stage):
    form = {"oldpassword": "wrong", "password1": "a", "password2": "b"}
    return _with_password_browser(stage).post("/accounts/password/change/", form)


@GROUP.state()
def profile(stage):
    return stage.alice.get("/accounts/profile/")


@GROUP.state()
def profile_saved(stage):
    form = {"time_zone": "Asia/Tokyo", "date_format": "iso"}
    return stage.alice.post("/accounts/profile/", form, follow=True)


@GROUP.state()
def profile_with_errors(stage):
    return stage.alice.post("/accounts/profile/", {"time_zone": "Mars/Base", "date_format": "x"})


@GROUP.state()
def profile_without_zone(stage):
    User.objects.filter(id=stage.user.id).update(time_zone="")
    return stage.alice.get("/accounts/profile/")


@GROUP.state()
def confirm_with_password(stage):
    user = _with_password(stage.user)
    return _disconnect(stage, cast.browser(user))


@GROUP.state()
def confirm_with_wrong_password(stage):
    browser = cast.browser(_with_password(stage.user))
    return browser.post("/accounts/reauthenticate/", {"password": "wrong"})


@GROUP.state()
def confirm_with_code(stage):
    user = _with_password(stage.user)
    demo_people.add_second_factor(user)
    cast.security_key(user)
    browser = cast.browser(user, mfa=True)
    _disconnect(stage, browser)
    return browser.get("/accounts/mfa/reauthenticate/")


@GROUP.state()
def confirm_with_key(stage):
    user = _with_password(stage.user)
    cast.security_key(user)
    return _disconnect(stage, cast.browser(user, mfa=True))


@GROUP.state()
def second_step(stage):
    return _begin_second_step(stage)


@GROUP.state()
def second_step_with_wrong_code(stage):
    return _begin_second_step(stage).client.post("/accounts/mfa/authenticate/", {"code": "000000"})


@GROUP.states(["mfa_index", "mfa_activate_totp", "mfa_list_webauthn", "mfa_add_webauthn"])
def factors(stage, route):
    return _with_password_browser(stage).get(reverse(route))


@GROUP.states(
    [
        "mfa_index",
        "mfa_deactivate_totp",
        "mfa_view_recovery_codes",
        "mfa_generate_recovery_codes",
        "mfa_list_webauthn",
    ]
)
def factors_in_use(stage, route):
    return _browser_with_factors(stage).get(reverse(route))


@GROUP.states(["mfa_edit_webauthn", "mfa_remove_webauthn"])
def security_key(stage, route):
    browser = _browser_with_factors(stage)
    key = Authenticator.objects.get(user=stage.user, type=Authenticator.Type.WEBAUTHN)
    return browser.get(reverse(route, args=[key.pk]))


@GROUP.state()
def many_security_keys(stage):
    browser = _browser_with_factors(stage)
    first = Authenticator.objects.get(user=stage.user, type=Authenticator.Type.WEBAUTHN)
    for name in ("Office key", "Key at home"):
        Authenticator.objects.create(
            user=stage.user, type=first.type, data={**first.data, "name": name}
        )
    return browser.get(reverse("mfa_list_webauthn"))


@GROUP.state()
def activate_app_with_wrong_code(stage):
    return _with_password_browser(stage).post(reverse("mfa_activate_totp"), {"code": "1"})


@GROUP.state()
def factors_of_staff(stage):
    return rows.browser(stage.add_person("Rita", Role.REVIEWER)).get(reverse("mfa_index"))


@GROUP.state(status=400)
def error_400(stage):
    return stage.visitor.get("/", headers={"host": "evil.example"})


@GROUP.state(status=404)
def error_404(stage):
    return stage.visitor.get("/no/such/page/")


@GROUP.state(status=404)
def error_404_signed_in(stage):
    return stage.alice.get("/no/such/page/")


@GROUP.state(status=404)
def error_404_of_staff(stage):
    person = stage.add_person("Rita", Role.REVIEWER)
    demo_people.add_second_factor(person)
    return cast.browser(person, mfa=True).get("/no/such/page/")


@GROUP.state()
def two_organisations(stage):
    second = organisations.found_organisation(
        platform_id="second", name="Second Works", at=stage.at
    )
    memberships.add_member(user_id=stage.user.id, organisation_id=second.id, at=stage.at)
    return stage.alice.get("/accounts/profile/")


@GROUP.state(status=403)
def error_403_of_member(stage):
    """A page of staff, on a site that serves both."""
    stage.change_settings(ROOT_URLCONF="config.urls")
    return stage.alice.get(reverse("review"))


@GROUP.state(status=403)
def error_403_form(stage):
    return Client(enforce_csrf_checks=True).post(LOGIN)


@GROUP.state(status=429)
def error_429(stage):
    stage.change_settings(RATE_LIMIT_SCALE=1)
    browser = stage.visitor
    for _ in range(300):
        response = browser.post(RESET, {"email": "nobody@antares.example"})
        if response.status_code == 429:
            break
    return response


@GROUP.state(status=500)
def error_500(stage):
    def fail(*_, **__):
        raise RuntimeError("planted")

    stage.patch.setattr("integrations.urls.public_pages.views.messages.SESSION_EXPIRY", None)
    browser = Client(raise_request_exception=False)
    return browser.get("/cookies/")


@GROUP.state(status=503)
def error_503_busy(stage):
    return rows.as_answer(stage, busy_page.render_busy_page())


@GROUP.states(
    {
        "database": startup_gate.make_database_refusal,
        "restored": lambda: restore_gate.RestoreGate(None, lambda: True).find_refusal(),
        "not-ready": lambda: restore_gate.RestoreGate(None, _fail_to_read).find_refusal(),
        "update": lambda: schema_gate._VERSION_REFUSAL,
    },
    status=503,
)
def gate(stage, _, make_refusal):
    headers, body = startup_gate.render_refusal(make_refusal(), "/inbox/")
    return rows.as_answer(stage, HttpResponse(body, status=503, headers=dict(headers)))


def _disconnect(stage, browser):
    address = reverse("settings-disconnect", args=[stage.mail.integration.id])
    return browser.post(address, follow=True)


def _fail_to_read():
    raise ledger_publication.LedgerPublicationUnreadable


def _with_password(user):
    user.set_password(PASSWORD)
    user.save(update_fields=["password"])
    return user


def _with_password_browser(stage):
    return rows.browser(_with_password(stage.user))


def _browser_with_factors(stage):
    _with_password(stage.user)
    demo_people.add_second_factor(stage.user)
    cast.security_key(stage.user)
    return cast.browser(stage.user, mfa=True, recent=True)


def _begin_second_step(stage):
    _with_password(stage.user)
    secret = demo_people.add_second_factor(stage.user)
    assert totp_code(secret)
    form = {"login": stage.user.email, "password": PASSWORD}
    return stage.visitor.post(LOGIN, form, follow=True)


def _mailed_link(stage, kind):
    user = _with_password(stage.user)
    account_mail.send_queued(kind, user_id=user.id, at=stage.at)
    text = mail.outbox[-1].body
    return re.search(r"https?://[^/\s]+(/\S+)", text)[1]
