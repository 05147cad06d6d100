"""
Production as config/README.md sets it up, from the first server to a receipt.

What is real: Debian's PostgreSQL and Valkey, OpenBao, nginx, TLS everywhere, a login for each class
of process, mail by SMTP, the proxy for the way out. What stands in: the sandbox, at the real
names of Google's and Microsoft's hosts. Run it with `-s` to read what each step saw.
"""

from __future__ import annotations

import json
import re
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import pytest
from joserfc.jwk import ECKey

from tests.front import nginx
from tests.production import broker, deployment
from tests.production.deployment import STAFF_URL, URL, Production
from tests.production.documented import read_provider_hosts
from tests.production.passwords import set_password
from tests.production.report import say, wait_for
from tests.production.staff import OLGA, SAM, visit_staff_site
from tests.smoke.client import Page
from tests.smoke.person import SmokePerson
from tests.smoke.receipts import Receipts
from tests.worlds.microsoft import MicrosoftSandbox

GMAIL, OUTLOOK = "alice@gmail.example", "alice@contoso.example"
SIZE = 12
ALICE = {"email": "alice@acme.example", "name": "Alice", "password": "a long password of Alice's"}
# What a page says, and the API, while the key store is away (limited_use/README.md).
NOTHING_OPENS = "Antares cannot decrypt your data right now."
KEYS_AWAY = "key-store-unavailable"


class Cast(NamedTuple):
    """The service, a person at its pages, and their receipts."""

    production: Production
    alice: SmokePerson
    receipts: Receipts


