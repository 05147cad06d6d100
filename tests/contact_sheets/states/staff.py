"""Pages of support agents, reviewers and operators at the staff site."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from django.urls import reverse

from accounts.ids import uuid7
from accounts.roles import Role
from config.process_classes import ProcessClass
from integrations.models import Message
from integrations.review import evidence
from integrations.review.messages import guide
from limited_use.evidence import clause_evidence, forbidden_use_run, stored_bundles
from limited_use.models.usage import PolicyUse
from limited_use.policy.clauses import CLAUSES
from limited_use.policy.feature_registry import FEATURES
from limited_use.usage import rule_usage_counter
from tests.api import cast
from tests.contact_sheets import rows
from tests.contact_sheets.state import Group
from tests.contact_sheets.states.inbox import OLD
from tests.review.conftest import make_run
from tests.walls import acting_as

GROUP = Group("staff", "Staff: support access, review")
#: A clause that is a duty of people, and one that events prove.
CLAUSE_KINDS = sorted(
    {
        next(clause.id for clause in CLAUSES.values() if clause.duty),
        next(clause.id for clause in CLAUSES.values() if clause.id in clause_evidence.EVENTS),
    }
)
STEPS = [step.route for step in guide.STEPS]
OVERVIEWS = [
    "review",
    *STEPS,
    "review-clauses",
    "review-policy",
    "review-refusals",
    "review-evidence",
]


def open_staff_site(stage):
    stage.serve_staff_site()
    return stage.open_desk(Role.REVIEWER, "Rita")


def use_and_run(stage):
    """Use data, refuse uses, run the forbidden uses, make the evidence; return Rita's browser."""
    stage.alice.get("/v1/users/me/messages")
    client = cast.campaigns()
    caller = cast.feature(client, cast.switch_on(stage.mail, client), "marketing")
    caller.get("/v1/users/me/messages")
    folder = Path(stage.make_folder())
    results = folder / "test-results.json"
    results.write_bytes(make_run())
    stage.change_settings(TEST_RESULTS=str(results))
    with acting_as(ProcessClass.PURGE):
        stage.run = forbidden_use_run.run_forbidden_uses(uuid7(), at=stage.at)
    (job,) = rows.disconnect(stage, stage.calendar)
    rows.finish_purge(stage, job)
    with acting_as(ProcessClass.PURGE):
        rule_usage_counter.count_applied_rules(at=stage.at)
        stored_bundles.make_stored_bundle(evidence.list_sections(), at=stage.at)
    return open_staff_site(stage)


@GROUP.states(OVERVIEWS, scene=open_staff_site)
def before_evidence(stage, route):
    return stage.scene.get(reverse(route))


@GROUP.state(scene=open_staff_site)
def no_items(stage):
    return stage.open_desk(Role.SUPPORT, "Sam").get(reverse("support-items"))


@GROUP.state(status=403, scene=open_staff_site)
def item_not_open(stage):
    return stage.open_desk(Role.SUPPORT, "Sam").get(reverse("support-item", args=[uuid7()]))


@GROUP.states([Role.SUPPORT, Role.REVIEWER, Role.MEMBER], scene=open_staff_site)
def landing_of(stage, role):
    person = stage.add_person("Kim", role)
    browser = cast.browser(person, mfa=True, at_staff_site=True, recent=True)
    return rows.with_any_status(browser.get("/", follow=True))


@GROUP.states(["support-items", "review"], status=403, scene=open_staff_site)
def page_of_another_role(stage, route):
    return stage.open_desk(Role.OPERATOR, "Otto").get(reverse(route))


@GROUP.state(status=403, scene=open_staff_site)
def page_for_staff_only(stage):
    person = stage.add_person("Kim", Role.SUPPORT)
    browser = cast.browser(person, mfa=True, at_staff_site=True, recent=True)
    return browser.get("/review/")


@GROUP.state(status=403, scene=open_staff_site)
def form_without_second_factor(stage):
    person = stage.add_person("Kim", Role.REVIEWER)
    browser = cast.browser(person, at_staff_site=True, recent=True)
    return browser.post(reverse("review-run-start"))


@GROUP.state(scene=open_staff_site)
def sign_in(stage):
    return stage.visitor_of_staff_site.get("/accounts/login/")


@GROUP.state(scene=open_staff_site)
def second_factor_needed(stage):
    person = stage.add_person("Kim", Role.REVIEWER)
    browser = cast.browser(person, at_staff_site=True, recent=True)
    return browser.get("/review/", follow=True)


@GROUP.states(["one", "many"])
def items(stage, count):
    messages = Message.objects.filter(integration_id=stage.mail.integration.id)
    for message in messages[: 1 if count == "one" else 5]:
        _open_item(stage, message)
    stage.serve_staff_site()
    return stage.open_desk(Role.SUPPORT, "Sam").get(reverse("support-items"))


@GROUP.state()
def item(stage):
    stage.mailbox.deliver(OLD, at=stage.at, thread="old")
    stage.mail.settle()
    messages = Message.objects.filter(integration_id=stage.mail.integration.id)
    message = messages.order_by("-received_at")[0]
    _open_item(stage, message)
    stage.serve_staff_site()
    browser = stage.open_desk(Role.SUPPORT, "Sam")
    return browser.get(reverse("support-item", args=[message.id]))


@GROUP.states(OVERVIEWS, scene=use_and_run)
def with_evidence(stage, route):
    return stage.scene.get(reverse(route))


@GROUP.states(
    ["q=delete", "kept-by=people", "kept-by=software", "kept-by=unmet", "q=zzzz"],
    scene=use_and_run,
)
def clauses_found(stage, query):
    return stage.scene.get(f"{reverse('review-clauses')}?{query}")


@GROUP.state(scene=use_and_run)
def clauses_of_one_document(stage):
    title = next(iter(CLAUSES.values())).source.title
    return stage.scene.get(reverse("review-clauses"), {"source": title})


@GROUP.states(["LU-1", "LU-4", "AN-23", *CLAUSE_KINDS], scene=use_and_run)
def clause(stage, clause_id):
    return stage.scene.get(reverse("review-clause", args=[clause_id]))


@GROUP.state(scene=use_and_run)
def forbidden_uses(stage):
    return stage.scene.get(reverse("review-run", args=[stage.run.id]))


@GROUP.state(scene=use_and_run)
def forbidden_uses_started(stage):
    return rows.with_any_status(stage.scene.get(reverse("review-run", args=[uuid7()])))


@GROUP.states(["never-market", "owner-reads-own-inbox"], scene=use_and_run)
def entry(stage, rule):
    newest = PolicyUse.objects.get(rule=rule).latest[0]
    return stage.scene.get(reverse("review-entry", args=[newest]))


@GROUP.state(scene=use_and_run)
def refusals_of_before(stage):
    before = (stage.at + timedelta(days=1)).isoformat()
    return stage.scene.get(reverse("review-refusals"), {"before": before})


def _open_item(stage, message):
    form = {"agree": "yes", "hours": "24", "version": FEATURES["support"].version}
    response = stage.alice.post(reverse("inbox-support", args=[message.id]), form)
    assert response.status_code == 302  # noqa: PLR2004
