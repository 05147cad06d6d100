from __future__ import annotations

import copy
import csv
import dataclasses
import gc
import io
import json
import logging
import operator
import os
import pickle
from pathlib import Path
from urllib.parse import urlencode
from uuid import UUID

import orjson
import pytest
from django.core.exceptions import FieldError
from django.core.mail import EmailMessage
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.template import Context, Template
from django.utils.encoding import force_str
from django.utils.html import conditional_escape, escape, format_html
from kombu.utils.json import dumps as kombu_dumps
from rest_framework.renderers import JSONRenderer
from rest_framework.serializers import CharField

from accounts.ids import uuid7
from config.logging import JsonLineFormatter
from integrations.models import Message, SetAside
from limited_use.policy.policy_vocabulary import DataClass
from limited_use.vault.fields import SealedField
from limited_use.vault.sealed import CiphertextBinding, SealedAccessError, SealedValue

BINDING = CiphertextBinding(UUID(int=1), DataClass.MAIL_METADATA, "table", UUID(int=2), "column")
SEALED = SealedValue(b"ciphertext", BINDING)


@dataclasses.dataclass
class Carrier:
    value: object


def render(source):
    return Template(source).render(Context({"v": SEALED}))


# Written out as somebody would write them by accident: shorter forms would not be the same thing.
# ruff: noqa: FLY002, PLW0108, PLR0124, PLC3002, SIM300, FURB171
REFUSED = {
    "str": lambda: str(SEALED),
    "f-string": lambda: f"{SEALED}",
    "format": lambda: format(SEALED, ">10"),
    "str.format": lambda: "{}".format(SEALED),  # noqa: UP032
    "percent s": lambda: "%s" % SEALED,  # noqa: UP031
    "percent d": lambda: "%d" % SEALED,  # noqa: UP031
    "plus, left": lambda: SEALED + "x",
    "plus, right": lambda: "x" + SEALED,
    "plus bytes": lambda: b"x" + SEALED,
    "percent, left": lambda: SEALED % ("x",),
    "times": lambda: SEALED * 2,
    "join": lambda: "".join([SEALED]),
    "bytes": lambda: bytes(SEALED),
    "slice": lambda: SEALED[:3],
    "item": lambda: SEALED[0],
    "in the handle": lambda: "x" in SEALED,
    "encode": lambda: SEALED.encode(),
    "decode": lambda: SEALED.decode(),
    "int": lambda: int(SEALED),
    "float": lambda: float(SEALED),
    "complex": lambda: complex(SEALED),
    "index": lambda: operator.index(SEALED),
    "round": lambda: round(SEALED),
    "less": lambda: SEALED < SEALED,
    "greater": lambda: SEALED > 1,
    "sorted": lambda: sorted([SEALED, SEALED]),
    "bool": lambda: bool(SEALED),
    "not": lambda: not SEALED,
    "len": lambda: len(SEALED),
    "iter": lambda: iter(SEALED),
    "list": lambda: list(SEALED),
    "unpacking": lambda: (lambda *_: None)(*SEALED),
    "reversed": lambda: reversed(SEALED),
    "json": lambda: json.dumps(SEALED),
    "json with str": lambda: json.dumps({"v": SEALED}, default=str),
    "json of Django": lambda: json.dumps([SEALED], cls=DjangoJSONEncoder),
    "json of kombu": lambda: kombu_dumps({"v": SEALED}),
    "json of DRF": lambda: JSONRenderer().render({"v": SEALED}),
    "char field of DRF": lambda: CharField().to_representation(SEALED),
    "csv": lambda: csv.writer(io.StringIO()).writerow([SEALED]),
    "csv of dicts": lambda: csv.DictWriter(io.StringIO(), ["v"]).writerow({"v": SEALED}),
    "url": lambda: urlencode({"v": SEALED}),
    "header": lambda: HttpResponse(headers={"v": SEALED}),
    "body": lambda: HttpResponse(SEALED),
    "body in pieces": lambda: list(StreamingHttpResponse([SEALED])),
    "json of a response": lambda: JsonResponse({"v": SEALED}),
    "message": lambda: EmailMessage("subject", SEALED, to=["x@example.com"]).message(),
    "orjson": lambda: orjson.dumps(SEALED),
    "orjson with str": lambda: orjson.dumps(SEALED, default=str),
    "for_json": lambda: SEALED.for_json(),
    "__json__": lambda: SEALED.__json__(),
    "isoformat": lambda: SEALED.isoformat(),
    "pickle": lambda: pickle.dumps(SEALED),
    "pickle 0": lambda: pickle.dumps(SEALED, protocol=0),
    "copy": lambda: copy.copy(SEALED),
    "deepcopy": lambda: copy.deepcopy([SEALED]),
    "asdict": lambda: dataclasses.asdict(Carrier(SEALED)),
    "reduce": lambda: SEALED.__reduce_ex__(2),
    "getstate": lambda: SEALED.__getstate__(),
    "template": lambda: render("{{ v }}"),
    "template, safe": lambda: render("{{ v|safe }}"),
    "template, upper": lambda: render("{{ v|upper }}"),
    "template, default": lambda: render("{{ v|default:'x' }}"),
    "template, join": lambda: render("{{ v|join:',' }}"),
    "template, json": lambda: render("{{ v|json_script:'x' }}"),
    "template, unescaped": lambda: render("{% autoescape off %}{{ v }}{% endautoescape %}"),
    "template, in a text": lambda: render("{% filter upper %}{{ v }}{% endfilter %}"),
    "template, translated": lambda: render(
        "{% load i18n %}{% blocktranslate %}{{ v }}{% endblocktranslate %}"
    ),
    "template, if": lambda: render("{% if v %}x{% endif %}"),
    "template, for": lambda: render("{% for x in v %}x{% endfor %}"),
    "force_str": lambda: force_str(SEALED),
    "escape": lambda: escape(SEALED),
    "conditional_escape": lambda: conditional_escape(SEALED),
    "format_html": lambda: format_html("{}", SEALED),
    "__html__": lambda: SEALED.__html__(),
    "memoryview": lambda: memoryview(SEALED),
    "bytearray": lambda: bytearray(SEALED),
    "fspath": lambda: os.fspath(SEALED),
    "path": lambda: Path(SEALED),
    "open": lambda: open(SEALED),  # noqa: PTH123, SIM115
    "assignment": lambda: setattr(SEALED, "_ciphertext", b""),
    "new attribute": lambda: setattr(SEALED, "note", b""),
    "deletion": lambda: delattr(SEALED, "_ciphertext"),
    "vars": lambda: vars(SEALED),
    "subclass": lambda: type("Open", (SealedValue,), {}),
    "str as ciphertext": lambda: SealedValue("text", BINDING),
}


