import subprocess
import sys

import pytest

from tests.config import production

DATABASE = "db.example/antares?sslmode=verify-full"


@pytest.fixture
def env(tmp_path):
    tmp_path.chmod(0o700)
    return production.environment(tmp_path)


class TestProductionSettings:
    def test_passes_the_deployment_check(self, env):
        made = production.run_manage(env, "init_keyring")
        done = production.run_manage(env, "check", "--deploy", "--fail-level", "WARNING")

        assert made.returncode == 0, made.stderr
        assert done.returncode == 0, done.stderr

    @pytest.mark.scenario("A1")
    @pytest.mark.control("6.7.1")
    def test_refuses_to_start_without_keys(self, env):
        del env["KEYRING_DIR"]

        done = production.run_manage(env)

        assert done.returncode == 1
        assert done.stderr == (
            "config: KEYRING_URL is not set: https:// address of OpenBao or Vault\n"
        )

    @pytest.mark.scenario("A1")
    def test_names_everything_that_is_missing_at_once_one_line_each(self):
        done = production.run_manage({})

        named = {line.split()[1] for line in done.stderr.splitlines()}
        assert done.returncode == 1
        assert named == {
            "PROCESS_CLASS", "SECRET_KEY", "ALLOWED_HOSTS", "PUBLIC_URL", "STAFF_URL", "BROKER_URL",
            "KEYRING_URL", "LEDGER_ORIGIN", "GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET",
            "PRIVACY_NOTICE_URL", "SUPPORT_EMAIL",
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("SECRET_KEY", "short"),
            ("SECRET_KEY", "a" * 80),
            ("SECRET_KEY", "correct-horse-battery-" * 4),
            ("SECRET_KEY_FALLBACKS", "the-old-one"),
            ("ALLOWED_HOSTS", "*"),
            ("ALLOWED_HOSTS", "antares.example,.com"),
            ("ALLOWED_HOSTS", ""),
            ("PUBLIC_URL", "http://antares.example"),
            ("STAFF_URL", "https://antares.example"),
            ("PRIVACY_NOTICE_URL", "http://antares.example/privacy"),
            ("PRIVACY_NOTICE_URL", ""),
            ("SUPPORT_EMAIL", "Antares <support@antares.example>"),
            ("SUPPORT_EMAIL", ""),
            ("DATABASE_URL_WEB", "sqlite:///db.sqlite3"),
            ("DATABASE_URL_WEB", f"postgresql://antares:pw@{DATABASE}"),
            ("DATABASE_URL_WEB", f"postgresql://antares_sync:pw@{DATABASE}"),
            ("DATABASE_URL_WEB", "postgresql://antares_web:pw@db.example/antares"),
            ("BROKER_URL", "redis://broker.example/0"),
            ("BROKER_CA", "/nonexistent"),
            ("CELERY_BROKER_URL", "redis://broker.example/0"),
            ("GOOGLE_PUSH_AUDIENCE", "http://antares.example/webhooks/google/pubsub"),
            ("DATABASE_URL_WEB", f"postgresql://{DATABASE}"),
            ("DATABASE_URL_WEB", ""),
            ("PROCESS_CLASS", ""),
            ("PROCESS_CLASS", "marketing"),
            ("KEYRING_DIR", "/nonexistent"),
            ("KEYRING_FILE_ACCEPTED", "off"),
            ("REAUTH_GRACE_DAYS", "31"),
            ("KEY_EPOCH_HOURS", "25"),
            ("KEY_EPOCH_HOURS", "often"),
            # One person may keep two of either.
            ("WEB_THREADS", "2"),
            ("WEB_FILE_THREADS", "2"),
            ("ANTARES_ENV", "prod"),
        ],
    )
    @pytest.mark.thorough("each setting that production refuses, in a process of its own")
    def test_refuses(self, env, name, value):
        done = production.run_manage({**env, name: value})

        lines = done.stderr.splitlines()
        assert done.returncode == 1
        assert [line.split()[:2] for line in lines] == [["config:", name]]

    def test_refuses_a_keyring_that_others_can_open(self, env, tmp_path):
        tmp_path.chmod(0o750)

        done = production.run_manage(env)

        assert done.returncode == 1
        assert "KEYRING_DIR is readable by others" in done.stderr

    @pytest.mark.parametrize(
        "name",
        [
            "GOOGLE_AUTHORIZE_URL", "GOOGLE_TOKEN_URL", "GOOGLE_REVOKE_URL", "GOOGLE_CERTS_URL",
            "GOOGLE_ISSUER", "GOOGLE_USERINFO_URL", "GOOGLE_API_ROOT_URL",
            "MICROSOFT_AUTHORITY_URL", "MICROSOFT_GRAPH_URL",
        ],
    )  # fmt: skip
    @pytest.mark.parametrize(
        "url",
        [
            "http://127.0.0.1:8100/token",
            "http://oauth2.googleapis.com/token",
            "https://oauth2.googleapis.com.evil.example/token",
            "https://oauth2.googleapis.com:8443/token",
            "https://someone@oauth2.googleapis.com/token",
            "https://oauth2.googleapis.com:port/token",
        ],
    )
    @pytest.mark.control("5.1.5")
    def test_takes_no_provider_address_but_the_built_in_ones(self, name, url):
        from config.environment import Environment, InvalidSettings
        from config.provider_settings import read_google, read_microsoft

        client = {"GOOGLE_CLIENT_ID": "client", "GOOGLE_CLIENT_SECRET": "secret"}
        env = Environment({name: url, **client})
        read_google(env, production=True)
        read_microsoft(env, production=True)

        with pytest.raises(InvalidSettings) as refused:
            env.raise_problems()
        assert len(refused.value.problems) == 1
        assert refused.value.problems[0].startswith(name)

    @pytest.mark.clause("ENV-SPLIT")
    @pytest.mark.parametrize("name", ["GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET"])
    def test_takes_no_client_that_development_has_by_default(self, env, name):
        del env[name]

        done = production.run_manage(env)

        assert done.returncode == 1
        assert done.stderr.startswith(f"config: {name} is not set")

    @pytest.mark.clause("ENV-SPLIT")
    def test_stops_at_a_sandbox(self, env):
        done = production.run_manage({**env, "GOOGLE_TOKEN_URL": "http://127.0.0.1:8100/token"})

        assert done.returncode == 1
        assert done.stderr.startswith("config: GOOGLE_TOKEN_URL")

    @pytest.mark.control("2.3.1")
    @pytest.mark.control("2.3.2")
    @pytest.mark.control("4.1.1")
    @pytest.mark.control("6.2.1")
    def test_gives_cookies_transport_and_debug_their_safe_values(self, env):
        code = (
            "from django.conf import settings as s;"
            "print(s.DEBUG, s.SESSION_COOKIE_SECURE, s.SESSION_COOKIE_HTTPONLY,"
            " s.CSRF_COOKIE_SECURE, s.CSRF_COOKIE_HTTPONLY, s.SECURE_SSL_REDIRECT,"
            " s.SECURE_HSTS_SECONDS > 31_000_000, s.SESSION_COOKIE_NAME[:7])"
        )

        done = production.run_manage(env, "shell", "--no-imports", "-c", code)

        assert done.stdout.split() == ["False", *["True"] * 6, "__Host-"], done.stderr

    @pytest.mark.control("6.2.1")
    def test_verifies_the_broker_for_workers_and_whoever_queues(self, env, tmp_path):
        authority = tmp_path / "authority.pem"
        authority.touch()
        code = (
            "from config.celery import app\n"
            "for it in (app.connection_for_read(), app.connection_for_write()):\n"
            "    print(it.hostname, int(it.ssl['ssl_cert_reqs']), it.ssl['ssl_check_hostname'],"
            " it.ssl['ssl_ca_certs'])"
        )

        done = production.run_manage(
            {**env, "BROKER_CA": str(authority)}, "shell", "--no-imports", "-c", code
        )

        line = ["broker.example", "2", "True", str(authority)]
        assert done.stdout.split() == line * 2, done.stderr


