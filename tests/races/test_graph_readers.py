"""Workers and pages that read one mailbox at Graph together, within its limits."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from integrations.models import Connection, Message, SyncWork
from tests.factories import make_organisation, make_user
from tests.integrations.microsoft import ALICE_BOX, MicrosoftConnectBrowser, point_at
from tests.integrations.purge.conftest import keyring
from tests.races.graph_readers import PATIENCE
from tests.worlds.processes import script

__all__ = ["keyring"]

MESSAGES = 60

pytestmark = pytest.mark.django_db(transaction=True)


class Mailbox:
    """Alice's mailbox at Graph, which has its limits, and the processes that read it."""

    def __init__(self, sandbox, settings) -> None:
        self.microsoft = point_at(settings, sandbox)
        self.microsoft.seed(ALICE_BOX, size=MESSAGES, seed=3, days=60, malformed=0, hostile=0)
        sandbox.dial(latency_seconds=0.05)
        self.environment = {
            "MICROSOFT_AUTHORITY_URL": sandbox.url,
            "MICROSOFT_GRAPH_URL": sandbox.url,
            "MICROSOFT_CLIENT_ID": settings.MICROSOFT.client_id,
            "MICROSOFT_CLIENT_SECRET": settings.MICROSOFT.client_secret,
        }
        organisation = make_organisation()
        MicrosoftConnectBrowser(
            make_user("alice", organisation=organisation), self.microsoft
        ).connect()
        self.connection = Connection.objects.get()
        self.work = SyncWork.objects.get()

    def read(self, *, workers: int, persons: int) -> list[int]:
        """Have processes read the mailbox, and return what each of them says at its end."""
        connection = self.connection
        person = (connection.id, connection.user_id, connection.organisation_id)
        commands = [("sync", self.work.id)] * workers + [("person", *person)] * persons
        with ExitStack() as stack:
            started = [
                stack.enter_context(
                    script("tests.races.graph_readers", *map(str, command), **self.environment)
                )
                for command in commands
            ]
            said = [one.communicate(timeout=2 * PATIENCE)[0] for one in started]
        assert [one.returncode for one in started] == [0] * len(started)
        return [int(one) for one in said]

    def count_throttled(self) -> int:
        statuses = self.microsoft.sandbox.counters()["statuses"]
        return sum(count for name, count in statuses.items() if name.endswith(" 429"))

    def check_all_were_read(self) -> None:
        """We have as many messages as the provider lists."""
        listed = self.microsoft.look("mailbox", email=ALICE_BOX, provider="microsoft")
        assert Message.objects.count() == listed["listedTotal"]


@pytest.fixture
def mailbox(sandbox, settings):
    return Mailbox(sandbox, settings)


class TestProcessesOfOneMailbox:
    def test_never_have_more_under_way_than_graph_answers(self, mailbox):
        mailbox.read(workers=2, persons=2)

        assert mailbox.count_throttled() == 0
        mailbox.check_all_were_read()

    @pytest.mark.thorough("processes, and pauses that are waited for")
    @pytest.mark.parametrize("retry_after", ["1.128", ""])
    def test_pause_together_when_graph_says_so(self, mailbox, retry_after):
        mailbox.microsoft.sandbox.dial(graph_retry_after=retry_after)
        problem = "graph_throttled" if retry_after else "graph_throttled_silently"
        for skip in (10, 40):
            mailbox.microsoft.sandbox.fail_next(
                path_contains="/v1.0/me", problem=problem, skip=skip
            )

        mailbox.read(workers=2, persons=1)

        # Those that were told to, and at most the others that were under way.
        assert mailbox.count_throttled() <= 4
        mailbox.check_all_were_read()