@pytest.mark.invariant(2)
class TestSealed:
    @pytest.mark.parametrize("operation", REFUSED)
    def test_refuses(self, operation):
        # SealedAccess is a TypeError; where the interpreter or an encoder asks
        # nobody before it refuses, theirs is one as well.
        with pytest.raises(TypeError):
            REFUSED[operation]()

    def test_refuses_with_an_error_of_its_own(self):
        with pytest.raises(SealedAccessError):
            str(SEALED)

    def test_refuses_to_be_logged(self, caplog, monkeypatch):
        monkeypatch.setattr(logging, "raiseExceptions", True)
        with pytest.raises(SealedAccessError):
            logging.getLogger("planted").error("subject %s", SEALED)

    @pytest.mark.invariant(4)
    @pytest.mark.parametrize(
        "log",
        [
            lambda logger: logger.error(f"subject {SEALED}"),  # noqa: G004
            lambda logger: logger.error("subject %s" % SEALED),  # noqa: G002, UP031
            lambda logger: logger.error("subject %d", SEALED),
            lambda logger: logger.error("subject %(v)s", {"v": SEALED}),
        ],
        ids=["f-string", "percent", "argument", "named argument"],
    )
    def test_refuses_to_be_written_into_a_line_of_the_log(self, log, caplog, monkeypatch):
        monkeypatch.setattr(logging, "raiseExceptions", True)
        with pytest.raises(TypeError):
            log(logging.getLogger("planted"))

    def test_is_left_out_of_our_own_lines(self):
        record = logging.makeLogRecord({"msg": "mail.read", "resource": SEALED, "levelno": 20})

        assert "resource" not in json.loads(JsonLineFormatter().format(record))

    def test_prints_as_a_constant_and_compares_by_identity(self):
        other = SealedValue(b"ciphertext", BINDING)

        assert repr(SEALED) == "<Sealed>"
        assert SEALED == SEALED
        assert SEALED != other
        assert SEALED in [SEALED]
        assert other not in {SEALED}

    def test_holds_ciphertext_and_binding_and_nothing_else(self):
        assert not hasattr(SEALED, "__dict__")
        assert {
            referent for referent in gc.get_referents(SEALED) if not isinstance(referent, type)
        } == {
            b"ciphertext",
            BINDING,
        }


