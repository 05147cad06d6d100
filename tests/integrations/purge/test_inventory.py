"""The inventory is derived again from the models: a table that is on neither list fails."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import connection as database

from integrations.models import Connection, Integration
from integrations.purge import inventory

NAMES = {"integration_id", "connection_id", "user_id", "owner_id", "holder", "subject_id"}


def reaching(roots):
    """Return the models that point at `roots`, directly or through another table."""
    found = set(roots)
    while True:
        more = {
            model
            for model in apps.get_models()
            for field in model._meta.get_fields()
            if (field.many_to_one or field.one_to_one)
            and not field.auto_created
            and field.related_model in found
        } - found
        if not more:
            return found - set(roots)
        found |= more


def naming():
    """Return the models that carry somebody's id, whether or not they point at them."""
    return {
        model
        for model in apps.get_models()
        if NAMES & {field.attname for field in model._meta.concrete_fields}
    }


@pytest.mark.invariant(6)
@pytest.mark.scenario("X2")
@pytest.mark.clause("WDEL", "CASA-DEL")
class TestInventory:
    def test_lists_every_table_that_reaches_or_names_an_integration(self):
        expected = reaching({Integration, Connection}) | naming() | {Integration, Connection}
        listed = {holding.model._meta.label for holding in inventory.HOLDINGS}

        unlisted = {model._meta.label for model in expected} - listed - set(inventory.EXCEPTIONS)

        assert unlisted == set()

    def test_lists_every_column_that_is_sealed(self):
        sealed = {
            model._meta.label
            for model in apps.get_models()
            for field in model._meta.concrete_fields
            if hasattr(field, "data_class")
        }

        assert sealed <= {holding.model._meta.label for holding in inventory.HOLDINGS}

    def test_excepts_nothing_that_is_also_a_holding_or_does_not_exist(self):
        labels = {model._meta.label for model in apps.get_models()}

        assert set(inventory.EXCEPTIONS) <= labels
        assert not set(inventory.EXCEPTIONS) & {one.model._meta.label for one in inventory.HOLDINGS}
        assert all(inventory.EXCEPTIONS.values())

    def test_gives_each_holding_a_name_of_its_own(self):
        labels = [holding.label for holding in inventory.HOLDINGS]

        assert len(set(labels)) == len(labels)

    def test_notices_a_table_that_a_foreign_key_of_the_database_adds(self, db):
        # Also what has no model: a table made by hand, or by a library.
        with database.cursor() as cursor:
            cursor.execute(
                "SELECT DISTINCT conrelid::regclass::text FROM pg_constraint WHERE contype = 'f'"
                " AND confrelid IN ('integrations_integration'::regclass,"
                " 'integrations_connection'::regclass, 'integrations_message'::regclass)"
            )
            tables = {row[0] for row in cursor.fetchall()}

        known = {holding.model._meta.db_table for holding in inventory.HOLDINGS} | {
            apps.get_model(label)._meta.db_table for label in inventory.EXCEPTIONS
        }
        assert tables <= known
