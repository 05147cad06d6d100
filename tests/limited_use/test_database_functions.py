"""The functions of the database, read from the files that the migrations run."""

from __future__ import annotations

import pytest

from limited_use.database_functions import load_functions

TEXT = """-- Add two numbers.
CREATE OR REPLACE FUNCTION public.add(
    a integer, b timestamp with time zone
)
RETURNS TABLE (c integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT a
$body$;
"""
WEB = frozenset({"web"})


@pytest.fixture
def path(tmp_path):
    return tmp_path / "functions.sql"


class TestLoadFunctions:
    def test_reads_what_the_catalogue_is_compared_with(self, path):
        path.write_text(TEXT)

        (function,) = load_functions(path, {"add": WEB})

        assert function.signature == "add(integer,timestamp with time zone)"
        assert function.body == "\nSELECT a\n"
        assert (function.is_stable, function.classes) == (True, WEB)
        assert function.statement == TEXT.partition("\n")[2].rstrip("\n")

    @pytest.mark.parametrize(
        "text",
        [
            TEXT.replace("SECURITY DEFINER ", ""),
            TEXT.replace(" SET search_path = pg_catalog, pg_temp", ""),
            TEXT.replace("pg_catalog, pg_temp", "public"),
            TEXT.replace("public.add", "other.add"),
            TEXT + "CREATE TABLE t ();",
            TEXT.replace("public.add", "public.subtract"),
            "",
        ],
    )
    def test_refuses_a_file_that_creates_anything_else(self, path, text):
        path.write_text(text)

        with pytest.raises(ValueError, match=r"functions\.sql does not create \['add'\]"):
            load_functions(path, {"add": WEB})

    def test_refuses_a_function_that_no_class_was_named_for(self, path):
        path.write_text(TEXT)

        with pytest.raises(ValueError, match="does not create"):
            load_functions(path, {})
