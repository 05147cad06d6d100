from __future__ import annotations

import json
import traceback
from dataclasses import replace

import pytest
from django.db import InterfaceError, OperationalError, connection
from django.test.utils import CaptureQueriesContext

from accounts.actors import ActorKind
from accounts.ids import uuid7
from integrations.models import Connection, Message
from limited_use.policy.key_lines import KeyLine
from limited_use.policy.policy_vocabulary import DataClass, Fact, Purpose, Recipient, Use
from limited_use.sinks import (
    calendar_sink,
    comparison_sink,
    download_sink,
    json_sink,
    page_sink,
    provider_sink,
)
from limited_use.sinks.json_sink import SealedRow
from limited_use.sinks.page_sink import TemplateItem
from limited_use.sinks.traceback_guard import SinkFailed, WrongSink, guard_plaintext
from limited_use.vault import data_keys
from limited_use.vault.envelope import Unopenable
from limited_use.vault.sealing import get_sealer
from tests.factories import make_access
from tests.limited_use.conftest import ALICE, MALLORY, NOW, SHOW_CONTENT, SYSTEM

CREDENTIAL = Use(DataClass.CREDENTIAL, Purpose.CONNECTION_MAINTAIN, Recipient.OWN_PROVIDER)
# The account at the provider that something came from.
THEIRS = uuid7()
OUTLET = make_access(account=THEIRS)
REMOTE = Use(DataClass.MAIL_METADATA, Purpose.CONNECTION_MAINTAIN, Recipient.OWN_PROVIDER)
LIVE = frozenset({Fact.INTEGRATION_LIVE, Fact.CONNECTION_LIVE, Fact.GRANT_LIVE})


def shape(row, opened):
    return {"id": str(row), **json.loads(opened["summary"])}


@pytest.fixture
def rows(seal):
    """Return fifty rows as an inbox page has them."""
    ids = [uuid7() for _ in range(50)]
    return [
        SealedRow(row, {"summary": seal(b'{"subject": "canary <b> %d"}' % n, row=row)})
        for n, row in enumerate(ids)
    ]


@pytest.fixture
def permits(permit, holder):
    return {(holder, DataClass.MAIL_METADATA): permit()}


@pytest.mark.django_db
@pytest.mark.invariant(2)
class TestJsonPage:
    def test_renders_rows_in_their_order_with_one_query(self, rows, permits):
        with CaptureQueriesContext(connection) as queries:
            body = json_sink.render_json_page(
                rows, permits=permits, actor=ALICE, shape=shape, at=NOW, envelope={"next": None}
            )

        page = json.loads(body)
        assert [item["subject"] for item in page["items"]] == [f"canary <b> {n}" for n in range(50)]
        assert page["next"] is None
        assert len(queries) == 1

    def test_leaves_out_a_column_that_holds_nothing(self, permits):
        body = json_sink.render_json_page(
            [SealedRow(1, {"summary": None})],
            permits=permits,
            actor=ALICE,
            shape=lambda row, opened: {"row": row, "has": sorted(opened)},
            at=NOW,
        )

        assert json.loads(body) == {"items": [{"row": 1, "has": []}]}

    @pytest.mark.invariant(1)
    def test_refuses_a_permit_of_somebody_else(self, rows, permits):
        with pytest.raises(WrongSink):
            json_sink.render_json_page(rows, permits=permits, actor=MALLORY, shape=shape, at=NOW)

    def test_refuses_a_permit_for_something_other_than_showing(self, rows, permit, holder):
        talking = permit(use=REMOTE, actor=SYSTEM, facts=LIVE)

        with pytest.raises(WrongSink):
            json_sink.render_json_page(
                rows,
                permits={(holder, DataClass.MAIL_METADATA): talking},
                actor=SYSTEM,
                shape=shape,
                at=NOW,
            )

    def test_refuses_a_permit_filed_under_another_place(self, rows, permits, holder):
        (held,) = permits.values()

        with pytest.raises(WrongSink):
            json_sink.render_json_page(
                rows,
                permits={(holder, DataClass.MAIL_CONTENT): held},
                actor=ALICE,
                shape=shape,
                at=NOW,
            )

    def test_refuses_a_row_that_no_permit_names(self, rows, permits):
        foreign = uuid7()
        data_keys.create_data_key(holder=foreign, line=KeyLine.CONTENT, at=NOW)
        row = uuid7()
        sealed = get_sealer(holder=foreign, epoch=1).seal_value(
            Message, "summary", row=row, data=b"x"
        )

        with pytest.raises(WrongSink):
            json_sink.render_json_page(
                [*rows, SealedRow(row, {"summary": sealed})],
                permits=permits,
                actor=ALICE,
                shape=shape,
                at=NOW,
            )

    @pytest.mark.invariant(5)
    def test_shows_nothing_once_the_key_is_destroyed(self, rows, permits, holder):
        data_keys.destroy_returning_id(holder=holder)

        with pytest.raises(Unopenable):
            json_sink.render_json_page(rows, permits=permits, actor=ALICE, shape=shape, at=NOW)

    def test_renders_one_object(self, rows, permits):
        body = json_sink.render_json_object(
            rows[3], permits=permits, actor=ALICE, shape=shape, at=NOW
        )

        assert json.loads(body)["subject"] == "canary <b> 3"


