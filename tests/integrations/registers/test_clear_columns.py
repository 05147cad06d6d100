"""Every column is sealed, or stands in a committed file with the reason why it is not."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import connection as database
from django.db import models

from integrations.purge import inventory
from integrations.review.registers import clear_columns
from integrations.review.registers.clear_column_reasons import LISTED, ColumnKind
from limited_use.vault.fields import SealedField


@pytest.fixture
def planted():
    """Return a way to make a model that is gone after the test."""
    made = []

    def make(**fields):
        meta = type("Meta", (), {"app_label": "integrations"})
        made.append(
            type("Planted", (models.Model,), {"__module__": __name__, "Meta": meta, **fields})
        )
        return made[-1]

    yield make
    for model in made:
        del apps.all_models["integrations"][model._meta.model_name]
    apps.clear_cache()


@pytest.mark.invariant(2, 4)
@pytest.mark.clause("WDEL")
class TestClearColumns:
    def test_are_committed_as_the_models_have_them(self):
        committed = clear_columns.FILE.read_text(encoding="utf-8")

        assert committed == clear_columns.render_register(), (
            "read the change, then: manage.py clear_columns"
        )

    @pytest.mark.parametrize(
        "field",
        [
            models.CharField(max_length=8),
            models.TextField(),
            models.JSONField(),
            models.BinaryField(),
            models.EmailField(),
        ],
        ids=lambda field: type(field).__name__,
    )
    def test_name_one_that_could_hold_words_and_is_not_listed(self, planted, field):
        with pytest.raises(clear_columns.UnlistedColumns, match=r"integrations\.Planted\.note"):
            clear_columns.list_clear_columns([planted(note=field)])

    def test_name_even_a_time_beside_sealed_data(self, planted):
        model = planted(
            text=SealedField(data_class="mail.content"),
            integration_id=models.UUIDField(),
            seen=models.DateTimeField(),
        )

        with pytest.raises(clear_columns.UnlistedColumns, match=r"^integrations\.Planted\.seen$"):
            clear_columns.list_clear_columns([model])

    def test_list_nothing_that_does_not_exist_or_is_sealed(self):
        found = {
            f"{column.table}.{column.name}"
            for column in clear_columns.list_clear_columns(
                apps.get_models(include_auto_created=True)
            )
        }

        assert set(LISTED) <= found
        assert all(why for _, why in LISTED.values())

    def test_are_all_columns_that_the_database_has(self, db):
        listed = {
            (model._meta.db_table, field.column)
            for model in apps.get_models(include_auto_created=True)
            for field in model._meta.concrete_fields
        }

        with database.cursor() as cursor:
            cursor.execute(
                "SELECT table_name, column_name FROM information_schema.columns"
                " WHERE table_schema = 'public' AND table_name <> ALL(%s)",
                [["django_migrations", "django_session", "django_cache", *caches()]],
            )
            assert set(cursor.fetchall()) == listed

    @pytest.mark.invariant(6)
    def test_under_the_directory_key_are_emptied_by_a_purge(self):
        outer = {name for name, (kind, _) in LISTED.items() if kind is ColumnKind.OUTER}
        holdings = {holding.model._meta.label for holding in inventory.HOLDINGS}

        assert "integrations.Connection.account_blind" in outer
        # A discard is of no connection: it goes with the provider's answer, or the next sweep.
        outer.discard("integrations.Discard.account_blind")
        assert {name.rpartition(".")[0] for name in outer} <= holdings
        assert "emptied with the connection" in clear_columns.describe_purge(
            "integrations.Connection"
        )

    def test_that_are_hashes_of_a_providers_words_are_keyed(self):
        # A column named so, and of no kind but blind: the sealer or the directory made it.
        named = {name for name in LISTED if name.endswith("_blind")}
        blind = {
            name
            for name, (kind, _) in LISTED.items()
            if kind in {ColumnKind.INNER, ColumnKind.OUTER}
        }

        assert named | {"integrations.DriveFile.fingerprint"} == blind


def caches():
    from django.conf import settings

    return [
        cache["LOCATION"]
        for cache in settings.CACHES.values()
        if cache["BACKEND"].endswith("DatabaseCache")
    ]
