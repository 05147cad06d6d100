"""Pages on which operators register, change and retire service clients."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.db import ProgrammingError, connection, transaction
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone

from accounts import api_tokens, clients, demo_people
from accounts.allauth_private import SUSPENDED_REQUEST_KEY
from accounts.client_keys import KeySetFault
from accounts.models import (
    ClientHour,
    Delegation,
    ServiceClient,
    ServiceClientChange,
    ServiceToken,
)
from accounts.redirect_uris import RedirectUriFault
from config.process_classes import ProcessClass
from config.sites import STAFF
from integrations.models import FeatureRemoval
from integrations.operations import feature_clients
from integrations.operations.client_faults import KEY_FAULTS, REDIRECT_FAULTS
from integrations.operations.pages.client_messages import STEPS
from integrations.purge import removal_deadlines
from limited_use.ledger import entries, ledger_sequencer
from limited_use.models import Leaf
from tests.accounts.cast import EC, PEM_HEAD, Asking, post_form, totp_code
from tests.api import cast
from tests.integrations.pages.reading import text
from tests.review.client_world import (
    FAULTY_KEYS,
    FAULTY_URIS,
    FEATURE,
    NEW,
    PURPOSE,
    URI,
    carry_out,
    get_client,
    list_entries,
    owe_removal,
    register,
    run_worker,
    write_keys,
)
from tests.test_routes import staff
from tests.walls import acting_as

pytestmark = pytest.mark.django_db

LIST = "/operations/clients/"
NEW_PAGE = f"/operations/clients/new/{FEATURE}/"
UNKNOWN = "00000000-0000-7000-8000-000000000001"
SECRET = EC.as_dict(private=True)["d"]


@pytest.fixture
def operator(alice):
    operator = staff("operator", alice.organisation)
    demo_people.add_second_factor(operator)
    return operator


@pytest.fixture
def olga(operator):
    """The browser of an operator who confirmed a moment ago."""
    return cast.desk(operator, recent=True)


@pytest.fixture
def client(alice):
    return register()


def make_form(**values):
    return {"purposes": [PURPOSE], "keys": write_keys(), "redirect_uris": URI, **values}


def page_of(client, name=""):
    return reverse(f"operations-client{name and f'-{name}'}", args=[client.id])


def change(browser, page, form=None):
    """Post a change, have another operator approve it, and a worker apply it; return its page."""
    answer = browser.post(page, form)
    carry_out()
    return browser.get(answer["Location"])


def see(client):
    client.refresh_from_db()
    return clients.compute_client_digest(client)


class TestRegistering:
    def test_stores_the_client_and_an_entry_with_the_operator(self, olga, operator):
        form = make_form(redirect_uris=f"\r\n  {URI}  \r\n\r\n{URI}/two\r\n")

        answer = olga.post(NEW_PAGE, form, follow=True)
        assert "Another operator has to approve it" in text(answer.text)
        assert not ServiceClient.objects.exists()
        carry_out()

        client = get_client()
        assert (client.client_id, client.feature, client.purposes) == (FEATURE, FEATURE, [PURPOSE])
        assert client.jwks == {"keys": [EC.as_dict(private=False)]}
        assert client.redirect_uris == [URI, f"{URI}/two"]
        [entry] = list_entries()
        assert entry["event"] == "client.registered"
        assert entry["actor"] == entries.get_ledger_pseudonym(operator.id)
        assert entry["body"]["channel"] == "page"
        assert entry["body"]["keys"] == [EC.thumbprint()]
        second = ServiceClientChange.objects.get().approved_by
        approver = entries.get_ledger_pseudonym(second)
        assert entry["body"]["approved_by"] == approver
        shown = text(olga.get(page_of(client)).text)
        assert f"You, approved by Operator {approver[:8]}, on this site" in shown

    def test_begins_with_the_features_that_have_no_live_client(self, olga, client):
        page = olga.get(reverse("operations-client-choose")).text

        assert "new/scheduler/" in page
        assert f"new/{FEATURE}/" not in page
        # It declares no purpose, and is refused whatever it asks for.
        assert "new/campaigns/" not in page

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            ({"purposes": []}, "Tick at least one purpose."),
            ({"purposes": ["marketing"]}, "marketing is not one of the available choices"),
            ({"keys": ""}, "Enter the public keys."),
            ({"keys": "{"}, "This is no JSON Web Key Set"),
            ({"keys": write_keys(EC, EC)}, 'Each key needs its own "kid"'),
            ({"redirect_uris": f"\n{URI}\n{URI}#a"}, "Line 3: The redirect URI has a fragment"),
            ({"redirect_uris": "http://a.example/"}, "Line 1: The redirect URI must begin with"),
        ],
    )
    def test_shows_errors_in_words_beside_the_field_before_it_asks_for_a_factor(
        self, operator, change, sentence
    ):
        answer = cast.desk(operator).post(NEW_PAGE, make_form(**change))

        assert answer.status_code == 400
        assert sentence in text(answer.text)
        name = next(iter(change))
        assert f'aria-describedby="id_{name}_helptext id_{name}_error"' in answer.text or (
            f'aria-describedby="id_{name}_error"' in answer.text
        )
        assert not ServiceClient.objects.exists()
        assert list_entries() == []

    @pytest.mark.invariant(4)
    @pytest.mark.control("4.1.3")
    @pytest.mark.claim("clients.private-key-not-stored")
    @pytest.mark.parametrize("is_recent", [True, False])
    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("keys", write_keys(EC, private=True)),
            ("keys", write_keys(EC, private=True)[:-2]),
            ("keys", f"{PEM_HEAD}\n{SECRET}"),
            ("redirect_uris", write_keys(EC, private=True)),
        ],
        # The keys are made anew in each process.
        ids=["a set", "half a set", "PEM", "another field"],
    )
    def test_refuses_a_private_key_and_neither_keeps_nor_repeats_it(
        self, operator, field, value, is_recent, caplog
    ):
        browser = cast.desk(operator, recent=is_recent)
        client = register(feature="scheduler", purpose="calendar.schedule")
        before = len(list_entries())

        for page, form in (
            (NEW_PAGE, make_form(**{field: value})),
            (page_of(client, "keys"), {"keys": value, "seen": see(client)}),
            (page_of(client, "redirects"), {"redirect_uris": value, "seen": see(client)}),
        ):
            answer = browser.post(page, form)
            assert answer.status_code == 400
            assert SECRET not in answer.text
            assert "BEGIN PRIVATE" not in answer.text

        assert "private or shared key. Antares did not store it" in text(
            browser.post(NEW_PAGE, make_form(keys=value)).text
        )
        # Not even encrypted, as a form that waits for a confirmation is.
        assert SUSPENDED_REQUEST_KEY not in read_session(browser)
        assert SECRET not in read_session(browser) + caplog.text
        assert len(list_entries()) == before
        assert [one.feature for one in ServiceClient.objects.all()] == ["scheduler"]

    def test_shows_public_keys_again_when_another_field_is_wrong(self, olga):
        page = olga.post(NEW_PAGE, make_form(redirect_uris="nowhere"))

        assert EC.as_dict(private=False)["x"] in page.text
        assert "nowhere" in page.text

    def test_waits_for_the_second_factor_and_then_runs(self, operator):
        Authenticator.objects.filter(user=operator).delete()
        secret = demo_people.add_second_factor(operator)
        browser = cast.desk(operator)

        waiting = browser.post(NEW_PAGE, make_form())

        assert "/accounts/mfa/reauthenticate/" in waiting["Location"]
        assert not ServiceClient.objects.exists()
        assert SUSPENDED_REQUEST_KEY in read_session(browser)
        asked = browser.get(waiting["Location"])
        assert "Register a service client" in text(asked.text)
        browser.post(waiting["Location"], {"code": totp_code(secret)})
        carry_out()
        assert get_client().feature == FEATURE

    def test_of_a_feature_with_a_client_changes_nothing(self, olga, client):
        for method in (olga.get, olga.post):
            answer = method(NEW_PAGE, make_form(), follow=True)
            assert "this feature has a client" in text(answer.text)
        # Another operator was faster.
        ServiceClient.objects.update(retired_at=timezone.now())
        waiting = [olga.post(NEW_PAGE, make_form())["Location"] for _ in range(2)]
        carry_out()

        assert "the client or its feature changed before" in text(olga.get(waiting[1]).text)
        assert len(list_entries()) == 2

    @pytest.mark.parametrize("feature", ["inbox", "campaigns", "unknown"])
    def test_of_what_is_no_platform_feature_with_a_purpose_is_not_found(self, olga, feature):
        page = f"/operations/clients/new/{feature}/"

        assert olga.get(page).status_code == 404
        assert olga.post(page, make_form()).status_code == 404


def read_session(browser):
    with override_settings(SITE=STAFF):
        return json.dumps(dict(browser.session.items()))


class TestChanges:
    @pytest.mark.claim("clients.old-keys-refused", "clients.rotation-without-gap")
    def test_of_keys_overlap_and_then_drop_the_old_one(self, olga, client, operator, alice):
        delegation = cast.switch_on(alice, client)
        caller = cast.feature(client, delegation)
        old = ask_for_token(client, delegation, EC)

        change(olga, page_of(client, "keys"), {"keys": write_keys(EC, NEW), "seen": see(client)})
        both = [ask_for_token(client, delegation, key).status_code for key in (EC, NEW)]
        change(olga, page_of(client, "keys"), {"keys": write_keys(NEW), "seen": see(client)})
        after = [ask_for_token(client, delegation, key).status_code for key in (EC, NEW)]

        assert old.status_code == 200
        assert (both, after) == ([200, 200], [401, 200])
        assert caller.get("/v1/users/me/messages").status_code == 200
        longest = ServiceToken.objects.order_by("-expires_at")[0].expires_at
        assert longest - timezone.now() <= timedelta(minutes=10)
        written = [entry["body"]["keys"] for entry in list_entries()]
        thumbprints = EC.thumbprint(), NEW.thumbprint()
        assert written == [[thumbprints[0]], list(thumbprints), [thumbprints[1]]]
        assert list_entries()[-1]["actor"] == entries.get_ledger_pseudonym(operator.id)

    def test_of_keys_show_since_when_each_is_registered(self, olga, client):
        with_both = {"keys": write_keys(EC, NEW)}
        change(olga, page_of(client, "keys"), {**with_both, "seen": see(client)})
        change(olga, page_of(client, "keys"), {"keys": write_keys(NEW), "seen": see(client)})
        change(olga, page_of(client, "keys"), {**with_both, "seen": see(client)})

        [overview] = feature_clients.list_client_overviews(at=timezone.now())

        _, added, _, back = [step.at for step in overview.steps]
        assert [(row.key.kid, row.since) for row in overview.keys] == [
            (EC.kid, back),
            ("new", added),
        ]

    def test_of_redirect_uris_begin_with_those_of_now(self, olga, client):
        assert f">\n{URI}</textarea>" in olga.get(page_of(client, "redirects")).text

        form = {"redirect_uris": f"{URI}/new", "seen": see(client)}
        answer = change(olga, page_of(client, "redirects"), form)

        assert "Applied" in text(answer.text)
        assert get_client().redirect_uris == [f"{URI}/new"]
        assert [entry["event"] for entry in list_entries()][1:] == ["client.redirects_replaced"]

    def test_beside_those_of_another_operator_are_not_lost(self, olga, client):
        seen = see(client)
        change(olga, page_of(client, "keys"), {"keys": write_keys(EC, NEW), "seen": seen})

        for name, form in (
            ("keys", {"keys": write_keys(EC)}),
            ("redirects", {"redirect_uris": f"{URI}/new"}),
        ):
            answer = olga.post(page_of(client, name), {**form, "seen": seen}, follow=True)
            assert "another operator changed this client" in text(answer.text)

        assert [key["kid"] for key in get_client().jwks["keys"]] == [EC.kid, "new"]
        assert get_client().redirect_uris == [URI]
        assert len(list_entries()) == 2

    @pytest.mark.claim("clients.retired-for-good")
    def test_of_a_retired_client_are_none(self, olga, client):
        seen = see(client)
        change(olga, page_of(client, "retire"))

        for name, form in (
            ("keys", {"keys": write_keys(NEW), "seen": seen}),
            ("keys", {"keys": "nothing", "seen": seen}),
            ("redirects", {"redirect_uris": "", "seen": seen}),
            ("retire", {}),
        ):
            for answer in (
                olga.post(page_of(client, name), form, follow=True),
                olga.get(page_of(client, name), follow=True),
            ):
                assert "this client is retired" in text(answer.text)
        assert get_client().retired_at is not None
        assert [entry["event"] for entry in list_entries()] == [
            "client.registered",
            "client.retired",
        ]


def ask_for_token(client, delegation, key):
    asking = Asking(delegation, alg="ES256", key=key, client_id=client.client_id)
    return post_form(asking.form())


def hold_own_token(client):
    return cast.bearer(api_tokens.issue_client_token(client=client, at=timezone.now()))


def acknowledge_removal(client):
    """List the one removal of the client's feature, as a client has to, and acknowledge it."""
    caller = hold_own_token(client)
    [removal] = caller.get("/v1/removals").json()["data"]
    answer = caller.post(f"/v1/removals/{removal['id']}/acknowledge")
    assert answer.status_code == 200, answer.content