@pytest.mark.django_db
@pytest.mark.invariant(2)
@pytest.mark.clause("AN-11")
class TestComparison:
    """One yes or no for a feature's recipients."""

    @pytest.fixture
    def asked(self, permit, holder):
        client = replace(
            ALICE, kind=ActorKind.CLIENT, feature="reply-assistant", purpose="draft.propose"
        )
        use = Use(DataClass.MAIL_METADATA, Purpose.DRAFT_PROPOSE, Recipient.VAULT)
        facts = LIVE | {Fact.ACTOR_OWNS, Fact.CONSENT_CURRENT, Fact.DELEGATION_LIVE}
        return client, {
            (holder, DataClass.MAIL_METADATA): permit(
                use=use, actor=client, facts=facts, feature="reply-assistant"
            )
        }

    def compare(self, rows, asked, *values, pick=None):
        client, permits = asked

        def pick_subject(opened):
            return [json.loads(opened["summary"])["subject"]]

        return comparison_sink.are_all_known(
            frozenset(values),
            rows,
            permits=permits,
            actor=client,
            pick=pick or pick_subject,
            at=NOW,
        )

    def test_is_true_only_if_every_value_is_known(self, rows, asked):
        known = [f"canary <b> {number}" for number in range(50)]

        assert self.compare(rows, asked, *known) is True
        assert self.compare(rows, asked, *known, "unknown") is False
        assert self.compare([], asked, *known) is False

    @pytest.mark.parametrize("values", [("canary <b> 0",), ("unknown",), ("unknown", "other")])
    def test_opens_every_row_whatever_it_finds(self, rows, asked, values):
        opened_rows = []

        def pick(opened):
            opened_rows.append(opened)
            return [json.loads(opened["summary"])["subject"]]

        self.compare(rows, asked, *values, pick=pick)

        assert len(opened_rows) == len(rows)

    def test_refuses_a_permit_to_show(self, rows, permits):
        with pytest.raises(WrongSink):
            self.compare(rows, (ALICE, permits), "canary <b> 0")

    def test_refuses_a_permit_of_somebody_else(self, rows, asked):
        with pytest.raises(WrongSink):
            self.compare(rows, (MALLORY, asked[1]), "canary <b> 0")

    def test_opens_nothing_that_is_shown(self, rows, asked):
        client, permits = asked

        with pytest.raises(WrongSink):
            json_sink.render_json_page(rows, permits=permits, actor=client, shape=shape, at=NOW)


