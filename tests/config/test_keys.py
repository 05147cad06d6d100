import secrets
from pathlib import Path

import pytest

from config.environment import Environment, InvalidSettings
from config.keyring_settings import KeyringSettings, read_keyring
from tests.config import production

GOOD = {"KEYRING_URL": "https://bao.example:8200", "KEYRING_TOKEN": "s.token"}
ROLE = {"KEYRING_ROLE_ID": "role", "KEYRING_SECRET_ID": "secret"}
DEFAULT = Path("/default")


def read_keyring_settings(values, *, production=True):
    env = Environment(values)
    found = read_keyring(env, production=production, default_folder=DEFAULT)
    env.raise_problems()
    return found


@pytest.mark.control("6.7.1")
class TestKeyStore:
    def test_is_an_address_and_a_token_with_names_of_ours(self):
        assert read_keyring_settings(
            {**GOOD, "KEYRING_URL": "https://bao.example:8200/"}
        ) == KeyringSettings(
            url="https://bao.example:8200",
            mount="transit",
            prefix="antares",
            token="s.token",
            role_id="",
            secret_id="",
            ca="",
            folder=None,
            snapshot_retention_days=None,
        )

    def test_is_reached_as_a_role_instead(self):
        found = read_keyring_settings({"KEYRING_URL": GOOD["KEYRING_URL"], **ROLE})

        assert (found.role_id, found.token) == ("role", "")

    def test_takes_its_secrets_from_files(self, tmp_path):
        (tmp_path / "secret").write_text("secret\n")
        values = {**GOOD, "KEYRING_ROLE_ID": "role", "KEYRING_TOKEN": ""}

        found = read_keyring_settings(
            {**values, "KEYRING_SECRET_ID_FILE": str(tmp_path / "secret")}
        )

        assert found.secret_id == "secret"

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
    def test_is_plain_http_on_loopback_in_development_only(self, host):
        values = {**GOOD, "KEYRING_URL": f"http://{host}:8200"}

        assert read_keyring_settings(values, production=False).url == values["KEYRING_URL"]
        with pytest.raises(InvalidSettings):
            read_keyring_settings(values)

    @pytest.mark.parametrize("production", [True, False])
    @pytest.mark.parametrize(
        "changed",
        [
            {"KEYRING_URL": "http://bao.example:8200"},
            {"KEYRING_URL": "https://user@bao.example"},
            {"KEYRING_URL": "https://bao.example/v1"},
            {"KEYRING_URL": "https://bao.example:port"},
            {"KEYRING_URL": "https://"},
            {"KEYRING_URL": "bao.example"},
            {"KEYRING_MOUNT": "../sys"},
            {"KEYRING_PREFIX": "Antares*"},
            {"KEYRING_TOKEN": ""},
            {"KEYRING_ROLE_ID": "role"},
            {"KEYRING_TOKEN": "", "KEYRING_ROLE_ID": "role"},
            ROLE,
            {"KEYRING_CA": "/nonexistent"},
        ],
    )
    def test_is_refused(self, changed, production):
        with pytest.raises(InvalidSettings):
            read_keyring_settings({**GOOD, **changed}, production=production)

    def test_shows_no_secret(self):
        found = read_keyring_settings({**GOOD, "KEYRING_TOKEN": "s.secret-token"})

        assert "s.secret-token" not in repr(found)


class TestFolder:
    def test_is_not_there_where_a_transit_engine_is(self):
        assert read_keyring_settings({**GOOD, "KEYRING_DIR": "/nonexistent"}).folder is None

    def test_has_a_default_in_development(self):
        assert read_keyring_settings({}, production=False).folder == DEFAULT


class TestSnapshotRetention:
    def test_is_unknown_unless_it_is_set(self):
        assert read_keyring_settings(GOOD).snapshot_retention_days is None

    @pytest.mark.parametrize("days", [0, 30])
    def test_is_the_number_of_days_that_is_set(self, days):
        found = read_keyring_settings({**GOOD, "KEYRING_SNAPSHOT_RETENTION": str(days)})

        assert found.snapshot_retention_days == days


@pytest.mark.control("6.7.1")
class TestProductionKeyring:
    @pytest.fixture
    def env(self, openbao, tmp_path):
        env = production.environment(tmp_path)
        del env["KEYRING_DIR"], env["KEYRING_FILE_ACCEPTED"]
        return {
            **env,
            "KEYRING_URL": openbao.tls_address,
            "KEYRING_MOUNT": "shared",
            "KEYRING_PREFIX": f"p-{secrets.token_hex(6)}",
            "KEYRING_TOKEN": openbao.root,
            "KEYRING_CA": str(openbao.ca),
            "LEDGER_CHECKPOINTS": str(tmp_path / "checkpoints.jsonl"),
        }

    def test_starts_with_a_transit_engine_over_tls(self, env):
        made = production.run_manage(env, "init_keyring")
        done = production.run_manage(env, "check", "--deploy", "--fail-level", "WARNING")

        assert made.returncode == 0, made.stderr
        assert f"# bao policy write {env['KEYRING_PREFIX']}-sync -" in made.stdout
        assert done.returncode == 0, done.stderr

    def test_does_not_talk_to_a_server_that_nobody_vouches_for(self, env):
        del env["KEYRING_CA"]

        done = production.run_manage(env, "init_keyring")

        assert done.returncode == 1
        assert "the key store does not answer" in done.stderr

    def test_says_where_checkpoints_go_when_no_folder_is_there(self, env):
        del env["LEDGER_CHECKPOINTS"]

        done = production.run_manage(env)

        assert done.returncode == 1
        assert "LEDGER_CHECKPOINTS is not set" in done.stderr