@pytest.mark.django_db
@pytest.mark.invariant(2)
class TestSealedField:
    def test_hands_out_a_handle_bound_to_the_row_it_was_found_on(self, holder, seal):
        row = uuid7()
        message = Message(id=row, integration_id=holder, summary=seal(row=row))

        assert message.summary.binding == CiphertextBinding(
            holder, DataClass.MAIL_METADATA, "integrations_message", row, "summary"
        )

    @pytest.mark.parametrize("plain", [b"subject", "subject", memoryview(b"x"), 0])
    def test_takes_nothing_but_sealed(self, plain):
        with pytest.raises(SealedAccessError):
            Message(summary=plain)

    def test_refuses_to_store_what_was_sealed_for_another_row(self, stored, seal):
        stored.remote_id = seal(model=SetAside, column="remote_id")

        with pytest.raises(SealedAccessError):
            stored.save()

    def test_refuses_to_store_what_was_sealed_for_another_column(self, stored, seal):
        with pytest.raises(SealedAccessError):
            SetAside.objects.filter(id=stored.id).update(remote_id=seal())

    def test_comes_back_from_the_database_as_a_handle(self, stored):
        found = SetAside.objects.defer("remote_id").get(id=stored.id)

        assert found.remote_id.ciphertext == stored.remote_id.ciphertext
        assert found.remote_id.binding == stored.remote_id.binding

    def test_updates_many_rows_at_once(self, stored, holder, seal):
        stored.remote_id = seal(b"newer", row=stored.id, model=SetAside, column="remote_id")
        SetAside.objects.bulk_update([stored], ["remote_id"])

        assert SetAside.objects.get().remote_id.ciphertext == stored.remote_id.ciphertext

    def test_gives_raw_ciphertext_to_values(self, stored):
        (raw,) = SetAside.objects.values_list("remote_id", flat=True)

        assert raw == stored.remote_id.ciphertext
        assert b"canary" not in raw

    @pytest.mark.parametrize("lookup", ["exact", "contains", "in", "gt", "startswith", "iexact"])
    def test_cannot_be_searched(self, lookup):
        value = [b"x"] if lookup == "in" else b"x"
        with pytest.raises(FieldError):
            Message.objects.filter(**{f"summary__{lookup}": value})

    def test_can_be_asked_whether_it_is_there(self, stored):
        assert SetAside.objects.filter(remote_id__isnull=False).exists()
        assert not SetAside.objects.filter(remote_id=None).exists()

    def test_has_no_transforms(self):
        with pytest.raises(FieldError):
            Message.objects.filter(summary__length=3)

    def test_is_not_dumped(self, stored):
        from django.core import serializers

        with pytest.raises(SealedAccessError):
            serializers.serialize("json", [stored])

    def test_is_in_no_form(self):
        field = Message._meta.get_field("summary")

        assert isinstance(field, SealedField)
        assert field.formfield() is None
        assert field.editable is False

    def test_survives_a_migration(self):
        _, path, args, kwargs = Message._meta.get_field("summary").deconstruct()

        assert path == "limited_use.vault.fields.SealedField"
        assert (args, kwargs) == ([], {"data_class": "mail.metadata", "holder": "integration_id"})


@pytest.fixture
def stored(holder, seal):
    """Return a stored row with a sealed column: an item that a sync set aside."""
    from datetime import UTC, datetime

    from accounts.models import Organisation, User
    from integrations.models import Connection, Integration

    at = datetime(2026, 11, 25, tzinfo=UTC)
    user = User.objects.create(
        email="alice@example.com", platform_id="u-1", registered_at=at, last_seen_at=at
    )
    organisation = Organisation.objects.create(name="Acme", platform_id="o-1", founded_at=at)
    connection = Connection.objects.create(
        user=user, organisation=organisation, provider="google", connected_at=at
    )
    Integration.objects.create(
        id=holder, connection=connection, product="mail", status_since=at, switched_on_at=at
    )
    row = uuid7()
    return SetAside.objects.create(
        id=row,
        integration_id=holder,
        remote_blind=b"\0" * 32,
        remote_id=seal(row=row, model=SetAside, column="remote_id"),
        reason="too-deep",
        first_seen_at=at,
        last_tried_at=at,
    )
