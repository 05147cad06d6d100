"""The page "Who may use my data, and who did", through HTTP."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts import memberships, organisations
from accounts.models import Delegation
from accounts.roles import STAFF
from integrations.access import permits
from integrations.models import Integration, PurgeJob
from integrations.settings.data_use import activity_labels, activity_log, feature_status
from integrations.settings.data_use.feature_status import FeatureState
from limited_use.agreements import consents
from limited_use.guard.guard import AccessRefused
from limited_use.ledger import ledger_sequencer
from limited_use.models import Consent, Leaf
from limited_use.policy.feature_registry import FEATURES
from limited_use.policy.policy_vocabulary import DataClass, Purpose, Recipient
from limited_use.policy.rules import PERMISSION_RULES, PROHIBITION_RULES
from limited_use.receipts import receipts
from limited_use.verify import verifier
from tests.api import cast
from tests.broker import record_messages
from tests.integrations import household as houses
from tests.integrations.pages import reading

pytestmark = pytest.mark.django_db(transaction=True)
USES = "/settings/uses/"
WIDGET = "/settings/features/inbox-widget/"
V1 = "/v1/users/me"


@pytest.fixture(autouse=True)
def no_broker(monkeypatch):
    record_messages(monkeypatch)


@pytest.fixture
def bob(alice):
    """Return a colleague with a mailbox of their own."""
    who = houses.person("bob", alice.organisation, at=timezone.now())
    return houses.household(who=who)


def show_uses(browser, **asked):
    answer = browser.get(f"{USES}?{urlencode(asked)}" if asked else USES)
    assert answer.status_code == 200
    return answer.text


def list_record_rows(html):
    """Return the record as the page shows it: who, what for and how it ended, newest first."""
    found = []
    for line in html.split("<tbody>")[-1].split("</tbody>")[0].split("<tr>")[1:]:
        cells = [reading.text(cell.split(">", 1)[1]) for cell in line.split("<td")[1:]]
        found.append(tuple(cells[place] for place in (1, 2, 4)))
    return found


def card(html, title):
    cards = html.split('<article class="card"')[1:]
    return next(one.split("</article>")[0] for one in cards if f">{title}</h3>" in one)


def download_uses(browser, form, **asked):
    answer = browser.get(reverse(f"settings-uses-{form}"), asked)
    assert answer.status_code == 200
    assert "attachment" in answer["Content-Disposition"]
    return answer.getvalue().decode()


def refuse_campaigns(house):
    client = cast.campaigns()
    caller = cast.feature(client, cast.switch_on(house, client), "marketing")
    assert caller.get(f"{V1}/messages").status_code == 403


def reword(monkeypatch, key):
    monkeypatch.setitem(FEATURES, key, replace(FEATURES[key], version=FEATURES[key].version + 1))


class TestWhoMay:
    @pytest.mark.clause("AN-1")
    @pytest.mark.clause("LU-1")
    @pytest.mark.clause("GWDP-notice")
    def test_names_every_feature_with_what_it_declares(self, her_browser):
        html = show_uses(her_browser)

        for feature in FEATURES.values():
            said = reading.text(card(html, feature.title))
            if not feature.purposes:
                assert "Uses nothing of yours" in said
                continue
            assert feature.where in said
            for data_class in feature.data_classes:
                assert activity_labels.DATA_CLASS[data_class] in said
            assert ("days" in said) is (feature.retention_days is not None)

    def test_says_since_when_and_to_which_version(self, alice, her_browser):
        said = reading.text(card(show_uses(her_browser), "Unified inbox"))

        assert "On" in said
        assert f"{alice.at:%H:%M} UTC, to version {FEATURES['inbox'].version}" in said

    @pytest.mark.clause("LU-4", "LU-4.2", "WLU-4.4", "AN-11")
    def test_says_what_nobody_may_with_the_clauses(self, her_browser):
        said = reading.text(show_uses(her_browser))

        for rule in PROHIBITION_RULES:
            assert f"{rule.says} {', '.join(rule.clauses)}" in said

    @pytest.mark.invariant(1)
    def test_shows_every_rule_that_permits_anything_anybody(self):
        shown = {
            rule.id for one in FEATURES.values() for rule in feature_status.get_feature_rules(one)
        }
        shown |= {rule.id for rule in feature_status.list_service_rules()}
        # Of features that are not registered yet, and so nobody's.
        declared = {purpose for one in FEATURES.values() for purpose in one.purposes}

        for rule in PERMISSION_RULES:
            assert rule.id in shown or not rule.purposes & declared

    def test_tells_a_client_from_its_owner(self):
        widget = feature_status.FeatureStatus(
            feature=FEATURES["inbox-widget"], state=FeatureState.OFF
        )
        inbox = feature_status.FeatureStatus(feature=FEATURES["inbox"], state=FeatureState.OFF)

        assert widget.recipients == (activity_labels.RECIPIENT[Recipient.PLATFORM_FEATURE],)
        assert inbox.recipients == (activity_labels.RECIPIENT[Recipient.OWNER],)

    def test_lists_items_agreed_to_with_their_end(self, alice, her_browser, bob):
        given, other = cast.one_item(alice), cast.one_item(bob)

        html = show_uses(her_browser)

        assert f"until {given.expires_at.day} {given.expires_at:%b %Y}" in reading.text(html)
        assert str(given.id) in html
        assert str(other.id) not in html

    @pytest.mark.claim("support.withdrawn")
    @pytest.mark.clause("LU-3.1")
    def test_withdraws_an_item_for_its_owner_only(self, alice, her_browser, bob):
        given, other = cast.one_item(alice), cast.one_item(bob)

        theirs = her_browser.post(reverse("settings-consent-withdraw", args=[other.id]))
        hers = her_browser.post(reverse("settings-consent-withdraw", args=[given.id]))

        assert (theirs.status_code, hers.status_code) == (404, 302)
        assert Consent.objects.get(id=given.id).withdrawn_at is not None
        assert Consent.objects.get(id=other.id).withdrawn_at is None


class TestSwitching:
    @pytest.mark.clause("WDISC", "LU-2.1")
    def test_on_shows_what_it_does_immediately_before(self, her_browser):
        page = her_browser.get(WIDGET).text

        said = reading.text(page)
        assert FEATURES["inbox-widget"].disclosure in said
        assert said.index(FEATURES["inbox-widget"].disclosure) < said.index("I agree that")
        assert 'type="checkbox"' in page
        assert "checked" not in page

    @pytest.mark.parametrize("form", [{}, {"switch": "on"}, {"agree": "no"}, {"agree": ""}])
    @pytest.mark.clause("LU-2.1")
    def test_on_takes_an_affirmative_click(self, her_browser, form):
        answer = her_browser.post(WIDGET, {"version": "1", **form})

        assert answer["Location"] == WIDGET
        assert not Delegation.objects.exists()

    def test_on_takes_the_words_that_were_shown(self, her_browser):
        answer = her_browser.post(WIDGET, {"agree": "yes", "version": "9"})

        assert answer["Location"] == WIDGET
        assert not Delegation.objects.exists()

    @pytest.mark.claim("feature.switched-off", "feature.scheduler", "feature.widget")
    @pytest.mark.clause("AN-2")
    @pytest.mark.invariant(5)
    def test_off_refuses_a_token_at_its_next_call(self, alice, her_browser):
        her_browser.post(WIDGET, cast.SWITCH_ON)
        delegation = Delegation.objects.get()
        caller = cast.feature(cast.widget(), delegation)
        assert caller.get(f"{V1}/messages").status_code == 200

        answer = her_browser.post(WIDGET, {"switch": "off", "delegation": str(delegation.id)})

        assert answer["Location"] == USES
        assert caller.get(f"{V1}/messages").status_code == 401
        said = [line[1] for line in list_record_rows(show_uses(her_browser))]
        assert said[0] == "You switched it off"
        assert "You switched it on" in said

    @pytest.mark.parametrize("key", ["campaigns", "support", "nothing"])
    def test_is_not_for_what_has_no_switch(self, her_browser, key):
        assert her_browser.get(reverse("settings-feature", args=[key])).status_code == 404

    def test_of_the_inbox_leads_to_what_goes_with_it(self, her_browser):
        answer = her_browser.post("/settings/features/inbox/", {"switch": "off"})

        assert answer["Location"] == "/settings/features/inbox/withdraw/"

    @pytest.mark.clause("LU-2.1", "GUDP-change")
    def test_is_asked_again_when_the_words_changed(self, alice, her_browser, monkeypatch):
        her_browser.post(WIDGET, cast.SWITCH_ON)
        caller = cast.feature(cast.widget(), Delegation.objects.get())
        reword(monkeypatch, "inbox-widget")

        said = reading.text(card(show_uses(her_browser), "Inbox widget"))
        assert "Needs your agreement again" in said
        assert "since you agreed to version 1" in said

        her_browser.post(WIDGET, {"agree": "yes", "version": "2"})
        assert "to version 2" in reading.text(card(show_uses(her_browser), "Inbox widget"))
        # The token was for what it said before.
        assert caller.get(f"{V1}/messages").status_code == 401


class TestAgreeingAgain:
    @pytest.mark.clause("GUDP-change")
    def test_to_the_inbox_is_asked_for_on_both_pages_and_done_on_one(
        self, alice, her_browser, monkeypatch
    ):
        reword(monkeypatch, "inbox")
        asks = "Unified inbox needs your agreement again."
        assert asks in reading.text(her_browser.get("/settings/integrations/").text)
        assert her_browser.get("/inbox/").status_code == 403

        said = {"agree": "yes", "version": str(FEATURES["inbox"].version)}
        answer = her_browser.post("/settings/features/inbox/", said)

        assert answer["Location"] == USES
        assert her_browser.get("/inbox/").status_code == 200
        assert asks not in reading.text(her_browser.get("/settings/integrations/").text)

    def test_is_nothing_for_who_never_agreed(self, alice):
        who = houses.person("carol", alice.organisation, at=timezone.now())
        browser = cast.browser(who[0])

        said = {"agree": "yes", "version": str(FEATURES["inbox"].version)}
        answer = browser.post("/settings/features/inbox/", said)

        assert answer.status_code == 404
        assert not Consent.objects.filter(owner_id=who[0].id).exists()


class TestWithdrawingTheInbox:
    @pytest.fixture
    def browser(self, alice):
        return cast.browser(alice.user, recent=True)

    @pytest.mark.clause("WDEL")
    def test_says_exactly_what_goes(self, browser, alice):
        said = reading.text(browser.get("/settings/features/inbox/withdraw/").text)

        assert "disconnects 1 account and removes what Antares keeps of it" in said
        assert "Google mail alice@gmail.example, connected" in said
        assert "0 messages in 0 conversations" in said

    @pytest.mark.clause("AN-2", "WDEL")
    @pytest.mark.invariant(5)
    def test_disconnects_and_leads_to_the_removal(self, browser, alice):
        answer = browser.post("/settings/features/inbox/withdraw/")

        job = PurgeJob.objects.get()
        assert answer["Location"] == reverse("settings-purge", args=[job.id])
        assert not Integration.objects.live().exists()
        said = reading.text(card(show_uses(browser), "Unified inbox"))
        assert "Off since" in said
        assert "Connect an account" in said

    def test_asks_who_it_is_first(self, her_browser, alice):
        answer = her_browser.post("/settings/features/inbox/withdraw/")

        assert "/accounts/reauthenticate/" in answer["Location"]
        assert Integration.objects.live().exists()

    @pytest.mark.parametrize("key", ["inbox-widget", "campaigns", "support"])
    def test_is_for_nothing_else(self, browser, alice, key):
        address = reverse("settings-feature-withdraw", args=[key])

        assert browser.get(address).status_code == browser.post(address).status_code == 404


@pytest.mark.clause("AN-23")
@pytest.mark.invariant(3)
class TestWhoDid:
    def test_shows_her_own_reading_with_how_many_and_by_which_rule(self, her_browser):
        her_browser.get("/inbox/")

        who, what, how = list_record_rows(show_uses(her_browser))[0]

        assert who == "You Unified inbox"
        assert what.startswith("Show your inbox")
        assert how.startswith("Permitted")
        assert "You read your own mail in your inbox." in how

    @pytest.mark.clause("LU-4", "AN-11")
    def test_shows_a_refusal_at_once_before_it_has_a_place(self, alice, her_browser):
        refuse_campaigns(alice)

        html = show_uses(her_browser)

        who, what, how = list_record_rows(html)[0]
        assert (who, what.startswith("Marketing")) == ("Campaigns", True)
        assert how.startswith("Refused")
        assert "never used for marketing" in how
        assert "not yet in the tree" in html

    def test_shows_what_a_feature_read(self, alice, her_browser):
        client = cast.widget()
        cast.feature(client, cast.switch_on(alice, client)).get(f"{V1}/messages")

        who, what, _ = list_record_rows(show_uses(her_browser))[0]

        assert who == "Inbox widget"
        assert what.startswith("Show your inbox")

    def test_leaves_the_services_own_work_out_until_it_is_asked_for(self, alice, her_browser):
        permits.to_sync(integration_id=alice.integration.id, at=timezone.now())
        permits.to_store(integration_id=alice.integration.id, at=timezone.now())

        usual = {who for who, what, _ in list_record_rows(show_uses(her_browser)) if "Keep" in what}
        everything = [line[0] for line in list_record_rows(show_uses(her_browser, by="all"))]
        only = {line[0] for line in list_record_rows(show_uses(her_browser, by="service"))}

        assert usual == set()
        assert everything.count("Antares itself") == 4
        assert only == {"Antares itself"}

    def test_tells_somebody_elses_attempt_from_her_own_reading(self, alice, her_browser, bob):
        with pytest.raises(AccessRefused):
            permits.to_display(
                actor=bob.actor,
                counts={alice.integration.id: 1},
                data_classes=[DataClass.MAIL_CONTENT],
                at=timezone.now(),
            )

        found = {
            line[0]
            for line in list_record_rows(show_uses(her_browser))
            if line[2].startswith("Refused")
        }

        assert found == {"Somebody else Unified inbox"}

    @pytest.mark.parametrize(
        ("asked", "wanted"),
        [
            ({"outcome": "refused"}, {"Marketing"}),
            ({"purpose": "marketing"}, {"Marketing"}),
            ({"feature": "campaigns"}, {"Marketing"}),
            ({"feature": "inbox"}, {"Show your inbox", "You agreed"}),
            ({"outcome": "permitted"}, {"Show your inbox"}),
            ({"since": "2000-01-01", "until": "2000-01-02"}, set()),
            ({"since": "2000-01-01", "outcome": "refused"}, {"Marketing"}),
            ({"until": "9999-12-31", "outcome": "refused"}, {"Marketing"}),
        ],
    )
    def test_is_found_by_what_is_asked(self, alice, her_browser, asked, wanted):
        her_browser.get("/inbox/")
        refuse_campaigns(alice)

        found = {line[1] for line in list_record_rows(show_uses(her_browser, **asked))} - {""}

        assert {one for one in wanted if any(each.startswith(one) for each in found)} == wanted
        assert all(any(each.startswith(one) for one in wanted) for each in found)

    def test_is_found_by_account(self, alice, her_browser):
        second = houses.household(who=(alice.user, alice.organisation, alice.membership))
        her_browser.get("/inbox/")

        found = download_uses(her_browser, "json", connection=str(second.connection.id))

        of = {one["connection_id"] for one in json.loads(found)["entries"]}
        assert of == {str(second.connection.id)}

    @pytest.mark.parametrize(
        "asked",
        [
            {"since": "yesterday"},
            {"purpose": "imagined"},
            {"connection": "00000000-0000-7000-8000-000000000001"},
            {"after": "nothing"},
            {"outcome": "'"},
        ],
    )
    def test_shows_all_and_says_so_where_a_filter_makes_no_sense(self, her_browser, asked):
        her_browser.get("/inbox/")

        html = show_uses(her_browser, **asked)

        assert list_record_rows(html)[0][1].startswith("Show your inbox")
        assert ('class="errors"' in html) is ("after" not in asked)

    def test_comes_page_by_page(self, alice, her_browser, monkeypatch):
        monkeypatch.setattr(activity_log, "PAGE_SIZE", 2)
        for _ in range(3):
            her_browser.get("/inbox/")

        seen, address = [], USES
        while address:
            html = her_browser.get(address).text
            seen += list_record_rows(html)
            older = [link for link in reading.links(html) if "after=" in link]
            address = older[0] if older else None

        assert [line[1].startswith("Show your inbox") for line in seen] == [True] * 3 + [False]

    def test_stays_when_the_account_is_disconnected(self, alice, her_browser):
        her_browser.get("/inbox/")
        browser = cast.browser(alice.user, recent=True)
        browser.post("/settings/features/inbox/withdraw/")

        said = [line[1] for line in list_record_rows(show_uses(her_browser))]

        assert "Mailbox disconnected" in said
        assert any(one.startswith("Show your inbox") for one in said)


@pytest.mark.clause("AN-23")
@pytest.mark.claim("uses.nothing")
class TestAnEmptyRecord:
    NOTHING = "Nothing of yours was used, and nobody was refused it."

    def test_is_said_to_who_has_no_entry(self, alice):
        carol, *_ = houses.person("carol", alice.organisation, at=timezone.now())

        assert self.NOTHING in reading.text(show_uses(cast.browser(carol)))

    def test_is_not_said_after_a_refusal(self, alice, her_browser):
        refuse_campaigns(alice)

        assert self.NOTHING not in reading.text(show_uses(her_browser))


class TestDownloads:
    def test_hold_each_entry_with_its_id(self, alice, her_browser):
        her_browser.get("/inbox/")
        refuse_campaigns(alice)

        as_json = json.loads(download_uses(her_browser, "json"))
        as_csv = list(csv.DictReader(io.StringIO(download_uses(her_browser, "csv"))))

        assert [one["entry_id"] for one in as_csv] == [
            one["entry_id"] for one in as_json["entries"]
        ]
        assert Leaf.objects.filter(id=as_csv[0]["entry_id"]).exists()
        assert (as_csv[0]["outcome"], as_csv[0]["purpose"]) == ("refused", "marketing")
        assert as_json["is_complete"]
        assert as_json["count"] == len(as_json["entries"]) == len(as_csv)

    def test_are_filtered_as_the_page_is(self, alice, her_browser):
        her_browser.get("/inbox/")
        refuse_campaigns(alice)

        found = json.loads(download_uses(her_browser, "json", outcome="refused"))["entries"]

        assert {one["outcome"] for one in found} == {"refused"}

    def test_end_after_so_many_and_say_so(self, her_browser, monkeypatch):
        from integrations.settings.data_use import activity_downloads

        for _ in range(4):
            her_browser.get("/inbox/")
        monkeypatch.setattr(activity_downloads, "MAX_ENTRIES", 3)
        monkeypatch.setattr(activity_log, "_BATCH", 2)
        monkeypatch.setattr(activity_log.iterate_lines, "__kwdefaults__", {"limit": 3})

        as_json = json.loads(download_uses(her_browser, "json"))
        as_csv = download_uses(her_browser, "csv").splitlines()

        assert (as_json["count"], as_json["is_complete"]) == (3, False)
        assert "only the newest 3" in as_csv[-1]
        assert len(as_csv) == 1 + 3 + 1

    def test_read_on_where_a_batch_ends(self, her_browser, monkeypatch):
        monkeypatch.setattr(activity_log, "_BATCH", 2)
        for _ in range(5):
            her_browser.get("/inbox/")

        found = json.loads(download_uses(her_browser, "json"))["entries"]

        ids = [one["entry_id"] for one in found]
        assert ids == sorted(set(ids), reverse=True)
        assert len(ids) == 6

    def test_open_nothing(self, her_browser, alice):
        for form in ("json", "csv"):
            assert "alice@gmail.example" not in download_uses(her_browser, form)


class TestAProof:
    @pytest.fixture
    def entry_id(self, her_browser):
        her_browser.get("/inbox/")
        return json.loads(download_uses(her_browser, "json"))["entries"][0]["entry_id"]

    @pytest.mark.claim("uses.proof", "uses.pseudonym")
    @pytest.mark.invariant(3)
    def test_shows_an_entry_to_who_has_neither_us_nor_the_database(
        self, her_browser, entry_id, tmp_path, capsys
    ):
        ledger_sequencer.run_sequencer(timezone.now())
        answer = her_browser.get(reverse("settings-uses-proof", args=[entry_id]))
        file = tmp_path / "entry.tlog-proof"
        file.write_bytes(answer.content)
        ledger_key = next(
            one for one in receipts.get_receipt_public_keys() if "/receipts+" not in one
        )

        assert verifier.main(["--key", ledger_key, str(file)]) == 0
        said = capsys.readouterr().out
        assert entry_id in said
        assert "inbox.display" in said
        assert "PROVEN" in said

    def test_that_was_changed_is_found(self, her_browser, entry_id, tmp_path, capsys):
        ledger_sequencer.run_sequencer(timezone.now())
        answer = her_browser.get(reverse("settings-uses-proof", args=[entry_id]))
        file = tmp_path / "entry.tlog-proof"
        lines = answer.text.split("\n")
        lines[1] = "extra " + "e30K"
        file.write_text("\n".join(lines))

        assert verifier.main(["--key", receipts.get_receipt_public_keys()[0], str(file)]) == 1
        assert "NOT PROVEN" in capsys.readouterr().out

    def test_is_not_there_before_the_entry_has_its_place(self, her_browser, entry_id):
        answer = her_browser.get(reverse("settings-uses-proof", args=[entry_id]))

        assert answer.status_code == 409
        assert "Not yet in the tree" in answer.text

    def test_is_given_to_nobody_else(self, alice, bob, entry_id):
        ledger_sequencer.run_sequencer(timezone.now())

        answer = cast.browser(bob.user).get(reverse("settings-uses-proof", args=[entry_id]))

        assert answer.status_code == 404


@pytest.mark.invariant(1)
@pytest.mark.clause("AN-18", "AN-19", "LU-3")
class TestSomebodyElse:
    @pytest.mark.claim("uses.own-record")
    @pytest.mark.parametrize("role", ["member", *sorted(STAFF)])
    def test_sees_no_entry_of_hers_whatever_they_ask(self, alice, her_browser, bob, role):
        her_browser.get("/inbox/")
        hers = {
            one["entry_id"] for one in json.loads(download_uses(her_browser, "json"))["entries"]
        }
        bob.user.role = role
        bob.user.save(update_fields=["role"])
        browser = cast.browser(bob.user, mfa=role in STAFF, recent=True)
        browser.get("/inbox/")

        for asked in ({}, {"by": "all"}, {"connection": str(alice.connection.id)}):
            theirs = json.loads(download_uses(browser, "json", **asked))["entries"]
            assert not hers & {one["entry_id"] for one in theirs}
            assert {one["connection_id"] for one in theirs} <= {str(bob.connection.id), None}
            assert str(alice.connection.id) not in show_uses(browser, **asked)

    def test_is_herself_in_another_organisation(self, alice, her_browser):
        her_browser.get("/inbox/")
        second = organisations.found_organisation(
            platform_id="second", name="Second", at=timezone.now()
        )
        memberships.add_member(user_id=alice.user.id, organisation_id=second.id, at=timezone.now())
        her_browser.post(reverse("switch_organisation"), {"organisation": str(second.id)})

        assert list_record_rows(show_uses(her_browser)) == []
        assert "Off" in reading.text(card(show_uses(her_browser), "Unified inbox"))

    def test_is_who_is_not_signed_in(self, client, db):
        for name in ("settings-uses", "settings-uses-csv", "settings-uses-json"):
            assert "/accounts/login/" in client.get(reverse(name))["Location"]


class TestDataUseTexts:
    def test_know_every_member_of_the_vocabulary(self):
        assert set(activity_labels.PURPOSE) == set(Purpose)
        assert set(activity_labels.DATA_CLASS) == set(DataClass)
        assert set(activity_labels.RECIPIENT) == set(Recipient)

    def test_keep_what_is_registered_no_more(self):
        assert activity_labels.get_feature_title("gone") == "gone"
        assert activity_labels.get_rule_text("gone") == "gone"
        assert activity_labels.get_feature_title(None) == activity_labels.get_rule_text(None) == ""


class TestStanding:
    @pytest.mark.invariant(5)
    def test_ends_with_the_time_agreed_to(self, alice):
        at = datetime(2030, 1, 1, tzinfo=UTC)
        Consent.objects.update(expires_at=at)
        who = {"user_id": alice.user.id, "organisation_id": alice.organisation.id}

        before = feature_status.get_feature_status(
            FEATURES["inbox"], **who, at=at - timedelta(seconds=1)
        )
        after = feature_status.get_feature_status(FEATURES["inbox"], **who, at=at)

        assert (before.state, after.state) == (FeatureState.ON, FeatureState.OFF)
        assert after.since == at

    def test_is_nothing_to_ask_of_who_belongs_nowhere(self, alice):
        nowhere = replace(alice.actor, organisation_id=None)

        assert feature_status.list_features_needing_consent(nowhere, at=timezone.now()) == []


def test_history_keeps_what_was_agreed_to(alice, her_browser):
    cast.browser(alice.user, recent=True).post("/settings/features/inbox/withdraw/")

    kept = consents.list_consents(owner_id=alice.user.id, organisation_id=alice.organisation.id)

    assert [one.withdrawn_at is None for one in kept] == [False]