@pytest.mark.django_db
@pytest.mark.invariant(2)
class TestAccountsOfACalendarPage:
    @pytest.mark.parametrize(
        ("purpose", "viewer"),
        [(Purpose.INBOX_DISPLAY, ALICE), (Purpose.CONNECTION_MAINTAIN, MALLORY)],
    )
    def test_are_shown_to_their_owner_for_their_purpose_alone(self, rows, permits, purpose, viewer):
        changed = {
            key: replace(permit, use=permit.use._replace(purpose=purpose))
            for key, permit in permits.items()
        }

        with pytest.raises(WrongSink):
            calendar_sink.calendar_page(
                "list.html",
                [],
                permits={},
                viewer=viewer,
                make=list,
                at=NOW,
                accounts=calendar_sink.AccountRows(rows, changed, shape),
            )


class TestPageSink:
    @pytest.fixture(autouse=True)
    def _template(self, settings, tmp_path):
        (tmp_path / "list.html").write_text(
            "{% load reveal %}{% for x in items %}<p>{% reveal x.subject %}</p>{% endfor %}"
        )
        settings.TEMPLATES = [
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "DIRS": [tmp_path],
                "APP_DIRS": True,
            }
        ]

    def test_renders_escaped(self, rows, permits):
        html = page_sink.render_page(
            "list.html", rows, permits=permits, actor=ALICE, shape=shape, at=NOW
        )

        assert b"<p>canary &lt;b&gt; 0</p>" in html

    def test_holds_texts_however_deep_and_leaves_clear_what_a_shape_says_is(
        self, rows, permits, tmp_path
    ):
        (tmp_path / "deep.html").write_text(
            "{% load reveal %}{% for x in items.0.parts %}"
            "{{ x.clear }}{% reveal x.text %}{% endfor %}"
        )
        (tmp_path / "leaky.html").write_text("{% for x in items.0.parts %}{{ x.text }}{% endfor %}")

        def parts(_, opened):
            return {"parts": [TemplateItem({"clear": "<1>"}, {"text": opened["summary"].decode()})]}

        def render(template):
            return page_sink.render_page(
                template, rows[:1], permits=permits, actor=ALICE, shape=parts, at=NOW
            ).decode()

        assert render("deep.html").startswith("&lt;1&gt;{")
        assert "canary &lt;b&gt; 0" in render("deep.html")
        with pytest.raises(SinkFailed, match="NotRevealed"):
            render("leaky.html")

    def test_is_the_owners_alone(self, rows, permits, holder):
        (held,) = permits.values()
        to_feature = replace(held, use=held.use._replace(recipient=Recipient.PLATFORM_FEATURE))

        with pytest.raises(WrongSink):
            page_sink.render_page(
                "list.html",
                rows,
                permits={(holder, DataClass.MAIL_METADATA): to_feature},
                actor=ALICE,
                shape=shape,
                at=NOW,
            )

    def test_renders_a_document_of_its_own(self, rows, permits):
        body = page_sink.render_document(
            rows[0],
            permits=permits,
            actor=ALICE,
            shape=lambda _, opened: {"body": opened["summary"]},
            at=NOW,
        )

        assert b"canary" in body