class TestRetiring:
    @pytest.mark.claim("clients.retired-tokens-refused")
    def test_refuses_tokens_and_keys_at_once(self, olga, client, alice):
        delegation = cast.switch_on(alice, client)
        caller = cast.feature(client, delegation)
        own = api_tokens.issue_client_token(client=client, at=timezone.now())
        assert caller.get("/v1/users/me/messages").status_code == 200
        page = text(olga.get(page_of(client, "retire")).text)

        answer = change(olga, page_of(client, "retire"))

        assert "2 tokens are valid now." in page
        assert "Applied" in text(answer.text)
        assert caller.get("/v1/users/me/messages").status_code == 401
        assert api_tokens.find_client_token(own, at=timezone.now()) is None
        assert not ServiceToken.objects.exists()
        assert ask_for_token(client, delegation, EC).status_code == 401

    @pytest.mark.claim("clients.delegations-stay", "clients.retired-for-good")
    def test_keeps_permissions_which_open_nothing_until_there_is_a_new_client(
        self, olga, client, alice
    ):
        delegation = cast.switch_on(alice, client)
        change(olga, page_of(client, "retire"))

        assert Delegation.objects.live().get() == delegation
        change(olga, NEW_PAGE, make_form())
        new = ServiceClient.objects.live().get()
        assert new.client_id == f"{FEATURE}-2"
        assert ask_for_token(client, delegation, EC).status_code == 401
        assert ask_for_token(new, delegation, EC).status_code == 200
        caller = cast.feature(new, delegation)
        assert caller.get("/v1/users/me/messages").status_code == 200

    def test_warns_of_removals_that_are_open(self, olga, client):
        owe_removal(due_at=timezone.now() + timedelta(hours=1))

        page = text(olga.get(page_of(client, "retire")).text)

        assert "still has to acknowledge 1 removal" in page
        assert get_client().retired_at is None

    @pytest.mark.claim("clients.removals-for-new-client")
    def test_leaves_removals_to_a_new_client(self, olga, client):
        owe_removal(due_at=timezone.now() + timedelta(hours=1))
        retired = hold_own_token(client)
        change(olga, page_of(client, "retire"))

        assert retired.get("/v1/removals").status_code == 401
        change(olga, NEW_PAGE, make_form())
        acknowledge_removal(ServiceClient.objects.live().get())

        assert FeatureRemoval.objects.get().acknowledged_at is not None

    def test_waits_for_the_second_factor(self, operator, client):
        answer = cast.desk(operator).post(page_of(client, "retire"))

        assert answer.status_code == 302
        assert get_client().retired_at is None

    def test_by_two_operators_at_once_is_told_to_the_second(self, olga, client):
        pages = [olga.post(page_of(client, "retire"))["Location"] for _ in range(2)]
        run_worker()

        assert "the client or its feature changed before" in text(olga.get(pages[1]).text)


