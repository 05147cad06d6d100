"""What each class of process may ask of the keys: each right, and each refusal, one by one."""

from __future__ import annotations

import secrets

import pytest
from django.db import ProgrammingError, transaction

from accounts import row_owner
from accounts.ids import uuid7
from config.process_classes import ProcessClass
from limited_use.access_request import AccessRequest
from limited_use.checks import find_keyring_problems
from limited_use.guard import guard
from limited_use.policy.key_lines import KeyLine
from limited_use.policy.policy_vocabulary import DataClass, Fact, Purpose, Recipient, Use
from limited_use.rotation import key_epochs
from limited_use.sinks import provider_sink
from limited_use.vault import data_key_rows, data_keys, keyring_fit, ledger_key_wrap, sealing
from limited_use.vault.envelope import Unopenable
from limited_use.vault.keyring import keyring_rights
from limited_use.vault.keyring.keyring_factory import get_keyring
from limited_use.vault.keyring.keyring_file import FileKeyring
from limited_use.vault.keyring.keyring_port import (
    KeyBinding,
    MacKey,
    NoKeyring,
    RewrapRequest,
    SigningKey,
)
from limited_use.vault.keyring.keyring_rights import LimitedKeyring, NotThisProcess
from limited_use.vault.keyring.keyring_transit import TransitKeyring
from tests.integrations.household import person
from tests.limited_use.conftest import NOW, SYSTEM
from tests.walls import acting_as

KEY = bytes(range(32))
BOUND = KeyBinding(uuid7(), b"12345678")
TURN = ("begin", "rewrap", "destroy")

#: What each class does for its work. Written out, and not taken from the code that it is about.
MAY = {
    "web": {
        "content": ("wrap", "unwrap"),
        "own": ("wrap", "unwrap"),
        "account": ("wrap", "unwrap"),
        # Seals a refresh token, and never opens one.
        "credential": ("wrap",),
        "directory": ("mac",),
        "pseudonym": ("mac",),
        "ledger": ("read",),
        "receipts": ("read",),
    },
    "staff": {
        # What owners opened to support, and the names of its entries in the ledger.
        "content": ("unwrap",),
        # An event of a calendar that lives here.
        "own": ("unwrap",),
        "account": ("unwrap",),
        # Hashes an address that an agent typed.
        "directory": ("mac",),
        "pseudonym": ("mac",),
        "ledger": ("read",),
        "receipts": ("read",),
    },
    "sync": {
        # Makes the keys of calendars' copies.
        "content": ("wrap", "unwrap"),
        # An Antares calendar that its owner saves in a Drive.
        "own": ("unwrap",),
        "account": ("unwrap",),
        "credential": ("unwrap",),
        # Writes down by what the notifications of a mailbox will find it.
        "directory": ("mac",),
        "pseudonym": ("mac",),
        "ledger": ("read",),
        "receipts": ("read",),
    },
    "purge": {
        # Turns what it cannot open.
        "content": TURN,
        "own": TURN,
        "account": ("wrap", "unwrap", *TURN),
        "credential": ("wrap", "unwrap", *TURN),
        "pseudonym": ("mac",),
        "ledger": ("read", "sign"),
        "receipts": ("read", "sign"),
    },
    "console": {"ledger": ("read",), "receipts": ("read",)},
}
ACTS = {
    **dict.fromkeys(map(str, KeyLine), ("wrap", "unwrap", *TURN)),
    **dict.fromkeys(map(str, MacKey), ("mac",)),
    **dict.fromkeys(map(str, SigningKey), ("read", "sign")),
}
CASES = [
    pytest.param(name, act, process_class, id=f"{process_class}-{act}-{name}")
    for process_class in MAY
    for name, acts in ACTS.items()
    for act in acts
]


def do(ring, act, name, wrapped):
    """Do one thing with the key of that name; `wrapped` is one of the line's, of epoch 1."""
    whole = {
        "wrap": lambda: ring.wrap(KeyLine(name), 1, KEY, BOUND),
        "unwrap": lambda: ring.unwrap(KeyLine(name), 1, wrapped, BOUND),
        "begin": lambda: ring.create_epoch(KeyLine(name)),
        "rewrap": lambda: ring.rewrap(KeyLine(name), 1, [RewrapRequest(1, wrapped, BOUND)]),
        "destroy": lambda: ring.destroy_epoch(KeyLine(name), 1),
        "mac": lambda: ring.compute_mac(MacKey(name), b""),
        "sign": lambda: ring.sign(SigningKey(name), b""),
        "read": lambda: ring.get_public_key(SigningKey(name)),
    }
    return whole[act]()