@pytest.mark.django_db
@pytest.mark.invariant(2)
class TestProvider:
    @pytest.fixture
    def connection_id(self, ring):
        connection_id = uuid7()
        data_keys.create_data_key(holder=connection_id, line=KeyLine.CREDENTIAL, at=NOW)
        return connection_id

    @pytest.fixture
    def token(self, connection_id):
        return get_sealer(holder=connection_id, epoch=1).seal_value(
            Connection, "refresh_token", row=connection_id, data="1//refresh"
        )

    @pytest.mark.clause("TOK-SEC")
    def test_gets_its_own_token(self, token, permit, connection_id):
        held = permit(
            use=CREDENTIAL, holder=connection_id, account=THEIRS, actor=SYSTEM, facts=LIVE
        )

        assert provider_sink.open_credential(token, held, to=THEIRS, at=NOW) == "1//refresh"

    def test_gets_a_token_to_end_the_grant(self, token, permit, connection_id):
        held = permit(
            use=CREDENTIAL._replace(purpose=Purpose.CONNECTION_END),
            holder=connection_id,
            account=THEIRS,
            actor=SYSTEM,
            facts=frozenset({Fact.PURGE_RUNNING}),
        )

        assert provider_sink.open_credential(token, held, to=THEIRS, at=NOW) == "1//refresh"

    def test_gets_its_cursors_and_ids(self, seal, permit):
        held = permit(use=REMOTE, account=THEIRS, actor=SYSTEM, facts=LIVE)

        assert provider_sink.open_text(seal("cursor"), held, to=OUTLET, at=NOW) == "cursor"
        assert provider_sink.open_texts([seal("a"), seal("b")], held, to=OUTLET, at=NOW) == [
            "a",
            "b",
        ]

    @pytest.mark.invariant(1)
    @pytest.mark.parametrize("account", [None, uuid7()])
    def test_of_another_account_gets_nothing(self, token, seal, permit, connection_id, account):
        held = permit(use=REMOTE, account=account, actor=SYSTEM, facts=LIVE)
        grant = permit(
            use=CREDENTIAL, holder=connection_id, account=account, actor=SYSTEM, facts=LIVE
        )

        for ask in (
            lambda: provider_sink.open_text(seal("cursor"), held, to=OUTLET, at=NOW),
            lambda: provider_sink.open_texts([seal("a")], held, to=OUTLET, at=NOW),
            lambda: provider_sink.pick_parts([seal("a")], held, bytes.decode, to=OUTLET, at=NOW),
            lambda: provider_sink.open_credential(token, grant, to=THEIRS, at=NOW),
        ):
            with pytest.raises(WrongSink):
                ask()

    def test_gets_nothing_that_is_for_showing(self, seal, permit):
        with pytest.raises(WrongSink):
            provider_sink.open_text(seal(), permit(account=THEIRS), to=OUTLET, at=NOW)

    def test_keeps_tokens_and_texts_apart(self, token, seal, permit, connection_id):
        remote = permit(use=REMOTE, account=THEIRS, actor=SYSTEM, facts=LIVE)
        credential = permit(
            use=CREDENTIAL, holder=connection_id, account=THEIRS, actor=SYSTEM, facts=LIVE
        )

        with pytest.raises(WrongSink):
            provider_sink.open_credential(seal(), remote, to=THEIRS, at=NOW)
        with pytest.raises(WrongSink):
            provider_sink.open_text(token, credential, to=OUTLET, at=NOW)
        with pytest.raises(WrongSink):
            provider_sink.open_texts([token], credential, to=OUTLET, at=NOW)


@pytest.mark.django_db
@pytest.mark.invariant(2)
class TestDownload:
    def test_gives_the_owner_the_bytes(self, seal, permit):
        assert (
            download_sink.open_attachment(seal(b"\0bytes"), permit(), actor=ALICE, at=NOW)
            == b"\0bytes"
        )

    def test_gives_nobody_else_anything(self, seal, permit):
        with pytest.raises(WrongSink):
            download_sink.open_attachment(seal(), permit(), actor=MALLORY, at=NOW)
        with pytest.raises(WrongSink):
            download_sink.open_attachment(
                seal(), permit(use=REMOTE, facts=LIVE), actor=ALICE, at=NOW
            )

    def test_passes_on_what_is_not_kept_here(self, rows, permits):
        pieces = download_sink.pass_through_file(
            rows[0],
            permits=permits,
            actor=ALICE,
            fetch=lambda _, opened: iter((b"fetched by ", opened["summary"])),
            at=NOW,
        )

        assert next(pieces) == b"fetched by "
        assert b"".join(pieces)

    def test_says_nothing_of_what_it_passes_on_when_that_breaks_off(self, rows, permits):
        def fetch(_, opened):
            yield opened["summary"]
            raise ValueError(opened["summary"])

        pieces = download_sink.pass_through_file(
            rows[0], permits=permits, actor=ALICE, fetch=fetch, at=NOW
        )
        text = next(pieces)

        with pytest.raises(SinkFailed) as caught:
            next(pieces)

        assert text.decode() not in reachable(caught.value)
        assert caught.value.__context__ is None