class TestLooking:
    @pytest.mark.claim("clients.steps-in-ledger")
    def test_at_a_client_shows_every_step_with_its_entry_and_operator(self, olga, client):
        change(olga, page_of(client, "keys"), {"keys": write_keys(EC, NEW), "seen": see(client)})
        other = list_entries()[0]["actor"][:8]

        page = olga.get(page_of(client)).text

        written = list_entries()
        assert [entry["event"] for entry in written] == [
            "client.registered",
            "client.keys_replaced",
        ]
        for entry in written:
            assert str(STEPS[entry["event"]]) in text(page)
            assert entry["id"] in page
        assert f"Operator {other}, by command" in text(page)
        assert "You, approved by Operator" in text(page)
        for key in (EC, NEW):
            assert key.thumbprint() in page

    def test_at_an_entry_shows_a_reviewer_what_it_is(self, rita, client):
        [entry] = list_entries()

        page = rita.get(reverse("review-entry", args=[entry["id"]]))

        assert "An operator registered a client of a platform feature." in text(page.text)
        assert EC.thumbprint() in page.text

    def test_at_a_row_that_is_no_entry_shows_operator_and_reviewer_that(self, olga, rita, client):
        subject = Leaf.objects.latest("id").subject
        row = Leaf.objects.create(payload=b"\xff", subject=subject)
        label = "A row that is not a valid ledger entry"
        for is_seen in (False, True):
            if is_seen:
                ledger_sequencer.run_sequencer(timezone.now())

            assert label in text(olga.get(page_of(client)).text)
            assert label in text(rita.get(reverse("review-entry", args=[row.id])).text)
        assert "is not an entry" in text(olga.get("/operations/").text)

    def test_at_the_list_shows_use_and_removals(self, olga, client, alice):
        at = timezone.now()
        hour = at.replace(minute=0, second=0, microsecond=0)
        for hours_ago, count in ((0, 1200), (30, 7)):
            ClientHour.objects.create(
                client=client, hour_at=hour - timedelta(hours=hours_ago), request_count=count
            )
        owe_removal(due_at=at - timedelta(hours=1))
        for _ in range(2):
            owe_removal(due_at=at + timedelta(hours=1))

        page = text(olga.get(LIST).text)

        assert "1,200 requests in 24 hours" in page
        assert "1 overdue" in page
        assert "3 open" in page
        assert "late with removals" in text(olga.get(page_of(client)).text)

    @pytest.mark.claim("clients.late-tokens-refused")
    def test_at_a_late_client_says_what_it_cannot_do(self, olga, client, alice):
        delegation = cast.switch_on(alice, client)
        owe_removal(due_at=timezone.now() - timedelta(hours=1))
        removal_deadlines.settle_all_due_times()
        page = page_of(client)

        assert "late with removals" in text(olga.get(page).text)
        assert ask_for_token(client, delegation, EC).json()["error"] == "unauthorized_client"
        acknowledge_removal(client)

        assert "late with removals" not in text(olga.get(page).text)
        assert ask_for_token(client, delegation, EC).status_code == 200

    @pytest.mark.claim("clients.unregistered-refused")
    def test_at_no_client_says_that_no_feature_can_call(self, olga, alice):
        delegation = cast.switch_on(alice, ServiceClient(feature=FEATURE))
        ask = Asking(delegation, client_id=FEATURE, alg="ES256", key=EC)

        assert "No platform feature can call Antares" in text(olga.get(LIST).text)
        assert post_form(ask.form()).status_code == 401
        register()

        assert "No platform feature can call Antares" not in text(olga.get(LIST).text)
        assert post_form(ask.form()).status_code == 200

    @pytest.mark.claim("clients.no-redirect-no-request", "clients.redirect-exact")
    @pytest.mark.parametrize(
        ("named", "status"),
        [(URI, 200), (f"{URI}/", 400), (URI.upper(), 400), (f"{URI}?a=1", 400), (URI[:-1], 400)],
    )
    def test_at_redirect_uris_says_which_a_feature_may_name(
        self, olga, client, alice, named, status
    ):
        query = {
            "response_type": "code",
            "client_id": client.client_id,
            "redirect_uri": named,
            "scope": f"purpose:{PURPOSE}",
            "state": "one",
            "code_challenge": "a" * 43,
            "code_challenge_method": "S256",
        }
        hers = cast.browser(alice.user)
        with_uri = hers.get("/oauth/authorize", query)
        change(olga, page_of(client, "redirects"), {"redirect_uris": "", "seen": see(client)})
        without = hers.get("/oauth/authorize", query)

        assert with_uri.status_code == status
        assert without.status_code == 400
        assert "the feature cannot ask people for access" in text(olga.get(page_of(client)).text)

    def test_at_clients_without_entries_shows_what_is_known(self, olga, alice):
        widget = cast.widget()
        cast.campaigns()
        ServiceClient.objects.filter(client_id="campaigns").update(feature="former")

        page = text(olga.get(page_of(widget)).text)
        assert "no step of an operator" in page
        assert "Feature former, which is not registered" in text(olga.get(LIST).text)

    @pytest.mark.control("3.1.1")
    def test_is_for_operators_alone(self, alice, rita, client):
        seen = see(client)
        support = cast.desk(staff("support", alice.organisation), recent=True)
        forms = {
            LIST: None,
            reverse("operations-client-choose"): None,
            page_of(client): None,
            "/operations/clients/new/scheduler/": make_form(purposes=["calendar.schedule"]),
            page_of(client, "keys"): {"keys": write_keys(NEW), "seen": seen},
            page_of(client, "redirects"): {"redirect_uris": "", "seen": seen},
            page_of(client, "retire"): {},
        }
        for browser in (Client(), cast.browser(alice.user, recent=True), rita, support):
            for page, form in forms.items():
                assert browser.get(page).status_code in {302, 403}
                if form is not None:
                    assert browser.post(page, form).status_code in {302, 403}
        assert see(get_client()) == seen
        assert get_client().retired_at is None
        assert len(list_entries()) == 1

    def test_at_an_unknown_client_is_not_found(self, olga):
        for name in ("", "-keys", "-redirects", "-retire"):
            page = reverse(f"operations-client{name}", args=[UNKNOWN])
            assert olga.get(page).status_code == 404
            assert name == "" or olga.post(page, {}).status_code == 404


