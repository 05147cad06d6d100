"""Pages of bulk revocations, with the staff site's real rights."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from accounts.ids import uuid7
from accounts.roles import Role
from config.process_classes import ProcessClass
from integrations.models import (
    BulkRevocation,
    BulkState,
    PurgeJob,
    PurgeStep,
    SupportAct,
)
from integrations.support import bulk_receipts
from tests.api import cast
from tests.factories import make_organisation
from tests.integrations.support.bulk_world import (
    TEXT,
    TICKET,
    approve,
    make_account,
    propose,
    run_worker,
)
from tests.integrations.support.desk import actor_of, make_agent
from tests.staff_site import use_site
from tests.walls import acting_as, requests_act_as_web

__all__ = ["requests_act_as_web"]

pytestmark = pytest.mark.django_db

FORM = {"reason": "incident", "text": TEXT, "ticket": TICKET}


@pytest.fixture(autouse=True)
def _staff_site(requests_act_as_web, settings):
    """Answer each request as the staff site does, with the rights of its class."""
    use_site(settings, ProcessClass.STAFF)


@pytest.fixture
def acme():
    return make_organisation("Acme Canary")


@pytest.fixture
def sam():
    return make_agent("sam", password="correct horse")


@pytest.fixture
def otto():
    return make_agent("otto", Role.OPERATOR, password="correct horse")


@pytest.fixture
def accounts(acme):
    return [make_account(acme) for _ in range(3)]


@pytest.fixture
def proposed(acme, sam, accounts):
    bulk = propose(sam, organisation_id=acme.id)
    run_worker(bulk)
    return BulkRevocation.objects.get(id=bulk.id)


@pytest.fixture
def done(proposed, otto):
    """Return a finished one with two of three receipts."""
    approve(proposed, otto)
    run_worker(proposed)
    for job in PurgeJob.objects.order_by("id")[:2]:
        finish_purge(job)
    return BulkRevocation.objects.get(id=proposed.id)


def finish_purge(job):
    PurgeJob.objects.filter(id=job.id).update(
        step=PurgeStep.DONE, receipt_id=uuid7(), done_at=timezone.now()
    )


def desk(person):
    return cast.desk(person, recent=True)


def page_of(bulk):
    return reverse("support-bulk", args=[bulk.id])


def post(browser, bulk, action):
    return browser.post(reverse(f"support-bulk-{action}", args=[bulk.id]), follow=True)


def main_of(response):
    """Return the text of the page's main part."""
    html = response.content.decode()
    main = html[html.index("<main") : html.index("</main>")]
    return " ".join(re.sub(r"<[^>]*>", " ", main).split())


class TestProposing:
    def test_stores_what_was_entered(self, acme, sam):
        form = FORM | {
            "organisation": acme.platform_id,
            "provider": "google",
            "connected_from": "2026-01-02T03:04",
        }
        response = desk(sam).post(reverse("support-bulk-new"), form, follow=True)

        bulk = BulkRevocation.objects.get()
        assert response.redirect_chain == [(page_of(bulk), 302)]
        assert (bulk.agent_id, bulk.organisation_id, bulk.provider) == (sam.id, acme.id, "google")
        assert bulk.connected_from.isoformat() == "2026-01-02T03:04:00+00:00"
        assert bulk.connected_until == bulk.asked_at
        assert "Acme Canary" in main_of(response)
        assert "counting what the criteria match" in main_of(response)

    @pytest.mark.parametrize(
        ("form", "words"),
        [
            ({}, "Enter an organisation, a provider or a start"),
            ({"organisation": "Acme Canary"}, "No organisation has exactly this id."),
            ({"provider": "yahoo"}, "Select a valid choice."),
            ({"provider": "google", "ticket": "#123"}, "A ticket begins with a letter or digit"),
            ({"provider": "google", "text": " "}, "This field is required."),
            ({"connected_from": "2999-01-01T00:00"}, "begin in the past"),
            (
                {"connected_from": "2026-01-02T00:00", "connected_until": "2026-01-01T00:00"},
                "before its end",
            ),
            ({"connected_from": "yesterday"}, "Enter a valid date/time."),
        ],
    )
    def test_says_what_is_wrong(self, sam, acme, form, words):
        response = desk(sam).post(reverse("support-bulk-new"), FORM | form)

        assert response.status_code == 400
        assert words in main_of(response)
        assert not BulkRevocation.objects.exists()

    def test_is_for_support_agents(self, otto):
        assert desk(otto).get(reverse("support-bulk-new")).status_code == 403
        assert "Propose" not in main_of(desk(otto).get(reverse("support-bulks")))