def reachable(error, own=__file__):
    """Return everything that an exception carries: text, arguments, chain, frames' variables."""
    seen, found, queue = set(), [], [error]
    while queue:
        one = queue.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        found += ["".join(traceback.format_exception(one)), repr(one.args), repr(vars(one))]
        queue += [one.__cause__, one.__context__]
        trace = one.__traceback__
        while trace is not None:
            # The test's own frames know the marker; every other must not.
            if trace.tb_frame.f_code.co_filename != own:
                found.append(repr(trace.tb_frame.f_locals))
            trace = trace.tb_next
    return "".join(found)


class Chained(Exception):
    pass


@pytest.mark.invariant(4)
class TestRegion:
    @pytest.mark.parametrize("kind", [ValueError, KeyError, UnicodeError, Chained, OSError])
    @pytest.mark.clause("OWN-CRASH")
    def test_lets_no_content_out_with_an_exception(self, kind):
        marker = "CANARY-" + "7f3a"

        @guard_plaintext
        def sink(argument, *, keyword):
            local = argument + keyword
            try:
                json.loads(local)
            except ValueError as error:
                raise kind(local) from error

        with pytest.raises(SinkFailed) as caught:
            sink(marker, keyword=marker)

        assert marker not in reachable(caught.value)
        assert caught.value.__context__ is None
        assert kind.__name__ in str(caught.value)

    def test_says_kind_function_and_line(self):
        @guard_plaintext
        def sink():
            raise LookupError("content")

        with pytest.raises(SinkFailed, match=r"^LookupError in .*sink:\d+$"):
            sink()

    @pytest.mark.parametrize(
        "kind",
        [
            KeyboardInterrupt,
            SystemExit,
            WrongSink,
            Unopenable,
            # The database does not answer: the request is answered 503.
            OperationalError,
            InterfaceError,
            type("SoftTimeLimitExceeded", (Exception,), {}),
        ],
    )
    def test_passes_on_what_tells_a_process_or_caller_what_to_do(self, kind):
        @guard_plaintext
        def sink():
            raise kind("content")

        with pytest.raises(kind) as caught:
            sink()

        assert caught.value.args == ()

    def test_empties_groups_of_exceptions_too(self):
        inner = ValueError("CANARY-group")

        @guard_plaintext
        def sink():
            raise ExceptionGroup("CANARY-group", [inner])

        with pytest.raises(SinkFailed):
            sink()

        assert inner.args == ()

    @pytest.mark.django_db
    def test_guards_every_sink(self, seal, permits, permit):
        def broken(row, opened):
            raise ValueError(opened["summary"])

        row = uuid7()
        # Not written out: a traceback quotes the lines of this test, too.
        mark = f"CANARY-{row.hex}"
        rows = [SealedRow(row, {"summary": seal(mark.encode(), row=row)})]
        for sink in (
            lambda: json_sink.render_json_page(
                rows, permits=permits, actor=ALICE, shape=broken, at=NOW
            ),
            lambda: json_sink.render_json_object(
                rows[0], permits=permits, actor=ALICE, shape=broken, at=NOW
            ),
            lambda: page_sink.render_page(
                "x", rows, permits=permits, actor=ALICE, shape=broken, at=NOW
            ),
            lambda: download_sink.pass_through_file(
                rows[0], permits=permits, actor=ALICE, fetch=broken, at=NOW
            ),
            lambda: provider_sink.open_text(
                seal(b"\xff" + mark.encode()),
                permit(use=REMOTE, account=THEIRS, actor=SYSTEM, facts=LIVE),
                to=OUTLET,
                at=NOW,
            ),
        ):
            with pytest.raises(SinkFailed) as caught:
                sink()
            assert mark not in reachable(caught.value)


@pytest.mark.django_db
@pytest.mark.invariant(2)
def test_metadata_does_not_open_under_a_permit_for_content(seal, permit):
    with pytest.raises(Unopenable):
        download_sink.open_attachment(seal(), permit(use=SHOW_CONTENT), actor=ALICE, at=NOW)