@pytest.mark.control("4.1.1")
class TestWall:
    """A worker alone registers and changes clients: no process that serves pages does."""

    @pytest.mark.parametrize("process_class", list(ProcessClass))
    def test_keeps_purposes_from_every_process(self, client, process_class):
        columns = {
            "purposes": "ARRAY['mail.send']", "feature": "'scheduler'", "client_id": "'mine'",
            "registered_at": "now()",
        }  # fmt: skip
        for column, value in columns.items():
            statement = f"UPDATE accounts_serviceclient SET {column} = {value}"  # noqa: S608
            assert is_refused(process_class, statement)
        assert is_refused(process_class, "DELETE FROM accounts_serviceclient")

    @pytest.mark.parametrize("process_class", list(ProcessClass))
    def test_lets_purge_alone_change_keys_uris_and_end(self, client, process_class):
        is_purge = process_class is ProcessClass.PURGE
        for column in ("jwks", "redirect_uris", "retired_at"):
            statement = f"UPDATE accounts_serviceclient SET {column} = {column}"  # noqa: S608
            assert is_refused(process_class, statement) is not is_purge
        insert = (
            "INSERT INTO accounts_serviceclient (id, client_id, feature, purposes, jwks,"
            " redirect_uris, users_per_minute, usual_requests_per_hour, registered_at)"
            " VALUES (gen_random_uuid(), 'new', 'new', '{}', '{}', '{}', 1, 0, now())"
        )
        assert is_refused(process_class, insert) is not is_purge

    def test_keeps_hashes_of_tokens_and_people_from_staff(self, client):
        for statement in (
            "SELECT token_hash FROM accounts_servicetoken",
            "SELECT delegation_id FROM accounts_servicetoken",
            "UPDATE accounts_servicetoken SET expires_at = now()",
            "SELECT user_id FROM integrations_featureremoval",
            "UPDATE integrations_featureremoval SET acknowledged_at = now()",
            "UPDATE accounts_serviceclient SET removals_due_at = NULL",
            "UPDATE accounts_serviceclient SET users_per_minute = 9999",
            "UPDATE accounts_serviceclientchange SET values = '{}'",
            "UPDATE accounts_serviceclientchange SET settled_at = NULL",
            "DELETE FROM accounts_serviceclientchange",
            "DELETE FROM accounts_servicetoken",
        ):
            assert is_refused(ProcessClass.STAFF, statement)


def is_refused(process_class, statement):
    with acting_as(process_class):
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement)
        except ProgrammingError as error:
            return "permission denied" in str(error)
    return False


class TestTexts:
    @pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
    @pytest.mark.parametrize("fault", list(KeySetFault))
    def test_of_each_fault_of_keys_are_beside_the_field(self, olga, fault):
        page = olga.post(NEW_PAGE, make_form(keys=FAULTY_KEYS[fault]))

        assert page.status_code == 400
        assert str(KEY_FAULTS[fault]) in text(page.text)
        assert not ServiceClient.objects.exists()

    @pytest.mark.parametrize("fault", list(RedirectUriFault))
    def test_of_each_fault_of_redirect_uris_name_the_line(self, olga, client, fault):
        uris = FAULTY_URIS[fault]
        form = {"redirect_uris": uris, "seen": see(client)}

        page = olga.post(page_of(client, "redirects"), form)

        assert page.status_code == 400
        line = f"Line {len(uris.splitlines())}: {REDIRECT_FAULTS[fault]}"
        assert line in text(page.text)
        assert get_client().redirect_uris == [URI]