class TestDeciding:
    def test_shows_the_numbers_and_no_decision_to_the_proposer(self, proposed, sam):
        browser = desk(sam)
        text = main_of(browser.get(page_of(proposed)))

        assert "Accounts 3 (Google: 3) People 3 Organisations 1" in text
        assert "You proposed it. Another support agent or an operator" in text
        assert "Approve" not in text
        assert "You proposed it." in main_of(post(browser, proposed, "approve"))
        assert BulkRevocation.objects.get().state == BulkState.PROPOSED

    def test_is_for_a_second_person(self, proposed, sam, otto):
        browser = desk(otto)
        text = main_of(browser.get(page_of(proposed)))

        assert "Sam proposed it." in text
        assert "Approve, and disconnect 3 accounts" in text
        assert "Running" in main_of(post(browser, proposed, "approve"))
        bulk = BulkRevocation.objects.get()
        assert (bulk.state, bulk.decided_by) == (BulkState.RUNNING, otto.id)

    @pytest.mark.parametrize("action", ["approve", "reject"])
    def test_needs_a_recent_confirmation(self, proposed, otto, action):
        browser = cast.desk(otto)

        response = browser.post(reverse(f"support-bulk-{action}", args=[proposed.id]))

        assert response.status_code == 302
        assert "/reauthenticate/" in response["Location"]
        assert BulkRevocation.objects.get().state == BulkState.PROPOSED

    def test_can_reject(self, proposed, otto):
        text = main_of(post(desk(otto), proposed, "reject"))

        assert "You rejected it." in text
        assert "Rejected" in text
        assert "Receipts" not in text
        assert BulkRevocation.objects.get().state == BulkState.REJECTED

    def test_is_not_possible_twice(self, proposed, otto):
        browser = desk(otto)
        post(browser, proposed, "reject")

        text = main_of(post(browser, proposed, "approve"))

        assert "This is no longer possible" in text

    def test_names_when_a_proposal_ends_by_itself(self, proposed, otto):
        text = main_of(desk(otto).get(page_of(proposed)))

        assert re.search(r"If nobody decides until .* UTC ?, it is rejected\.", text)

    @pytest.fixture
    def rita(self):
        return make_agent("rita", Role.REVIEWER)

    def test_is_for_support_and_operators(self, proposed, rita):
        browser = desk(rita)

        for name in ("support-bulks", "support-bulk-new"):
            assert browser.get(reverse(name)).status_code == 403
        assert browser.get(page_of(proposed)).status_code == 403
        for action in ("approve", "reject", "stop"):
            assert post(browser, proposed, action).status_code == 403
        assert BulkRevocation.objects.get().state == BulkState.PROPOSED

    def test_answers_an_unknown_id_with_404(self, otto):
        browser = desk(otto)
        for name in ("support-bulk", "support-bulk-csv", "support-bulk-json"):
            assert browser.get(reverse(name, args=[uuid7()])).status_code == 404


class TestProgress:
    def test_asks_again_while_it_runs_and_loads_the_page_when_the_state_changes(
        self, proposed, otto
    ):
        browser = desk(otto)
        post(browser, proposed, "approve")
        address = f"{page_of(proposed)}?state=running"
        waiting = browser.get(address, headers={"HX-Request": "true"})
        assert f'hx-get="{address}"' in waiting.content.decode()
        assert "<main" not in waiting.content.decode()

        run_worker(proposed)
        changed = browser.get(address, headers={"HX-Request": "true"})

        assert changed.headers["HX-Refresh"] == "true"

    def test_shows_rate_and_time_left(self, proposed, otto):
        post(desk(otto), proposed, "approve")
        at = timezone.now()
        counts = BulkRevocation.objects.get().counts | {
            "began_at": (at - timedelta(minutes=2)).isoformat(),
            "progressed_at": at.isoformat(),
            "progress": {
                "waiting": 1500, "done": 480, "unnecessary": 19, "failed": 1, "stopped": 0
            },
        }  # fmt: skip
        BulkRevocation.objects.update(counts=counts)

        text = main_of(desk(otto).get(page_of(proposed)))

        assert "500 of 2,000 accounts · 250 per minute" in text.replace("&nbsp;", " ")
        assert "about 6 min left" in text
        assert "Failed 1 still connected" in text

    def test_is_stopped_by_anybody_of_both_roles(self, proposed, sam, otto):
        post(desk(otto), proposed, "approve")

        text = main_of(post(desk(sam), proposed, "stop"))

        assert "You stopped it." in text
        bulk = BulkRevocation.objects.get()
        assert (bulk.state, bulk.stopped_by) == (BulkState.STOPPED, sam.id)
        assert "Stop" not in main_of(desk(otto).get(page_of(proposed))).replace("Stopped", "")


