"""The start page leads to seven pages, each of which shows what its link says."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from importlib import import_module
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import transaction
from django.test import Client
from django.urls import resolve
from django.utils import timezone

from accounts.roles import STAFF
from integrations import purge
from integrations.models import Integration, PurgeTrigger
from integrations.purge import overdue_sweep
from integrations.review import (
    assessment_page,
    deletion_page,
    evidence,
    human_access_page,
    pictures,
    service_addresses,
)
from integrations.review.evidence import test_results as run_results
from integrations.review.messages import controls, flow, guide, labels
from limited_use.evidence import stored_bundles
from limited_use.policy.clauses import CLAUSES
from limited_use.policy.feature_registry import FEATURES
from limited_use.policy.policy_evaluation import TABLE
from limited_use.policy.policy_vocabulary import Fact, Purpose, Recipient
from limited_use.policy.stored_data import describe_stored_data
from limited_use.vault import data_keys, sealing
from tests import bound_tests
from tests.review.conftest import as_worker, make_run
from tests.review.test_pages import links, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def bundle(used):
    """Return evidence as a worker makes it."""
    with as_worker():
        return stored_bundles.make_stored_bundle(evidence.list_sections(), at=timezone.now())


@pytest.fixture
def integration(alice):
    return Integration.objects.get(connection__user=alice.user)


def disconnect(integration, at=None):
    """Return the job, as a disconnect of the owner opens it."""
    with transaction.atomic():
        return purge.open_purge_job(
            integration=integration, trigger=PurgeTrigger.OWNER, at=at or timezone.now()
        )


class TestTheStart:
    def test_has_seven_links_in_the_order_of_a_reviewer(self, rita):
        page = rita.get("/review/")

        rows = [
            path
            for path in links(page, "/review/")
            if path.count("/") == 3 and path.strip("/").split("/")[1] not in TABS
        ]
        assert rows == [
            "/review/domains/", "/review/privacy/", "/review/scopes/", "/review/consent-flow/",
            "/review/deletion/", "/review/human-access/", "/review/assessment/",
        ]  # fmt: skip

    def test_is_where_a_reviewer_lands(self, rita):
        assert rita.get("/", follow=True).request["PATH_INFO"] in {"/review/", "/"}

    @pytest.mark.parametrize("step", guide.STEPS, ids=lambda step: step.route)
    def test_leads_to_pages_that_name_their_clauses_and_the_next_step(self, rita, step):
        path = f"/review/{step.route.removeprefix('review-')}/"
        page = rita.get(path)

        assert str(step.title) in text(page)
        for clause_id in step.clauses:
            assert CLAUSES[clause_id].says in text(page)
            assert f"/review/clauses/{clause_id}/" in links(page, "/review/clauses/")
        later = guide.STEPS[guide.STEPS.index(step) + 1 :]
        assert (f"Next: {later[0].title}" in text(page)) if later else True

    def test_reports_clauses_that_are_not_met(self, rita, bundle):
        assert bundle.not_met
        for clause_id in bundle.not_met:
            assert f"{clause_id} is not met" in text(rita.get("/review/"))


TABS = {"clauses", "policy", "refusals", "evidence"}


class TestDomains:
    def test_are_those_of_the_settings(self, rita, settings):
        settings.PUBLIC_URL = "https://antares.example"
        settings.STAFF_URL = "https://staff.antares.example"
        settings.PRIVACY_NOTICE_URL = "https://www.antares.test/privacy"

        page = text(rita.get("/review/domains/"))

        assert "https://antares.example/connect/google/callback" in page
        assert "https://staff.antares.example/" in page
        for domain in ("antares.example", "staff.antares.example", "www.antares.test"):
            assert domain in page

    def test_of_public_pages_are_routes_of_the_ordinary_site(self):
        urlconf = import_module("config.web_urls").__name__
        for path in service_addresses.PUBLIC_PATHS.values():
            assert resolve(path, urlconf=urlconf)


@pytest.mark.clause("WDISC")
class TestPrivacy:
    def test_has_the_limited_use_statement_that_people_read(self, rita):
        statement = str(guide.LIMITED_USE_STATEMENT)

        assert statement in text(rita.get("/review/privacy/"))
        assert statement in text(Client().get("/data-use/")).replace(" ,", ",")

    def test_lists_every_sentence_of_the_notice(self, rita):
        clauses = {path.split("/")[3] for path in links(rita.get("/review/privacy/"), "/review/cl")}

        assert {key for key in CLAUSES if key.startswith("AN-")} <= clauses

    def test_says_so_if_the_notice_has_no_address(self, rita, settings):
        settings.PRIVACY_NOTICE_URL = ""

        assert "no address is set" in text(rita.get("/review/privacy/"))


class TestConsentFlow:
    def test_has_a_picture_of_each_step(self, rita):
        page = rita.get("/review/consent-flow/")

        images = re.findall(r'<img [^>]*src="([^"]+)" alt="([^"]+)"', page.text)
        assert [(path, unescape(alt)) for path, alt in images] == [
            (f"/static/antares/shots/{step.picture}.webp", str(step.alt)) for step in flow.STEPS
        ]
        for step in flow.STEPS:
            picture = pictures.find_picture(step.picture)
            assert picture.width > 300
            assert f'width="{picture.width}" height="{picture.height}"' in page.text

    def test_has_the_pictures_that_the_browser_makes(self):
        source = (Path(django_settings.BASE_DIR) / "tests/browser/shots.py").read_text()

        names = {f"flow-{name}" for name in re.findall(r'take\("([a-z]+)"\)', source)}
        assert names == {step.picture for step in flow.STEPS}


class TestDeletion:
    @pytest.mark.claim("review.deadline-unreadable")
    def test_makes_content_unreadable_within_the_disconnect(self, rita, integration):
        epoch = integration.epoch
        assert sealing.get_sealer(holder=integration.id, epoch=epoch)
        disconnect(integration)

        with pytest.raises(data_keys.KeyDestroyed):
            sealing.get_sealer(holder=integration.id, epoch=epoch)
        assert not data_keys.has_data_key(integration.id)
        assert "Encrypted content can no longer be opened within 1 second" in text(
            rita.get("/review/deletion/")
        )

    @pytest.mark.claim("review.deadline-rows", "review.deadline-epoch")
    def test_shows_the_deadlines_whose_end_is_an_alarm(self, rita, integration, settings):
        settings.KEY_EPOCH_HOURS = 18
        at = disconnect(integration).fenced_at

        def late(after):
            return {str(late.promise) for late in purge.list_late_promises(at=at + after)}

        page = text(rita.get("/review/deletion/"))
        assert "Rows are removed within 1 hour" in page
        assert "The key-encrypting key is destroyed within 18 hours" in page
        assert late(timedelta(minutes=59)) == set()
        assert "rows_gone" in late(timedelta(minutes=61))
        assert overdue_sweep.get_key_epoch_limit() == timedelta(hours=18)

    @pytest.mark.claim("review.no-late-removal")
    def test_shows_late_removals_of_the_newest_evidence(self, rita, integration, bundle):
        assert "No removal was late" in text(rita.get("/review/deletion/"))
        disconnect(integration)
        with as_worker():
            stored_bundles.make_stored_bundle(
                evidence.list_sections(), at=timezone.now() + timedelta(hours=2)
            )

        page = text(rita.get("/review/deletion/"))
        assert "No removal was late" not in page
        assert "1 promises were late" in page

    @pytest.mark.parametrize("path", ["/review/deletion/", "/review/policy/"])
    def test_shows_what_each_feature_stores(self, rita, path):
        page = unescape(rita.get(path).text)

        # Campaigns use nothing, and are not in every table.
        for feature in [feature for feature in FEATURES.values() if feature.purposes]:
            row = page.partition(f"<code>{feature.key}</code>")[2].partition("</tr>")[0]
            assert f'data-label="Stored">{describe_stored_data(feature)}</td>' in row

    def test_says_so_without_evidence(self, rita):
        page = rita.get("/review/deletion/")

        assert "none was made yet" in text(page)
        assert "No removal was late" not in text(page)

    def test_counts_the_events_of_the_ledger(self, rita, used):
        page = deletion_page.build_deletion_page()

        assert {counted.event for counted in page.events} == set(deletion_page.EVENTS)
        assert all(counted.event in guide.EVENT_TITLES for counted in page.events)


@pytest.mark.clause("LU-3", "LU-3.1", "WLU-3.1", "AN-18")
class TestHumanAccess:
    def test_shows_every_use_that_a_person_can_be_permitted_with_its_conditions(self, rita):
        page = human_access_page.build_human_access_page()

        opened = [
            values for values, cell in TABLE.items()
            if values[2] == Recipient.SUPPORT_AGENT and cell.options
        ]  # fmt: skip
        assert len(page.uses) == len(opened)
        purposes = {purpose for use in page.uses for purpose in use.rule.purposes}
        assert purposes == {Purpose.SUPPORT_ITEM, Purpose.SUPPORT_FIND}
        for use in page.uses:
            is_item = use.rule.purposes == {Purpose.SUPPORT_ITEM}
            fact = Fact.ITEM_CONSENTED if is_item else Fact.AGENT_IS_SUPPORT
            assert labels.FACTS[fact] in use.conditions
        assert str(labels.FACTS[Fact.ITEM_CONSENTED]) in text(rita.get("/review/human-access/"))

    def test_names_the_rows_that_the_site_of_staff_can_read(self, rita, bundle):
        tables = {
            right.table: right for right in human_access_page.build_human_access_page().tables
        }

        assert len(tables["integrations.Message"].rows) == 1
        assert tables["integrations.Event"].rows == tables["integrations.Message"].rows
        assert set(tables["integrations.Event"].columns) > {"timing", "content"}
        assert "remote" not in tables["integrations.Event"].columns
        assert tables["integrations.Event"].can_read
        assert tables["integrations.Calendar"].rows
        assert not tables["integrations.Calendar"].can_read
        assert not tables["integrations.Attachment"].rows
        assert labels.STAFF_ROWS[labels.FOUND_ROWS] in tables["integrations.SyncWork"].rows
        named = {rows for right in tables.values() for rows in right.rows}
        assert named <= set(labels.STAFF_ROWS.values())
        assert not tables["integrations.Connection"].can_read
        assert "integrations.MessageBody" in text(rita.get("/review/human-access/"))

    def test_names_the_roles_of_staff(self, rita):
        page = text(rita.get("/review/human-access/"))

        for role in STAFF:
            assert str(role) in page
        assert "items.read_opened" in page


class TestAssessment:
    def test_has_the_48_controls_with_their_tests(self, rita, with_results):
        with_results()
        bound = {
            each.id: tests
            for each, tests in bound_tests.find_bound_tests().items()
            if each.marker == "control"
        }

        page = assessment_page.build_assessment_page(run_results.load_results())

        rows = [row for _, rows in page.chapters for row in rows]
        assert len(rows) == len({row.control.id for row in rows}) == 48
        for row in rows:
            assert len(row.tests) == len(bound.get(row.control.id, ()))
            assert row.status == ("passed" if row.control.id in bound else "no-test")
            assert row.tests or row.needs_people, row.control.id
        assert set(page.other_ids) == set(bound) - {control.id for control in controls.CONTROLS}
        page_text = text(rita.get("/review/assessment/"))
        assert f"Tests are bound to {page.tested_count}." in page_text

    def test_says_failed_if_a_test_of_a_control_failed(self, rita, with_results):
        row = {"marker": "control", "test": "tests/test_x.py::TestX::test_y"}
        with_results(
            make_run(
                rows=[
                    {**row, "id": "3.1.1", "outcome": "failed"},
                    {**row, "id": "3.1.2", "outcome": "passed"},
                ]
            )
        )

        page = assessment_page.build_assessment_page(run_results.load_results())

        status = {row.control.id: row.status for _, rows in page.chapters for row in rows}
        assert (status["3.1.1"], status["3.1.2"], status["3.1.3"]) == (
            "failed", "passed", "no-test",
        )  # fmt: skip
        assert "failed" in text(rita.get("/review/assessment/"))

    def test_says_missing_without_results(self, rita):
        page = text(rita.get("/review/assessment/"))

        assert "Test results are missing" in page
        assert "passed" not in page
