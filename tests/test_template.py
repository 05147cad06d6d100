"""The migrated database that the databases of a test run are copies of."""

from __future__ import annotations

import os

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from config.database import provisioning, schema_guard
from tests import template
from tests.bench import databases

# A test's transaction would end with the connection, which is closed on the way.
pytestmark = pytest.mark.django_db(transaction=True)


def read_oid(name):
    with psycopg.connect(os.environ["DATABASE_URL"]) as server:
        found = server.execute("SELECT oid FROM pg_database WHERE datname = %s", [name]).fetchone()
    return found and found[0]


class TestTheTemplate:
    def test_is_made_once(self):
        name = template.template_name()
        before = read_oid(name)

        assert before
        assert template.ensure_template(os.environ["DATABASE_URL"]) == name
        assert read_oid(name) == before

    def test_is_made_again_where_making_it_was_interrupted(self, monkeypatch):
        monkeypatch.setattr(settings, "DATABASE_ROLE_PREFIX", f"antares_again_{os.getpid()}")
        url, name = os.environ["DATABASE_URL"], template.template_name()
        databases.create_database(url, f"{name}_unfinished")
        prepared = []
        monkeypatch.setattr(
            template, "_prepare", lambda: prepared.append(connection.settings_dict["NAME"])
        )
        try:
            template.ensure_template(url)

            assert prepared == [f"{name}_unfinished"]
            assert read_oid(name)
            assert read_oid(f"{name}_unfinished") is None
        finally:
            template.drop_template(url)
        assert read_oid(name) is None


class TestTemplateDatabaseCopy:
    def test_is_as_a_release_leaves_a_database(self):
        name = f"antares_copy_{os.getpid()}"
        template.copy_template(name)
        try:
            with template.using_database(name):
                assert schema_guard.is_schema_current()
                # Rights on the database itself are not copied.
                assert all(" on database " in line for line in provisioning.find_differences())
                provisioning.build_walls()

                assert provisioning.find_differences() == []
        finally:
            databases.drop(os.environ["DATABASE_URL"], name)