class TestReceipts:
    @pytest.mark.claim("bulk.counts-only")
    def test_are_listed_without_people(self, done, accounts, otto):
        text = main_of(desk(otto).get(page_of(done)))

        receipts = PurgeJob.objects.exclude(receipt_id=None)
        receipt_ids = set(receipts.values_list("receipt_id", flat=True))
        assert len(receipt_ids) == 2
        assert all(str(receipt_id) in text for receipt_id in receipt_ids)
        assert "Receipts 2 of 3" in text
        pages = [page_of(done), reverse("support-bulks")]
        files = [reverse(f"support-bulk-{form}", args=[done.id]) for form in ("csv", "json")]
        answers = b"".join(desk(otto).get(address).content for address in [*pages, *files])
        for account in accounts:
            hidden = (account.user.name, account.user.email, account.user_id, account.id)
            assert not [each for each in hidden if str(each).encode() in answers]

    def test_are_downloaded_whole(self, done, otto, monkeypatch):
        monkeypatch.setattr(bulk_receipts, "_CHUNK", 1)
        browser = desk(otto)
        table = browser.get(reverse("support-bulk-csv", args=[done.id]))
        document = browser.get(reverse("support-bulk-json", args=[done.id]))

        rows = list(csv.DictReader(io.StringIO(table.content.decode())))
        receipts = json.loads(document.content)["receipts"]
        assert [row["receipt"] for row in rows] == [receipt["receipt"] for receipt in receipts]
        assert len(rows) == 2
        assert {row["product"] for row in rows} == {"mail"}
        assert "attachment" in table.headers["Content-Disposition"]

    def test_are_listed_page_by_page(self, done, otto, monkeypatch):
        monkeypatch.setattr(bulk_receipts, "PAGE", 1)
        monkeypatch.setattr(bulk_receipts.list_receipts, "__kwdefaults__", {
            "beyond": None, "at_most": 1
        })  # fmt: skip
        browser, receipt_ids, query = desk(otto), [], ""
        for _ in range(3):
            html = browser.get(f"{page_of(done)}{query}").content.decode()
            receipt_ids += re.findall(r"<code>([0-9a-f-]{36})</code>", html)
            query = next(iter(re.findall(r'href="(\?beyond=[0-9a-f-]+)"', html)), "?beyond=x")

        assert len(set(receipt_ids[:2])) == 2
        assert browser.get(f"{page_of(done)}?beyond=x").status_code == 200


class TestTheRightsOfStaff:
    """A second person of support, without a look-up, and an operator."""

    @pytest.fixture(params=[Role.SUPPORT, Role.OPERATOR])
    def second(self, request):
        return make_agent("second", request.param)

    def test_show_no_row_of_a_person(self, done, second):
        assert PurgeJob.objects.count() == 3
        with acting_as(ProcessClass.STAFF, actor_of(second)):
            assert not SupportAct.objects.exists()
            assert not PurgeJob.objects.exists()

    def test_show_three_columns_of_receipts(self, done, second):
        with acting_as(ProcessClass.STAFF, actor_of(second)), connection.cursor() as cursor:
            cursor.execute("SELECT * FROM list_bulk_receipts(%s, %s, 10)", [done.id, uuid_zero()])
            columns = [column.name for column in cursor.description]
            assert columns == ["receipt", "product", "written_at"]
            assert len(cursor.fetchall()) == 2
            cursor.execute("SELECT * FROM count_bulk_purges(%s)", [done.id])
            assert cursor.fetchall() == [(3, 2)]

    def test_show_no_receipt_of_another_removal(self, done, second, acme, sam, otto):
        account = make_account(acme)
        other = propose(sam, organisation_id=acme.id)
        run_worker(other)
        approve(other, otto)
        run_worker(other)
        finish_purge(PurgeJob.objects.get(integration__connection=account))

        with acting_as(ProcessClass.STAFF, actor_of(second)):
            assert len(bulk_receipts.list_receipts(done.id)) == 2
            assert len(bulk_receipts.list_receipts(other.id)) == 1
            assert bulk_receipts.list_receipts(uuid7()) == []

    def test_name_the_staff_of_one_bulk_revocation_only(self, done, second, sam, otto, accounts):
        with acting_as(ProcessClass.STAFF, actor_of(second)):
            assert bulk_receipts.find_staff_names(done.id) == {sam.id: "Sam", otto.id: "Otto"}
        # A forged row names no member.
        BulkRevocation.objects.update(stopped_by=accounts[0].user_id)
        with acting_as(ProcessClass.STAFF, actor_of(second)):
            assert accounts[0].user_id not in bulk_receipts.find_staff_names(done.id)

    @pytest.mark.parametrize("who", [
        {"role": Role.MEMBER},
        {"role": Role.REVIEWER},
        {"role": Role.SUPPORT, "is_active": False, "deactivated_at": timezone.now()},
    ])  # fmt: skip
    def test_show_nothing_to_anybody_else(self, done, who):
        with acting_as(ProcessClass.STAFF, actor_of(make_agent("rita", **who))):
            assert bulk_receipts.list_receipts(done.id) == []
            assert bulk_receipts.count_purges(done.id).begun == 0
            assert bulk_receipts.find_staff_names(done.id) == {}

    def test_are_needed_for_the_functions(self, done, sam):
        with (
            acting_as(ProcessClass.WEB, actor_of(sam)),
            pytest.raises(DatabaseError),
            transaction.atomic(),
        ):
            bulk_receipts.list_receipts(done.id)


def uuid_zero():
    return "00000000-0000-0000-0000-000000000000"