def wrapped_by(ring, act, name):
    """Return a wrapped key, where the act needs one; there is a second epoch to destroy for."""
    if act in {"unwrap", "rewrap"}:
        return ring.wrap(KeyLine(name), 1, KEY, BOUND)
    if act == "destroy":
        ring.create_epoch(KeyLine(name))
    return None


@pytest.fixture
def engine(openbao, place, use):
    """Return a transit engine with our keys, and its keyring as root."""
    return place, TransitKeyring.create(place._replace(token=openbao.root))


@pytest.fixture(scope="module")
def lasting(openbao):
    """Return the same, one for all tests that leave it as it is."""
    place = openbao.place(f"t-{secrets.token_hex(6)}")
    return place, TransitKeyring.create(place._replace(token=openbao.root))


@pytest.mark.control("6.7.1")
@pytest.mark.clause("WSEC-KEY")
class TestAPolicyOfAClass:
    # The keyring itself, without our own limits before it: the server decides.
    @pytest.mark.parametrize(("name", "act", "process_class"), CASES)
    def test_is_exactly_its_lines(self, request, openbao, use, name, act, process_class):  # noqa: PLR0917
        may = act in MAY[process_class].get(name, ())
        changes_it = act == "destroy" or (may and act in TURN)
        place, root = request.getfixturevalue("engine" if changes_it else "lasting")
        wrapped = wrapped_by(root, act, name)
        ring = use(place._replace(token=openbao.token(place, process_class)))

        if may:
            do(ring, act, name, wrapped)
        else:
            with pytest.raises(NoKeyring, match="policies") as caught:
                do(ring, act, name, wrapped)
            assert caught.value.__context__ is None

    @pytest.mark.parametrize("process_class", MAY)
    def test_lets_nobody_make_a_key_or_let_one_out(self, openbao, engine, use, process_class):
        place, _ = engine
        ring = use(place._replace(token=openbao.token(place, process_class)))

        for line in KeyLine:
            for setting in ("exportable", "allow_plaintext_backup", "deletion_allowed"):
                with pytest.raises(NoKeyring):
                    ring._call_engine("POST", f"keys/antares-{line}/config", {setting: True})
            with pytest.raises(NoKeyring):
                ring._call_engine("DELETE", f"keys/antares-{line}")
            with pytest.raises(NoKeyring):
                ring._call_engine("GET", f"export/encryption-key/antares-{line}")
        with pytest.raises(NoKeyring):
            ring._call_engine("POST", "keys/antares-another", {"type": "aes256-gcm96"})

    @pytest.mark.parametrize("process_class", MAY)
    def test_suffices_for_the_checks_of_its_class(  # noqa: PLR0917
        self, openbao, engine, use, settings, process_class, db
    ):
        place, _ = engine
        settings.PROCESS_CLASS = process_class
        use(place._replace(token=openbao.token(place, process_class)))

        assert find_keyring_problems() == []
        assert keyring_fit.find_problems() == []


@pytest.mark.control("6.7.1")
class TestFilesOfAClass:
    # The operating system cannot tell them apart; the code does.
    @pytest.mark.parametrize(("name", "act", "process_class"), CASES)
    def test_are_used_exactly_as_far(self, ring, name, act, process_class):
        wrapped = wrapped_by(ring, act, name)
        limited = LimitedKeyring(ring, process_class)

        if act in MAY[process_class].get(name, ()):
            do(limited, act, name, wrapped)
        else:
            with pytest.raises(NotThisProcess, match=process_class):
                do(limited, act, name, wrapped)

    def test_are_not_used_by_a_class_that_nobody_knows(self, ring):
        limited = LimitedKeyring(ring, "marketing")

        for name, acts in ACTS.items():
            for act in acts:
                if act != "read":
                    with pytest.raises(NotThisProcess):
                        do(limited, act, name, b"")