@pytest.fixture(scope="module")
def production():
    """Return the service set up by the documented commands, with all of its processes running."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="antares-prod-")))
        folder.chmod(0o711)
        made = stack.enter_context(deployment.run_production(folder))
        servers = made.servers
        say("PostgreSQL", servers.database.version())
        say("broker", broker.version())
        say("key store", servers.key_store.version())
        say("web server", f"granian {metadata.version('granian')} behind {nginx.version()}")
        made.make_keys()
        made.release()
        made.register_people()
        say("released", f"classes {', '.join(made.classes)}; the owner is no superuser")
        made.start_processes(stack)
        stack.enter_context(deployment.in_front(folder, made))
        yield made


@pytest.fixture(scope="module")
def cast(production):
    provider = production.servers.sandbox
    settings = production.shared
    for name in ("google", "microsoft"):
        provider.register_client(
            settings[f"{name.upper()}_CLIENT_ID"],
            settings[f"{name.upper()}_CLIENT_SECRET"],
            (f"{URL}/connect/{name}/callback",),
        )
    provider.seed(GMAIL, size=SIZE, days=20, malformed=0, hostile=0)
    MicrosoftSandbox(provider).seed(OUTLOOK, size=SIZE, days=20, malformed=0, hostile=0)
    alice = SmokePerson(URL, ALICE)
    alice.browser.http.close()
    alice.browser = production.servers.internet.browser(URL)
    yield Cast(production, alice, Receipts(alice))
    alice.browser.http.close()


@pytest.mark.thorough("production by its documented commands, on real servers with TLS")
@pytest.mark.invariant(6)
def test_connects_reads_survives_its_key_store_and_disconnects(cast):
    production, alice, _ = cast
    wait_for(lambda: alice.browser.get("/readyz").status == 200)
    say("/readyz", alice.browser.get("/readyz").text)

    letter = set_password(alice.browser, production.servers.mail, ALICE)
    say("first password", f"by a link mailed to {letter['To']} from {letter['From']}, over TLS")
    alice.sign_in()
    say("signed in", "with the password that the mailed link let her set")
    connect_and_read(cast)
    lose_the_key_store(cast)
    visit_staff_site(production, alice, list_messages(production, "google")[0])
    disconnect_twice(cast)
    visit_both_sites(production)

    look_at_the_rest(production)
    assert production.blocks.list_unread() == []


def connect_and_read(cast: Cast) -> None:
    production, alice, _ = cast
    alice.connect(GMAIL)
    wait_for(lambda: count_messages(production, "google") == SIZE)
    assert {one["id"] for one in alice.messages()} == set(list_messages(production, "google"))
    alice.connect(OUTLOOK, provider="microsoft")
    wait_for(lambda: count_messages(production, "microsoft") == SIZE)
    # Nobody has read Microsoft's yet: the web process has not asked for the key of these.
    egress = production.servers.internet.egress
    assert egress.refused == []
    hosts = {place.removesuffix(":443") for place in egress.passed}
    assert hosts <= set(read_provider_hosts())
    assert {"gmail.googleapis.com", "graph.microsoft.com"} <= hosts
    say("connected Gmail and Microsoft", f"{SIZE} messages each; Gmail's read by page and API")
    say(
        "the egress proxy passed on",
        f"{len(egress.passed)} connections to {', '.join(sorted(hosts))}",
    )


def lose_the_key_store(cast: Cast) -> None:
    """Kill it while somebody reads; what is open stays so, nothing else opens, nothing is lost."""
    production, alice, _ = cast
    store, provider = production.servers.key_store, production.servers.sandbox
    [read_before, *_] = list_messages(production, "google")
    [new, *_] = list_messages(production, "microsoft")
    read_on = f"{URL}/v1/users/me/messages/{read_before}"
    read_in_each_process(alice, read_before)
    with reading(alice, read_on) as of_gmail:
        wait_for(lambda: of_gmail)
        store.kill()
        began = time.monotonic()
        look_while_keys_are_away(alice, read_before, new)
    with reading(alice, f"{URL}/inbox/") as answers:
        wait_for(lambda: answers)
        provider.deliver(GMAIL, subject="while it was away", text="hello", sender="bob")
        store.start()
        say("OpenBao started again: sealed", alice.browser.get("/readyz").response.json()["keys"])
        store.unseal()
        page = wait_for(lambda: open_inbox(alice))
        say("OpenBao unsealed: the inbox", f"{page.status}, without a restart of ours")
        # The reader's own process may look for the key store a little later.
        wait_for(lambda: any(status == HTTPStatus.OK for status, _ in answers))
    # Each web process finds the key store again by itself.
    wait_for(lambda: read_by_api(alice, new).status_code == 200)
    wait_for(lambda: "while it was away" in alice.browser.get("/inbox/").text)
    say(
        "mail that came while it was away",
        f"in the inbox {time.monotonic() - began:.0f} s after the kill",
    )
    assert {status for status, _ in of_gmail} == {200}
    assert all(NOTHING_OPENS in text for status, text in answers if status != 200)
    seen = Counter(status for status, _ in answers)
    assert set(seen) == {200, 503}
    say("somebody who read one message all the time", f"{len(of_gmail)} answers, all of 200")
    say("somebody who looked at the inbox all the time", f"503 {seen[503]} times, 200 {seen[200]}")


def read_in_each_process(alice: SmokePerson, message_id: str) -> None:
    """Read a message so often at once that each web process reads it: it keeps keys of its own."""
    with ThreadPoolExecutor(16) as readers:
        answers = list(readers.map(lambda _: read_by_api(alice, message_id), range(64)))
    assert {answer.status_code for answer in answers} == {200}


def look_while_keys_are_away(alice: SmokePerson, read_before: str, new: str) -> None:
    assert read_by_api(alice, read_before).status_code == 200
    answer = read_by_api(alice, new)
    page = alice.browser.get("/inbox/")
    assert (answer.status_code, answer.json()["code"]) == (503, KEYS_AWAY)
    assert answer.headers["Retry-After"]
    assert page.status == 503
    assert NOTHING_OPENS in page.text
    ready = alice.browser.get("/readyz")
    assert (ready.status, ready.response.json()["keys"]) == (200, "away")
    assert alice.settings().status == 200
    say("OpenBao killed: a message read before", "200")
    say("OpenBao killed: the inbox", f"503, “{NOTHING_OPENS}”; the API {KEYS_AWAY}, Retry-After")
    say("OpenBao killed: /readyz, settings", f"200, keys {ready.response.json()['keys']}; 200")


@contextmanager
def reading(person: SmokePerson, address: str) -> Iterator[list[tuple[int, str]]]:
    """Have somebody read there until the block ends; yield status and text of each answer."""
    answers: list[tuple[int, str]] = []
    is_over = threading.Event()

    def read_until_over() -> None:
        while not is_over.wait(0.1):
            answer = person.browser.http.get(address)
            answers.append((answer.status_code, answer.text))

    reader = threading.Thread(target=read_until_over)
    reader.start()
    try:
        yield answers
    finally:
        is_over.set()
        reader.join()


def disconnect_twice(cast: Cast) -> None:
    production, alice, receipts = cast
    provider = production.servers.sandbox
    for number in (1, 2):
        page, milliseconds = alice.disconnect()
        assert "can no longer read" in page.text
        receipt = wait_for(lambda: receipts.next(alice))
        status, said = receipts.verify(receipt)
        assert status == 0, said
        body = json.loads(receipt)["body"]
        outcome = body["provider_revocation"]["outcome"]
        say(f"disconnected {number} of 2", f"{milliseconds:.0f} ms; at the provider: {outcome}")
        first, *_, last = said.strip().splitlines()
        say(f"receipt {number}, offline verifier", f"{' '.join(first.split())}; {last.strip()}")
        changed = receipt.replace(b'"trigger"', b'"Trigger"')
        assert changed != receipt
        assert receipts.verify(changed)[0] != 0
    assert provider.grants(GMAIL) == []
    rows = production.servers.database.rows("SELECT count(*) FROM integrations_message")
    assert rows == [(0,)]
    say("messages left in the database", str(rows[0][0]))


def visit_both_sites(production: Production) -> None:
    """Ask each site for pages of either."""
    with production.servers.internet.browser(STAFF_URL).http as http:
        answers = {
            path: tuple(http.get(f"{site}{path}").status_code for site in (URL, STAFF_URL))
            for path in ("/accounts/login/", "/support/items/", "/metrics", "/inbox/")
        }
    assert answers == {
        "/accounts/login/": (200, 200),
        "/support/items/": (404, 302),
        "/metrics": (404, 302),
        "/inbox/": (302, 404),
    }
    say("pages of staff", "404 at PUBLIC_URL, a sign-in at STAFF_URL; mail the other way round")


def look_at_the_rest(production: Production) -> None:
    """Look at logins and logs, and run the operator's commands."""
    database = production.servers.database
    production.run_console()
    run_owners_commands(production)
    production.run("purge", "python", "manage.py", "overdue_purges")
    for process_class in production.classes:
        checks = ("python", "manage.py", "check", "--deploy", "--database", "default")
        production.run(process_class, *checks, "--fail-level", "ERROR")
    say("check --deploy, as each class", "no error")
    sessions = re.findall(r"authorized: user=(antares\S+) (.*)", database.logged())
    assert all("SSL enabled (protocol=TLSv1.3" in how for _, how in sessions)
    logins = {name for name, _ in sessions}
    assert logins == {"antares_owner", *(f"antares_{one}" for one in production.classes)}
    supers = database.rows("SELECT rolname FROM pg_roles WHERE rolsuper OR rolbypassrls")
    assert supers == [("postgres",)]
    say("logged in by TLS 1.3, none a superuser", ", ".join(sorted(logins)))
    alarms = {kind for (kind,) in database.rows("SELECT kind FROM accounts_alarm")}
    # On a loaded machine a worker needs more than a minute for its start.
    assert alarms <= {"client.changed", "keyring.unavailable", "workers.missing"}
    logged = production.logged()
    assert "egress.refused" not in logged
    addresses = [GMAIL, *(person["email"] for person in (ALICE, SAM, OLGA))]
    assert [address for address in addresses if address in logged] == []
    say("alarms", ", ".join(alarms) or "none")


