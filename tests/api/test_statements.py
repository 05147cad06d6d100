"""What a view of mail asks the database: each statement is there for a reason."""

from __future__ import annotations

from typing import Any, Final

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

MESSAGES: Final = "/v1/users/me/messages"
#: Sent by `tests.walls`, which gives a request the rights of a web process, and by the transaction
#: that is around a test.
_OF_THE_TEST: Final = (
    "SELECT set_config('role'",
    "SELECT current_setting('role')",
    "SAVEPOINT",
    "RELEASE SAVEPOINT",
)

#: A part of each statement, in order: the request is counted, what is true of the mailboxes is
#: found, the rows are read, the use is recorded, key and fences are read.
_OF_A_PAGE: Final = (
    "FROM count_rates(",
    "FROM integrations_integration i",
    "FROM integrations_message WHERE",
    "INSERT INTO limited_use_leaf",
    "FROM vault_person_read_content(",
)


def statements_of(client: Any, path: str = MESSAGES) -> list[str]:
    with time_machine.travel(timezone.now(), tick=False):
        # The first request of a day, or of a feature's minute, writes that there was one.
        assert client.get(path).status_code == 200
        with CaptureQueriesContext(connection) as captured:
            assert client.get(path).status_code == 200
    return [one["sql"] for one in captured if not one["sql"].startswith(_OF_THE_TEST)]


@pytest.mark.usefixtures("alice")
class TestAPageOfMessages:
    @pytest.mark.parametrize(
        ("caller", "asked_first"),
        [
            ("hers", ["FROM find_web_session("]),
            ("widget", ["FROM find_service_token("]),
        ],
    )
    def test_asks_who_asks_once_and_what_it_shows_once(self, request, caller, asked_first):
        statements = statements_of(request.getfixturevalue(caller))

        expected = [*asked_first, *_OF_A_PAGE]
        assert len(statements) == len(expected), statements
        for part, statement in zip(expected, statements, strict=True):
            assert part in statement


class TestAMessageAndAThread:
    """Rows of mail are found with one statement, which says as well what may be seen."""

    @pytest.mark.parametrize("caller", ["hers", "widget"])
    @pytest.mark.parametrize("kind", ["message", "thread"])
    def test_ask_for_its_rows_once(self, request, mine, caller, kind):
        client = request.getfixturevalue(caller)
        path = {
            "message": f"{MESSAGES}/{mine.message}",
            "thread": f"/v1/users/me/threads/{mine.thread}",
        }[kind]

        statements = statements_of(client, path)

        of_mail = [one for one in statements if "integrations_message" in one]
        assert len(of_mail) == 1, of_mail
        assert not any("integrations_thread" in one for one in statements if one != of_mail[0])
        assert len(statements) == len(_OF_A_PAGE) + 1, statements
