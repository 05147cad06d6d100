"""The documents on support say what the code does: modules, numbers, and tables of the database."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.apps import apps
from django.conf import settings

from config.database.row_owners import OWNERS, OwnedTable, StaffRowAccess, UnownedTable
from config.database.table_grants import GRANTS
from config.process_classes import ProcessClass
from integrations.access import support_consents
from integrations.models import CODE_LASTS, QUESTION_LASTS
from integrations.support import (
    act_rows,
    acts,
    bulk_act,
    bulk_revocation,
    bulk_runner,
    lookups,
    questions,
    retention,
    support_codes,
)
from limited_use.vault.fields import SealedField

PACKAGE = settings.BASE_DIR / "integrations" / "support"
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
#: Columns that name a person or an organisation, by id or pseudonym.
OF_PEOPLE = {"user_id", "organisation_id", "platform_id", "about", "subject"}


def read(path):
    """Return a document with one space between two words."""
    return " ".join((settings.BASE_DIR / path).read_text(encoding="utf-8").split())


def spell(number):
    return NUMBERS[int(number)]


class TestThePackage:
    def test_lists_its_modules(self):
        table = (PACKAGE / "README.md").read_text(encoding="utf-8").partition("## ")[0]
        rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
        named = {name for row in rows for name in re.findall(r"`(\w+)/?`", row)}

        modules = {path.stem for path in PACKAGE.glob("[!_]*.py")}
        folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
        assert named == modules | folders

    @pytest.mark.parametrize(
        "sentence",
        [
            f"made at most {lookups.HOURLY_LOOKUPS.limit} look-ups within the hour",
            f"A look-up is open for {lookups.LOOKUP_MINUTES} minutes",
            f"More than {lookups.USUAL_LOOKUPS_PER_HOUR} look-ups by one agent within an hour",
            (
                f"A code has {5 * support_codes._LENGTH} bits,"
                f" lasts {spell(CODE_LASTS / timedelta(minutes=1))} minutes"
            ),
            f"Agents can try {lookups.HOURLY_CODES.limit} codes an hour, all together",
            f"*failed* after {spell(act_rows.MAX_TRIES)} tries",
            f"more than {acts.USUAL_REVOCATIONS_PER_DAY} single disconnects by one agent on a day",
            "opens it for {}, {} or {} hours".format(*support_consents.HOURS),
            f"waits {spell(QUESTION_LASTS.days)} days",
            f"{spell(questions.MAX_WAITING).title()} questions wait for a person at most",
            f"asks at most {questions.DAILY_QUESTIONS.limit} a day",
            (
                f"deleted after {retention.KEPT_FOR.days} days,"
                f" codes after {retention.CODES_KEPT_FOR.days};"
            ),
            f"decides within {bulk_revocation.DECIDED_WITHIN // timedelta(hours=1)} hours",
            f"before each batch of {bulk_runner.BATCH}",
            f"a lease that ends after {spell(bulk_runner.LEASE / timedelta(minutes=1))} minutes",
            f"is tried {spell(bulk_act.MAX_TRIES)} times",
        ],
    )
    def test_states_its_bounds(self, sentence):
        assert sentence in read("integrations/support/README.md")


class TestTheManual:
    @pytest.mark.parametrize(
        "sentence",
        [
            (
                f"for more than {lookups.USUAL_LOOKUPS_PER_HOUR} look-ups by one agent"
                " within an hour of the clock,"
            ),
            f"or more than {acts.USUAL_REVOCATIONS_PER_DAY} single disconnects on a day",
            f"if an account of a bulk disconnect fails {spell(bulk_act.MAX_TRIES)} times",
        ],
    )
    def test_states_when_alarms_are_raised(self, sentence):
        assert sentence in read("config/README.md")

    def test_lists_the_tables_that_a_look_up_shows(self):
        labels = {
            label
            for label, table in OWNERS.items()
            if isinstance(table, OwnedTable) and table.found
        }
        whole = {label for label in labels if "r" in GRANTS[label].staff}
        sealed = {label for label in whole if has_sealed_column(label)}

        rows = read_rows()
        assert sealed == set()
        assert rows["with an open look-up of a person"] == name_tables(labels - whole)
        assert rows["with an open look-up of a person, 2"] == name_tables(whole)
        assert rows["with an open look-up of a person, 3"] == name_tables(
            list_opened(StaffRowAccess.ORDER)
        )

    def test_lists_the_tables_that_an_opened_item_shows(self):
        shared = list_opened(
            StaffRowAccess.AGREEMENT,
            StaffRowAccess.INTEGRATION,
            StaffRowAccess.CONNECTION,
            StaffRowAccess.LEDGER_KEY,
        )
        items = list_opened(StaffRowAccess.ITEM)
        parts, calendars = list_opened(StaffRowAccess.PART), list_opened(StaffRowAccess.CALENDAR)

        rows = read_rows()
        message = rows["with a message that its owner opened"]
        event = rows["with an event that its owner opened"]
        assert message & event == name_tables(shared)
        assert message | event == name_tables(shared | items | parts | calendars)
        assert message - event == {"Message"} | name_tables(parts)

    def test_lists_the_tables_that_staff_always_see(self):
        always = {
            label
            for label, table in OWNERS.items()
            if isinstance(table, UnownedTable)
            and label in GRANTS
            and is_read_by_staff(label)
            and "." in label
            and OF_PEOPLE & {column.attname for column in list_columns(label)}
        }

        rows = read_rows()
        assert rows["always"] | rows["always, 2"] == name_tables(always)


def read_rows():
    """Return the tables of each row of *What support reads*, by its first cell."""
    text = (settings.BASE_DIR / "config/README.md").read_text(encoding="utf-8")
    rows, first, number = {}, "", 0
    for line in text[text.index("**What support reads.**") :].splitlines():
        if rows and not line.startswith("|"):
            return rows
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) != 5 or not (tables := set(re.findall(r"`(\w+)`", cells[2]))):
            continue
        first, number = (cells[1], 1) if cells[1] else (first, number + 1)
        rows[first if number == 1 else f"{first}, {number}"] = tables
    raise AssertionError("the table has no end")


def list_opened(*kinds):
    return {
        label
        for label, table in OWNERS.items()
        if isinstance(table, OwnedTable) and table.opened in kinds
    }


def is_read_by_staff(label):
    return "r" in GRANTS[label].staff or (ProcessClass.STAFF, "r") in GRANTS[label].columns


def list_columns(label):
    return apps.get_model(label)._meta.concrete_fields


def has_sealed_column(label):
    return any(isinstance(column, SealedField) for column in list_columns(label))


def name_tables(labels):
    return {label.partition(".")[2] for label in labels}