class TestNamingKeys:
    """What staff read of the line of accounts: the keys of the ledger's names, and no account's."""

    @pytest.mark.django_db
    def test_are_read_by_staff_and_the_key_of_an_account_is_not(self, ring, settings):
        account, naming_holder = uuid7(), ledger_key_wrap.get_naming_holder(1)
        for holder in (account, naming_holder):
            data_keys.create_data_key(holder=holder, line=KeyLine.ACCOUNT, at=NOW)

        settings.PROCESS_CLASS = "staff"
        with acting_as("staff"):
            read = data_key_rows.read_data_key_row(naming_holder)
            assert read is not None
            assert read.holder == naming_holder
            assert data_key_rows.read_data_key_row(account) is None
            with pytest.raises(ProgrammingError), transaction.atomic():
                data_key_rows.run_vault_query("SELECT * FROM vault_read_account(%s)", [account])


class TestRightsTable:
    def test_knows_every_class_of_process(self):
        assert {one for one in keyring_rights.RIGHTS if one} == set(map(str, ProcessClass))

    def test_applies_to_the_process_that_the_settings_name(self, ring, settings):
        assert isinstance(get_keyring(), FileKeyring)

        settings.PROCESS_CLASS = "web"

        assert isinstance(get_keyring(), LimitedKeyring)
        assert get_keyring() is get_keyring()


@pytest.fixture
def connection(ring, db):
    """Return a connection, with its owner entered."""
    from integrations.models import Connection

    user, organisation, _ = person(at=NOW)
    made = Connection.objects.create(
        user=user, organisation=organisation, provider="google", connected_at=NOW
    )
    with row_owner.acting_for(user.id, organisation.id):
        yield made


@pytest.fixture
def grant(connection):
    """Return a refresh token as a web process seals it, and a permit for it."""
    from integrations.models import Connection

    holder, row = connection.grant_id, connection.id
    sealer = sealing.create_sealer(holder=holder, line=KeyLine.CREDENTIAL, at=NOW, epoch=1)
    sealed = sealer.seal_value(Connection, "refresh_token", row=row, data="1//refresh")
    use = Use(DataClass.CREDENTIAL, Purpose.CONNECTION_MAINTAIN, Recipient.OWN_PROVIDER)
    facts = frozenset({Fact.CONNECTION_LIVE, Fact.GRANT_LIVE})
    asked = AccessRequest(
        use=use,
        holder=holder,
        epoch=1,
        actor=SYSTEM,
        on_behalf_of=None,
        facts=facts,
        account=holder,
    )
    return sealed, guard.permit(asked, at=NOW)


@pytest.mark.invariant(2)
class TestRightsOfWebProcess:
    @pytest.fixture(autouse=True)
    def _web(self, settings, ring, db):
        settings.PROCESS_CLASS = "web"
        data_keys.drop_cached_keys()

    def test_seals_a_refresh_token_and_cannot_open_it(self, grant):
        with pytest.raises(NotThisProcess):
            provider_sink.open_credential(*grant, to=grant[1].account, at=NOW)

    def test_keeps_no_key_of_what_it_sealed(self, grant):
        # Nothing to open it with stayed in this process's memory.
        assert len(data_keys._key_cache) == 0

    def test_cannot_make_itself_another_sealer_for_it(self, grant):
        with pytest.raises(NotThisProcess):
            sealing.get_sealer(holder=grant[0].binding.holder, epoch=1)

    @pytest.mark.parametrize("line", KeyLine)
    def test_turns_no_epoch(self, line):
        with pytest.raises(NotThisProcess):
            key_epochs.rotate_key_epoch(line, NOW)

    def test_seals_what_a_worker_opens(self, grant, settings):
        settings.PROCESS_CLASS = "sync"

        assert provider_sink.open_credential(*grant, to=grant[1].account, at=NOW) == "1//refresh"

    @pytest.mark.invariant(5)
    def test_destroys_what_it_cannot_open(self, grant, settings):
        sealed, held = grant
        assert data_keys.destroy_returning_id(holder=held.holder)
        settings.PROCESS_CLASS = "sync"

        with pytest.raises(Unopenable):
            provider_sink.open_credential(sealed, held, to=held.account, at=NOW)