def run_owners_commands(production: Production) -> None:
    """Name a client and a leaving person in the ledger, with the key rights of the owner's role."""
    key = ECKey.generate_key("P-256", {"kid": "first"})
    keys = production.folder / "keys.json"
    keys.write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
    manage = ("python", "manage.py")
    feature, purpose = "inbox-widget", "inbox.display"
    operators = ("--by", "olga", "--approved-by", "otto")
    register = ("clients", "register", feature, str(keys), purpose, *operators)
    said = production.run("owner", *manage, *register)
    say("clients register, people leave, as the owner", said.strip())
    production.run("owner", *manage, "people", "leave", "alice", "acme")


def count_messages(production: Production, provider: str) -> int:
    return len(list_messages(production, provider))


def list_messages(production: Production, provider: str) -> list[str]:
    rows = production.servers.database.rows(
        "SELECT m.id FROM integrations_message m"
        " JOIN integrations_integration i ON i.id = m.integration_id"
        " JOIN integrations_connection c ON c.id = i.connection_id"
        " WHERE c.provider = %s ORDER BY m.id",
        provider,
    )
    return [str(row[0]) for row in rows]


def read_by_api(person: SmokePerson, message_id: str):
    address = f"{URL}/v1/users/me/messages/{message_id}"
    return person.browser.http.get(address)


def open_inbox(person: SmokePerson) -> Page | None:
    page = person.browser.get("/inbox/")
    return page if page.status == 200 else None
