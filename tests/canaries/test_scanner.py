"""The positive control: a leak planted in each store, in each encoding, is found."""

from __future__ import annotations

import secrets

import psycopg
import pytest
from django.core.mail import EmailMessage
from django.db import connection as database

from accounts.models import Session
from accounts.sessions import SessionStore
from tests.canaries import cluster, encodings, stores
from tests.canaries.scanner import Needles, Stores, scan

WRITERS = pytest.mark.parametrize("encoding", encodings.WRITERS)


@pytest.fixture
def marker():
    return f"cnry{secrets.token_hex(8)}é+/&"


@pytest.fixture
def needles(marker):
    return Needles({"marker": marker})


def url():
    """Return the address of the test's own database."""
    return psycopg.conninfo.make_conninfo(
        **{
            key: value
            for key, value in database.get_connection_params().items()
            if key in {"dbname", "user", "password", "host", "port"}
        }
    )


def stores_hit(needles, **where):
    return {hit.store for hit in scan(needles, Stores(**where))}


@pytest.mark.invariant(4)
class TestNeedles:
    @WRITERS
    def test_finds_a_leak_in_each_encoding(self, needles, marker, encoding):
        leak = b"before" * 9 + encodings.WRITERS[encoding](marker) + b"after" * 9

        # Neighbours that continue the alphabet would be part of a run of base64.
        assert needles.found_in(b"{" + encodings.WRITERS[encoding](marker) + b"}")
        assert encoding.startswith("base64") or needles.found_in(leak)

    def test_finds_nothing_in_chance(self, needles):
        assert not needles.found_in(secrets.token_bytes(4_000_000))

    def test_refuses_what_chance_would_find(self):
        with pytest.raises(ValueError, match="short"):
            Needles({"marker": "short"})


@pytest.mark.invariant(4)
@pytest.mark.django_db(transaction=True)
class TestScan:
    @WRITERS
    def test_finds_a_leak_in_a_row(self, needles, marker, encoding):
        with database.cursor() as cursor:
            cursor.execute("CREATE TABLE leak (data bytea)")
            cursor.execute("INSERT INTO leak VALUES (%s)", [encodings.WRITERS[encoding](marker)])
        try:
            found = stores_hit(needles, database_url=url())
        finally:
            with database.cursor() as cursor:
                cursor.execute("DROP TABLE leak")

        assert found == {"rows"}

    def test_finds_a_leak_in_a_text_and_in_json(self, needles, marker):
        with database.cursor() as cursor:
            cursor.execute("CREATE TABLE leak (words text, more jsonb, list text[])")
            cursor.execute(
                "INSERT INTO leak VALUES (%s, jsonb_build_object('k', %s::text), ARRAY[%s])",
                [marker, marker, marker],
            )
        try:
            hits = scan(needles, Stores(database_url=url()))
        finally:
            with database.cursor() as cursor:
                cursor.execute("DROP TABLE leak")

        assert {hit.where for hit in hits} == {"leak.words", "leak.more", "leak.list"}

    @pytest.mark.parametrize("length", [1, 5000])
    def test_finds_a_leak_in_a_session(self, needles, marker, length):
        session = SessionStore()
        session["oops"] = "x" * length + marker
        session.save()

        assert "sessions" in stores_hit(needles, database_url=url())
        Session.objects.all().delete()

    @WRITERS
    def test_finds_a_leak_in_the_broker(self, needles, marker, encoding, settings):
        server = stores.client(settings.BROKER_URL)
        server.lpush("oops", encodings.WRITERS[encoding](marker))
        try:
            assert stores_hit(needles, broker_url=settings.BROKER_URL) == {"broker"}
        finally:
            server.delete("oops")

    @pytest.mark.parametrize("kind", ["string", "set", "zset", "hash", "stream", "key"])
    def test_finds_a_leak_in_each_kind_of_value(self, needles, marker, settings, kind):
        server = stores.client(settings.BROKER_URL)
        plant = {
            "string": lambda: server.set("oops", marker),
            "set": lambda: server.sadd("oops", marker),
            "zset": lambda: server.zadd("oops", {marker: 1}),
            "hash": lambda: server.hset("oops", "k", marker),
            "stream": lambda: server.xadd("oops", {"k": marker}),
            "key": lambda: server.set(marker, 1),
        }
        plant[kind]()
        try:
            assert stores_hit(needles, broker_url=settings.BROKER_URL) == {"broker"}
        finally:
            server.delete("oops", marker)

    def test_reads_on_where_a_message_was_used_up_meanwhile(self, settings):
        with stores.client(settings.CELERY_BROKER_URL) as server:
            assert list(stores.values(server, b"used-up-between-listing-and-reading")) == []

    def test_finds_a_leak_in_the_files_of_the_cluster_and_in_its_wal(self, needles, marker):
        with psycopg.connect(url(), autocommit=True) as connection:
            connection.execute("SET synchronous_commit = on")
            connection.execute("CREATE TABLE leak (data text)")
            stores.uncompressed(connection)
            connection.execute("INSERT INTO leak VALUES (%s)", ["x" * 9000 + marker])
            folder = cluster.files_of(connection)
            # Deleting a row takes its bytes from nowhere, which is why keys are destroyed.
            connection.execute("DROP TABLE leak")

            hits = scan(needles, Stores(files=(folder,)))

        assert any("/pg_wal/" in hit.where for hit in hits)

    @WRITERS
    def test_finds_a_leak_in_a_file_across_pieces(self, needles, marker, encoding, tmp_path):
        log = tmp_path / "worker.log"
        log.write_bytes(b"\n" * (stores._CHUNK - 20) + encodings.WRITERS[encoding](marker))

        assert stores_hit(needles, files=(log,)) == {"files"}

    def test_finds_a_leak_in_mail_that_we_sent(self, needles, marker):
        mail = EmailMessage("Hello", f"Subject of yours: {marker}", to=["alice@antares.example"])

        assert stores_hit(needles, texts={"mail": [mail.message().as_bytes()]}) == {"mail"}