class TestTheStaffSite:
    """What `PROCESS_CLASS=staff` changes."""

    @pytest.mark.control("2.3.1")
    def test_has_its_own_host_routes_and_cookies(self, env):
        code = (
            "from django.conf import settings as s;"
            "print(s.ROOT_URLCONF, *s.ALLOWED_HOSTS, *s.CSRF_TRUSTED_ORIGINS,"
            " s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME, s.DEVICE_COOKIE_NAME,"
            " s.SESSION_COOKIE_SECURE)"
        )
        staff = {"PROCESS_CLASS": "staff", "DATABASE_URL_STAFF": STAFF_LOGIN}

        found = {
            one: production.run_manage({**env, **more}, "shell", "--no-imports", "-c", code).stdout
            for one, more in {"web": {}, "staff": staff}.items()
        }

        assert found["staff"].split() == [
            "config.staff_urls", "staff.antares.example", "https://staff.antares.example",
            "__Host-staff-session", "__Host-staff-csrf", "__Host-staff-device", "True",
        ]  # fmt: skip
        assert found["web"].split() == [
            "config.web_urls", "antares.example", "https://antares.example",
            "__Host-session", "__Host-csrf", "__Host-device", "True",
        ]  # fmt: skip


STAFF_LOGIN = f"postgresql://antares_staff:pw@{DATABASE}"
OWNER_URL = f"postgresql://antares:pw@{DATABASE}"


