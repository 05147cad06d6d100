"""The page Activity with its entries, files and proofs, through HTTP."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime, time, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts import display_times, memberships, organisations
from accounts.actors import ActorKind
from accounts.ids import uuid7
from accounts.roles import STAFF
from integrations.access import permits, sending_permits
from integrations.settings.data_use import (
    activity_days,
    activity_downloads,
    activity_labels,
    activity_log,
    messages,
)
from limited_use.guard.guard import AccessRefused
from limited_use.ledger import ledger_sequencer
from limited_use.models import Leaf
from limited_use.policy.feature_registry import FEATURES
from limited_use.policy.policy_vocabulary import DataClass, Fact, Purpose, Recipient
from limited_use.policy.rules import RULES
from limited_use.receipts import receipts
from limited_use.verify import verifier
from tests import past_entries
from tests.api import cast
from tests.broker import record_messages
from tests.integrations import household as houses
from tests.integrations.outbox import sending
from tests.integrations.pages import reading

pytestmark = pytest.mark.django_db(transaction=True)
ACTIVITY = "/settings/activity/"
ENTRIES = "/settings/activity/entries/"
V1 = "/v1/users/me"
NOTHING = "Nobody used your data, and no request was refused."
NOON = datetime.combine(timezone.now().date(), time(12), UTC)


@pytest.fixture(autouse=True)
def no_broker(monkeypatch):
    record_messages(monkeypatch)


@pytest.fixture
def bob(alice):
    """Return a colleague with a mailbox of their own."""
    who = houses.person("bob", alice.organisation, at=timezone.now())
    return houses.household(who=who)


def show_page(browser, address=ACTIVITY, **query):
    answer = browser.get(f"{address}?{urlencode(query)}" if query else address)
    assert answer.status_code == 200
    return answer.text


def read_days(html):
    """Return the lines of each day, as the page shows them folded, by the heading of the day."""
    days = {}
    for part in html.split('<section class="activity-day"')[1:]:
        section = part.split("</section>")[0]
        folded = re.sub(
            r"</summary>.*?</details>", "</summary></details>", section, flags=re.DOTALL
        )
        heading = reading.text(re.search(r"<h2.*?</h2>", folded, re.DOTALL)[0])
        lines = re.findall(r"<p>.*?</p>|<summary>.*?</summary>", folded, re.DOTALL)
        texts = [reading.text(line) for line in lines]
        days[heading] = [text for text in texts if not text.startswith("Proof")]
    return days


def list_lines(html):
    return [line for lines in read_days(html).values() for line in lines]


def read_summary(html):
    if 'aria-labelledby="summary"' not in html:
        return ""
    return reading.text(html.split('aria-labelledby="summary">')[1].split("</section>")[0])


def list_entries(browser, **query):
    """Return the entries of a page: who, what and how it ended, newest first."""
    html = show_page(browser, ENTRIES, **query)
    if '<ul class="entries' not in html:
        return []
    lines = []
    for item in html.split('<ul class="entries')[1].split("</ul>")[0].split("<li>")[1:]:
        who = reading.text(re.search(r"<span>(.*?)</span>", item, re.DOTALL)[1])
        what = reading.text(re.search(r"<strong>(.*?)</strong>", item, re.DOTALL)[1])
        outcome = reading.text(re.search(r"<dd>(.*?)</dd>", item, re.DOTALL)[1])
        lines.append((who, what, outcome, reading.text(item)))
    return lines


def download(browser, form, **query):
    answer = browser.get(reverse(f"settings-activity-{form}"), query)
    assert answer.status_code == 200
    assert "attachment" in answer["Content-Disposition"]
    return answer.getvalue().decode()


def list_downloaded(browser, **query):
    return json.loads(download(browser, "json", **query))["entries"]


def refuse_campaigns(house):
    client = cast.campaigns()
    caller = cast.feature(client, cast.switch_on(house, client), "marketing")
    assert caller.get(f"{V1}/messages").status_code == 403


def read_with_widget(house):
    client = cast.widget()
    assert (
        cast.feature(client, cast.switch_on(house, client)).get(f"{V1}/messages").status_code == 200
    )


def write_past_reading(house, at, **fields):
    past_entries.write_use(house.integration.id, house.user.id, at, **fields)


@pytest.mark.clause("AN-23")
@pytest.mark.invariant(3)
class TestDays:
    def test_fold_all_reading_of_the_owner_to_one_line(self, alice, her_browser):
        for _ in range(4):
            her_browser.get("/inbox/")

        days = read_days(show_page(her_browser))

        (lines,) = days.values()
        assert next(iter(days)).startswith("Today, ")
        own = [line for line in lines if line.startswith("You read your mail")]
        assert len(own) == 1

    def test_unfold_to_how_often_and_when(self, alice, her_browser):
        for hour in range(3):
            write_past_reading(alice, NOON - timedelta(days=1, hours=hour), count=7)

        html = show_page(her_browser)

        assert "Read your mail 3 times, 21 messages · 10:00 UTC to 12:00 UTC" in reading.text(html)
        assert "Show 6 entries" in reading.text(html)

    def test_lead_to_the_entries_of_a_line(self, alice, her_browser):
        write_past_reading(alice, NOON - timedelta(days=1))
        write_past_reading(alice, NOON - timedelta(days=2))
        her_browser.get("/inbox/")
        html = show_page(her_browser)
        lists = [link for link in reading.links(html) if "entries/" in link and "by=owner" in link]
        assert len(lists) == 3

        counts = [her_browser.get(link.replace("&amp;", "&")).text.count("<li>") for link in lists]

        yesterday = reading.text(her_browser.get(lists[1].replace("&amp;", "&")).text)
        assert display_times.format_moment(NOON - timedelta(days=1)) in yesterday
        assert display_times.format_moment(NOON - timedelta(days=2)) not in yesterday
        assert all(counts)

    @pytest.mark.clause("LU-4", "AN-11")
    def test_show_a_refusal_in_words_at_once(self, alice, her_browser):
        refuse_campaigns(alice)

        html = show_page(her_browser)

        line = list_lines(html)[0]
        assert line.startswith("Refused Campaigns asked for the senders, recipients and subjects")
        assert "Purpose: Marketing." in line
        assert "Reason: Data from your connected accounts is never used for marketing." in line

    @pytest.mark.parametrize(
        ("missing", "reason"),
        [
            ({Fact.DELEGATION_LIVE}, "You had not switched the feature on."),
            ({Fact.CONSENT_CURRENT}, "You had not agreed to the current description"),
            ({Fact.GRANT_LIVE}, "The provider had ended the access."),
        ],
    )
    def test_name_the_missing_facts_of_a_refusal(self, alice, her_browser, missing, reason):
        past_entries.write_use(
            alice.integration.id,
            uuid7(),
            NOON - timedelta(days=1),
            outcome="refused",
            kind="client",
            recipient=Recipient.PLATFORM_FEATURE,
            feature="inbox-widget",
            rule="feature-shows-own-inbox",
            missing=missing,
        )

        (line,) = [line for line in list_lines(show_page(her_browser)) if "Refused" in line]

        assert line.startswith("Refused Inbox widget asked for")
        assert f"Reason: {reason}" in line

    def test_show_reading_by_a_feature(self, alice, her_browser):
        read_with_widget(alice)

        assert "Inbox widget read your mail" in list_lines(show_page(her_browser))

    def test_fold_the_work_of_antares_to_one_line(self, alice, her_browser):
        for _ in range(3):
            permits.to_sync(integration_id=alice.integration.id, at=timezone.now())
            permits.to_store(integration_id=alice.integration.id, at=timezone.now())

        lines = [line for line in list_lines(show_page(her_browser)) if line.startswith("Antares ")]

        assert lines == ["Antares synced your mail and checked the connection"]

    def test_tell_the_order_of_a_message_from_its_sending(self):
        alice = sending.allow_sending(houses.household(features=("inbox", "mail-sending")))
        command = sending.order(alice)
        sending_permits.to_send_command(command=command, at=timezone.now())
        sending_permits.to_store_outbox(
            actor=alice.actor, integration_id=alice.integration.id, at=timezone.now()
        )
        write_past_reading(
            alice,
            timezone.now(),
            kind=ActorKind.CLIENT,
            purpose=Purpose.DRAFT_PROPOSE,
            recipient=Recipient.VAULT,
            feature="reply-assistant",
            rule="compare-recipients",
        )

        lines = list_lines(show_page(cast.browser(alice.user)))

        assert "Antares sent mail from your mailbox" in lines
        assert "Reply suggestions compared the recipients of a draft with your mail" in lines
        assert (
            "You stored a text, a file or a signature for your mail and asked Antares to send a"
            " message"
        ) in lines

    def test_tell_the_attempt_of_another_person_from_reading_by_the_owner(
        self, alice, her_browser, bob
    ):
        with pytest.raises(AccessRefused):
            permits.to_display(
                actor=bob.actor,
                counts={alice.integration.id: 1},
                data_classes=[DataClass.MAIL_CONTENT],
                at=timezone.now(),
            )

        line = list_lines(show_page(her_browser))[0]

        assert line.startswith("Refused Another person asked for the text of your mail.")
        assert "bob" not in show_page(her_browser).lower()

    def test_are_days_of_the_zone_of_the_reader(self, alice, her_browser):
        zone = ZoneInfo("Pacific/Auckland")
        alice.user.time_zone = zone.key
        alice.user.save(update_fields=["time_zone"])
        at = datetime.combine(timezone.now().astimezone(zone).date(), time(1), zone)
        for days in (1, 2):
            write_past_reading(alice, at - timedelta(days=days))

        html = show_page(her_browser)

        headings = list(read_days(html))
        with display_times.show_times_for(alice.user):
            wanted = [display_times.format_day(at - timedelta(days=days)) for days in (1, 2)]
            assert headings[-2:] == wanted
            assert "1 time, 10 messages · 01:00" in reading.text(html)
            since = (at - timedelta(days=1)).date().isoformat()
        lines = list_entries(her_browser, since=since, until=since)
        assert len(lines) == 2

    def test_show_no_words_of_the_policy(self, alice, her_browser):
        refuse_campaigns(alice)
        her_browser.get("/inbox/")
        for address in (ACTIVITY, ENTRIES):
            said = reading.text(show_page(her_browser, address))
            assert not [word for word in (*DataClass, *Purpose) if "." in word and word in said]
            assert not [rule.id for rule in RULES if rule.id in said]
            assert not [clause for rule in RULES for clause in rule.clauses if clause in said]

    def test_stay_when_the_account_is_disconnected(self, alice, her_browser):
        her_browser.get("/inbox/")
        browser = cast.browser(alice.user, recent=True)
        browser.post("/settings/features/inbox/withdraw/")

        lines = list_lines(show_page(her_browser))

        assert any("Mailbox, calendar or Drive disconnected" in line for line in lines)
        assert any(line.startswith("You read your mail") for line in lines)


class TestPagesOfDays:
    def test_hold_a_week_and_lead_to_older_days(self, alice, her_browser):
        for days in range(1, 11):
            write_past_reading(alice, NOON - timedelta(days=days))
        # Long before, after a gap.
        write_past_reading(alice, NOON - timedelta(days=90))

        seen, address = [], ACTIVITY
        while address:
            html = her_browser.get(address).text
            seen.append(list(read_days(html)))
            older = [link for link in reading.links(html) if "before=" in link]
            address = older[0] if older else None

        assert [len(days) for days in seen] == [7, 4, 1]
        wanted = [NOON - timedelta(days=days) for days in (*range(1, 11), 90)]
        headings = [heading for days in seen for heading in days]
        assert headings[1:] == [display_times.format_day(at) for at in wanted]

    def test_show_days_of_long_ago_without_a_summary(self, alice, her_browser):
        carol = houses.household(who=houses.person("carol", alice.organisation, at=timezone.now()))
        browser = cast.browser(carol.user)
        write_past_reading(carol, NOON - timedelta(days=200))

        html = show_page(browser, by="owner")

        assert list(read_days(html)) == [display_times.format_day(NOON - timedelta(days=200))]
        assert read_summary(html) == ""

    @pytest.mark.parametrize("before", ["yesterday", "0001-01-01", "9999-12-31", "2026-13-01"])
    def test_start_anywhere(self, her_browser, before):
        her_browser.get("/inbox/")

        show_page(her_browser, before=before)

    def test_count_a_shorter_period_for_a_person_with_many_entries(
        self, alice, her_browser, monkeypatch
    ):
        for days in range(12):
            write_past_reading(alice, NOON - timedelta(days=days, hours=3))
        shown = "Last 30 days You read your mail on 12 days."
        assert read_summary(show_page(her_browser)).startswith(shown)

        monkeypatch.setattr(activity_days, "MAX_COUNTED", 20)
        html = show_page(her_browser)

        assert read_summary(html).startswith("Last 7 days You read your mail on 7 days.")
        assert len(read_days(html)) == 7
        monkeypatch.setattr(activity_days, "MAX_COUNTED", 1)
        html = show_page(her_browser)
        assert read_summary(html).startswith("Today")
        assert len(read_days(html)) == 1
        assert [link for link in reading.links(html) if "before=" in link]


class TestSummary:
    @pytest.mark.claim("activity.mail-days", "activity.calendar-days")
    def test_counts_days_on_which_the_owner_read(self, alice, her_browser):
        assert "You " not in read_summary(show_page(her_browser))
        for days in (1, 1, 3, 40):
            write_past_reading(alice, NOON - timedelta(days=days))
        write_past_reading(
            alice,
            NOON - timedelta(days=2),
            purpose=Purpose.CALENDAR_SCHEDULE,
            classes=[DataClass.CALENDAR_EVENT],
            feature="calendar",
        )
        # Writing to the provider is no reading.
        write_past_reading(
            alice,
            NOON - timedelta(days=5),
            purpose=Purpose.CALENDAR_SCHEDULE,
            recipient=Recipient.OWN_PROVIDER,
            classes=[DataClass.CALENDAR_EVENT],
            feature="calendar-editing",
        )

        said = read_summary(show_page(her_browser))

        assert "You read your mail on 2 days." in said
        assert "You read your calendars on 1 day." in said

    @pytest.mark.claim("activity.sync-days")
    def test_counts_days_with_a_sync(self, alice, her_browser):
        assert "synced" not in read_summary(show_page(her_browser))
        for days in (1, 1, 2, 29, 31):
            past_entries.write_sync(alice.integration.id, NOON - timedelta(days=days))

        assert "Antares synced your accounts on 3 days." in read_summary(show_page(her_browser))

    @pytest.mark.claim("activity.readers")
    def test_counts_what_features_read(self, alice, her_browser):
        client = uuid7()
        for days in (1, 2, 60):
            at = NOON - timedelta(days=days)
            past_entries.write_widget_use(alice.integration.id, client, at, count=20)

        said = read_summary(show_page(her_browser))

        assert "Inbox widget read your mail: 2 times, 40 messages." in said

    @pytest.mark.claim("activity.refused", "activity.none-refused")
    def test_counts_refused_requests(self, alice, her_browser):
        her_browser.get("/inbox/")
        assert "No request was refused." in read_summary(show_page(her_browser))
        refuse_campaigns(alice)

        html = show_page(her_browser)

        assert "1 request was refused." in read_summary(html)
        assert "No request" not in read_summary(html)
        assert f"{ACTIVITY}?outcome=refused" in reading.links(html)
        refused = list_lines(show_page(her_browser, outcome="refused"))
        assert len(refused) == 1
        assert refused[0].startswith("Refused Campaigns")

    def test_is_not_of_a_filtered_page(self, alice, her_browser):
        her_browser.get("/inbox/")

        assert read_summary(show_page(her_browser, by="owner")) == ""


@pytest.mark.clause("AN-23")
@pytest.mark.invariant(3)
class TestEntries:
    def test_show_own_reading_with_its_rule_in_words(self, her_browser):
        her_browser.get("/inbox/")

        who, what, outcome, text = list_entries(her_browser)[0]

        assert (who, what, outcome) == ("You", "Show your inbox", "Allowed")
        assert "Unified inbox" in text
        assert "You read your own mail in your inbox." in text
        assert "Proof not ready yet" in text

    def test_show_who_was_refused_and_why(self, alice, her_browser):
        refuse_campaigns(alice)

        who, what, outcome, text = list_entries(her_browser)[0]

        assert (who, what, outcome) == ("Campaigns", "Marketing", "Refused")
        assert "never used for marketing" in text

    def test_show_the_work_of_antares_by_itself(self, alice, her_browser):
        permits.to_sync(integration_id=alice.integration.id, at=timezone.now())

        found = list_entries(her_browser, by="service")

        assert {who for who, *_ in found} == {"Antares"}
        assert len(found) == 2

    @pytest.mark.parametrize(
        ("query", "wanted"),
        [
            ({"outcome": "refused"}, {"Marketing"}),
            ({"purpose": "marketing"}, {"Marketing"}),
            ({"feature": "campaigns"}, {"Marketing"}),
            ({"feature": "inbox"}, {"Show your inbox", "You agreed"}),
            ({"outcome": "permitted"}, {"Show your inbox"}),
            ({"by": "owner"}, {"Show your inbox"}),
            ({"by": "feature"}, {"Marketing"}),
            ({"by": "none"}, {"You agreed"}),
            ({"by": "other_person"}, set()),
            ({"since": "2000-01-01", "until": "2000-01-02"}, set()),
            ({"since": "2000-01-01", "outcome": "refused"}, {"Marketing"}),
            ({"until": "9999-12-31", "outcome": "refused"}, {"Marketing"}),
        ],
    )
    def test_are_filtered_as_the_days_are(self, alice, her_browser, query, wanted):
        her_browser.get("/inbox/")
        refuse_campaigns(alice)

        found = {what for _, what, *_ in list_entries(her_browser, **query)}

        assert found == wanted
        assert bool(read_days(show_page(her_browser, **query))) is bool(wanted)

    def test_are_filtered_by_account(self, alice, her_browser):
        second = houses.household(who=(alice.user, alice.organisation, alice.membership))
        her_browser.get("/inbox/")

        found = list_downloaded(her_browser, connection=str(second.connection.id))

        ids = {entry["ledger"]["connection_id"] for entry in found}
        assert ids == {str(second.connection.id)}

    @pytest.mark.parametrize("address", [ACTIVITY, ENTRIES])
    @pytest.mark.parametrize(
        "query",
        [
            {"since": "yesterday"},
            {"purpose": "imagined"},
            {"connection": "00000000-0000-7000-8000-000000000001"},
            {"after": "nothing"},
            {"before": "nothing"},
            {"outcome": "'"},
            {"by": "nobody"},
        ],
    )
    def test_are_all_shown_with_an_error_for_an_invalid_filter(self, her_browser, address, query):
        her_browser.get("/inbox/")

        html = show_page(her_browser, address, **query)

        assert "Show your inbox" in html or "You read your mail" in html
        assert ('class="errors"' in html) is not bool({"after", "before"} & query.keys())

    def test_come_page_by_page(self, alice, her_browser, monkeypatch):
        monkeypatch.setattr(activity_log, "PAGE_SIZE", 2)
        for _ in range(3):
            her_browser.get("/inbox/")

        seen, address = [], f"{ENTRIES}?by=owner"
        while address:
            html = her_browser.get(address).text
            seen.append(html.count("<strong>Show your inbox</strong>"))
            older = [link for link in reading.links(html) if "after=" in link]
            address = older[0] if older else None

        assert seen == [2, 1]


@pytest.mark.clause("AN-23")
@pytest.mark.claim("uses.nothing")
class TestWithoutEntries:
    def test_says_so_to_a_person_without_entries(self, alice):
        carol, *_ = houses.person("carol", alice.organisation, at=timezone.now())

        assert NOTHING in reading.text(show_page(cast.browser(carol)))

    def test_does_not_say_so_after_a_refusal(self, alice, her_browser):
        refuse_campaigns(alice)

        assert NOTHING not in reading.text(show_page(her_browser))


class TestDownloads:
    def test_hold_each_entry_in_words_with_its_id(self, alice, her_browser):
        her_browser.get("/inbox/")
        refuse_campaigns(alice)

        as_json = json.loads(download(her_browser, "json"))
        as_csv = list(csv.DictReader(io.StringIO(download(her_browser, "csv"))))

        assert [row["entry_id"] for row in as_csv] == [
            entry["entry_id"] for entry in as_json["entries"]
        ]
        leaf = Leaf.objects.get(id=as_csv[0]["entry_id"])
        assert (as_csv[0]["outcome"], as_csv[0]["what"]) == ("Refused", "Marketing")
        assert "never used for marketing" in as_csv[0]["reason"]
        assert "mail.metadata" not in download(her_browser, "csv")
        stored = json.loads(bytes(leaf.payload))
        ledger = as_json["entries"][0]["ledger"]
        assert {key: stored[key] for key in ("event", "purpose", "class", "rule")} == {
            key: ledger[key] for key in ("event", "purpose", "class", "rule")
        }
        assert as_json["is_complete"]
        assert as_json["count"] == len(as_json["entries"]) == len(as_csv)

    def test_have_times_in_utc_that_say_so(self, alice, her_browser):
        alice.user.time_zone = "Asia/Tokyo"
        alice.user.save(update_fields=["time_zone"])
        at = NOON - timedelta(days=1)
        write_past_reading(alice, at)

        (row, _) = csv.DictReader(io.StringIO(download(her_browser, "csv", by="owner")))

        assert row["at_utc"] == at.isoformat(timespec="milliseconds")
        assert row["at_utc"].endswith("+00:00")

    def test_are_filtered_as_the_page_is(self, alice, her_browser):
        her_browser.get("/inbox/")
        refuse_campaigns(alice)
        html = show_page(her_browser, outcome="refused")

        links = [link for link in reading.links(html) if "/activity.json" in link]
        found = json.loads(her_browser.get(links[0]).getvalue())["entries"]

        assert {entry["outcome"] for entry in found} == {"Refused"}

    def test_end_after_so_many_and_say_so(self, her_browser, monkeypatch):
        for _ in range(4):
            her_browser.get("/inbox/")
        monkeypatch.setattr(activity_downloads, "MAX_ENTRIES", 3)
        monkeypatch.setattr(activity_log, "_BATCH", 2)
        monkeypatch.setattr(activity_log.iterate_lines, "__kwdefaults__", {"limit": 3})

        as_json = json.loads(download(her_browser, "json"))
        as_csv = download(her_browser, "csv").splitlines()

        assert (as_json["count"], as_json["is_complete"]) == (3, False)
        assert "Only the newest 3 entries" in as_csv[-1]
        assert len(as_csv) == 1 + 3 + 1

    def test_read_on_where_a_batch_ends(self, her_browser, monkeypatch):
        monkeypatch.setattr(activity_log, "_BATCH", 2)
        for _ in range(5):
            her_browser.get("/inbox/")

        ids = [entry["entry_id"] for entry in list_downloaded(her_browser)]

        assert ids == sorted(set(ids), reverse=True)
        assert len(ids) == 6

    def test_open_nothing(self, her_browser, alice):
        for form in ("json", "csv"):
            assert "alice@gmail.example" not in download(her_browser, form)


class TestRowThatIsNoEntry:
    @pytest.mark.invariant(3)
    @pytest.mark.parametrize("payload", [b"\xff", b"[]", b'{"at":"now","event":"use.permitted"}'])
    @pytest.mark.parametrize("is_seen", [False, True])
    def test_is_shown_as_such(self, her_browser, payload, is_seen):
        her_browser.get("/inbox/")
        subject = Leaf.objects.exclude(subject=None).latest("id").subject
        Leaf.objects.create(payload=payload, subject=subject)
        if is_seen:
            ledger_sequencer.run_sequencer(timezone.now())
        label = "A row that is not a valid ledger entry"
        today = {"since": timezone.now().date() - timedelta(days=1)}

        assert label in show_page(her_browser)
        assert label in show_page(her_browser, ENTRIES)
        assert label in show_page(her_browser, ENTRIES, **today)
        assert "inbox" in show_page(her_browser, ENTRIES, by="owner").lower()
        assert label in {row["what"] for row in list_downloaded(her_browser)}


class TestProof:
    @pytest.fixture
    def entry_id(self, her_browser):
        her_browser.get("/inbox/")
        return list_downloaded(her_browser)[0]["entry_id"]

    @pytest.mark.claim("uses.proof", "uses.pseudonym")
    @pytest.mark.invariant(3)
    def test_shows_an_entry_without_antares_and_without_the_database(
        self, her_browser, entry_id, tmp_path, capsys
    ):
        ledger_sequencer.run_sequencer(timezone.now())
        assert reverse("settings-activity-proof", args=[entry_id]) in reading.links(
            show_page(her_browser, ENTRIES)
        )
        answer = her_browser.get(reverse("settings-activity-proof", args=[entry_id]))
        file = tmp_path / "entry.tlog-proof"
        file.write_bytes(answer.content)
        ledger_key = next(
            key for key in receipts.get_receipt_public_keys() if "/receipts+" not in key
        )

        assert verifier.main(["--key", ledger_key, str(file)]) == 0
        said = capsys.readouterr().out
        assert entry_id in said
        assert "inbox.display" in said
        assert "PROVEN" in said

    def test_that_was_changed_is_found(self, her_browser, entry_id, tmp_path, capsys):
        ledger_sequencer.run_sequencer(timezone.now())
        answer = her_browser.get(reverse("settings-activity-proof", args=[entry_id]))
        file = tmp_path / "entry.tlog-proof"
        lines = answer.text.split("\n")
        lines[1] = "extra " + "e30K"
        file.write_text("\n".join(lines))

        assert verifier.main(["--key", receipts.get_receipt_public_keys()[0], str(file)]) == 1
        assert "NOT PROVEN" in capsys.readouterr().out

    def test_of_a_refusal_is_offered_beside_it(self, alice, her_browser):
        refuse_campaigns(alice)
        ledger_sequencer.run_sequencer(timezone.now())
        html = show_page(her_browser)

        refused = html.split('class="refusal"')[1].split("</details>")[0]
        (link, _) = reading.links(refused)

        assert her_browser.get(link)["Content-Disposition"].endswith('.tlog-proof"')
        assert "<details>" in refused

    def test_is_not_ready_before_the_entry_has_its_place(self, her_browser, entry_id):
        answer = her_browser.get(reverse("settings-activity-proof", args=[entry_id]))

        assert answer.status_code == 409
        assert "Proof not ready yet" in answer.text

    def test_is_given_to_nobody_else(self, alice, bob, entry_id):
        ledger_sequencer.run_sequencer(timezone.now())

        answer = cast.browser(bob.user).get(reverse("settings-activity-proof", args=[entry_id]))

        assert answer.status_code == 404


@pytest.mark.invariant(1)
@pytest.mark.clause("AN-18", "AN-19", "LU-3")
class TestAnotherPerson:
    @pytest.mark.claim("uses.own-record")
    @pytest.mark.parametrize("role", ["member", *sorted(STAFF)])
    def test_sees_no_entry_of_hers_with_any_filter(self, alice, her_browser, bob, role):
        her_browser.get("/inbox/")
        own_ids = {entry["entry_id"] for entry in list_downloaded(her_browser)}
        bob.user.role = role
        bob.user.save(update_fields=["role"])
        browser = cast.browser(bob.user, mfa=role in STAFF, recent=True)
        browser.get("/inbox/")

        for query in ({}, {"by": "service"}, {"connection": str(alice.connection.id)}):
            found = list_downloaded(browser, **query)
            assert not own_ids & {entry["entry_id"] for entry in found}
            assert {entry["ledger"]["connection_id"] for entry in found} <= {
                str(bob.connection.id),
                None,
            }
            for address in (ACTIVITY, ENTRIES):
                html = show_page(browser, address, **query)
                assert str(alice.connection.id) not in html
                assert not [entry_id for entry_id in own_ids if entry_id in html]

    def test_is_herself_in_another_organisation(self, alice, her_browser):
        her_browser.get("/inbox/")
        second = organisations.found_organisation(
            platform_id="second", name="Second", at=timezone.now()
        )
        memberships.add_member(user_id=alice.user.id, organisation_id=second.id, at=timezone.now())
        her_browser.post(reverse("switch_organisation"), {"organisation": str(second.id)})

        assert list_entries(her_browser) == []
        assert NOTHING in reading.text(show_page(her_browser))

    def test_is_sent_to_sign_in_without_a_session(self, client, db):
        for name in ("", "-entries", "-csv", "-json"):
            address = reverse(f"settings-activity{name}")
            assert "/accounts/login/" in client.get(address)["Location"]


class TestLabels:
    def test_know_every_member_of_the_vocabulary(self):
        assert set(messages.PURPOSE) == set(Purpose)
        assert set(messages.DATA_CLASS) == set(messages.DATA_IN_SENTENCE) == set(DataClass)
        assert set(messages.RECIPIENT) == set(Recipient)
        assert set(messages.MISSING) == set(Fact)

    def test_say_nothing_in_tokens_of_what_is_no_longer_registered(self):
        assert activity_labels.get_feature_title("gone") == "gone"
        assert activity_labels.get_rule_text("gone") == ""
        assert activity_labels.get_feature_title(None) == activity_labels.get_rule_text(None) == ""

    def test_join_words_as_a_sentence_does(self):
        joined = [activity_labels.join_words(words) for words in ([], ["a"], ["a", "b"], "abca")]

        assert joined == ["", "a", "a and b", "a, b and c"]

    def test_name_features_by_their_titles(self):
        for key, feature in FEATURES.items():
            assert activity_labels.get_feature_title(key) == feature.title