class TestProcessClass:
    def test_needs_the_login_of_its_own_class(self, env):
        # The environment of a web process, with the owner's login as well.
        done = production.run_manage({**env, "PROCESS_CLASS": "purge", "DATABASE_URL": OWNER_URL})

        assert done.returncode == 1
        assert done.stderr == (
            "config: DATABASE_URL_PURGE is not set: postgresql://antares_purge:password@host/name\n"
        )

    def test_goes_by_the_prefix_of_the_roles(self, env):
        done = production.run_manage({**env, "DATABASE_ROLE_PREFIX": "other"})

        assert done.returncode == 1
        assert "DATABASE_URL_WEB must log in as other_web" in done.stderr

    def test_logs_in_with_the_login_of_its_class(self, env):
        code = "from django.conf import settings as s; print(s.DATABASES['default']['USER'])"
        for found, extra in {
            "antares_web": {"DATABASE_URL": OWNER_URL},
            "antares": {"DATABASE_URL": OWNER_URL, "PROCESS_CLASS": "owner"},
        }.items():
            done = production.run_manage({**env, **extra}, "shell", "--no-imports", "-c", code)
            assert done.stdout.split() == [found], done.stderr

    def test_of_the_owner_needs_the_login_of_the_owner(self, env):
        done = production.run_manage({**env, "PROCESS_CLASS": "owner"})

        assert done.returncode == 1
        assert done.stderr.startswith("config: DATABASE_URL is not set")

    def test_of_the_owner_verifies_the_database_as_well(self, env):
        plain = OWNER_URL.partition("?")[0]

        done = production.run_manage({**env, "PROCESS_CLASS": "owner", "DATABASE_URL": plain})

        assert done.returncode == 1
        assert done.stderr.startswith("config: DATABASE_URL needs ?sslmode=verify-full")

    @pytest.mark.parametrize("process_class", ["owner", "console"])
    def test_serves_no_pages_unless_it_is_web_or_staff(self, env, process_class):
        urls = {"DATABASE_URL": OWNER_URL, "DATABASE_URL_CONSOLE": OWNER_URL.replace(
            "antares:", "antares_console:"
        )}  # fmt: skip

        done = subprocess.run(
            [sys.executable, "-c", "import config.wsgi"],
            cwd=production.ROOT,
            env={**env, **urls, "PROCESS_CLASS": process_class},
            capture_output=True,
            text=True,
            check=False,
        )

        assert done.returncode == 1
        assert done.stderr == "config: this process runs with PROCESS_CLASS=web or staff\n"

    def test_makes_no_roles_unless_it_has_a_password_for_each(self, env):
        given = {"DATABASE_URL": OWNER_URL, "PROCESS_CLASS": "owner"}

        done = production.run_manage({**env, **given}, "database_walls")

        assert done.returncode == 1
        assert [line.split()[1] for line in done.stderr.splitlines()] == [
            "DATABASE_URL_STAFF", "DATABASE_URL_SYNC", "DATABASE_URL_PURGE",
            "DATABASE_URL_CONSOLE",
        ]  # fmt: skip


class TestSecretsInFiles:
    def test_are_read_from_the_file_that_is_named(self, tmp_path):
        from config.environment import Environment

        (tmp_path / "secret").write_text("from a file\n")

        assert Environment({"X_FILE": str(tmp_path / "secret")}).read_text("X") == "from a file"

    def test_are_a_problem_where_the_file_is_not_there(self, tmp_path):
        from config.environment import Environment, InvalidSettings

        env = Environment({"X_FILE": str(tmp_path / "missing")})
        env.read_text("X")

        with pytest.raises(InvalidSettings, match="X_FILE cannot be read"):
            env.raise_problems()


class TestDatabaseUrl:
    def test_takes_a_socket_folder_and_escaped_characters(self):
        from config.environment import Environment

        found = Environment({}).read_database(
            "DATABASE_URL", "postgresql://us%40er:p%2Fw@/na%20me?host=%2Frun%2Fpg&sslmode=disable"
        )

        assert (found["USER"], found["PASSWORD"], found["NAME"]) == ("us@er", "p/w", "na me")
        assert (found["HOST"], found["PORT"]) == ("/run/pg", "")
        assert found["OPTIONS"] == {"sslmode": "disable"}


class TestTheProxyInFront:
    def test_has_to_be_named(self, env):
        del env["TRUSTED_PROXY"]

        done = production.run_manage(env, "check", "--deploy", "--fail-level", "ERROR")

        assert done.returncode == 1
        assert "(proxies.E001) TRUSTED_PROXY is not set" in done.stderr
