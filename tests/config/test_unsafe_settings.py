"""What production refuses: each way around a wall that a setting opens."""

from __future__ import annotations

import secrets

import pytest

from config.address_checks import is_allowed_host
from config.broker import read_broker_settings
from config.database.role_logins import read_production_login
from config.environment import Environment, InvalidSettings, is_strong_secret

LOGIN = "postgresql://antares_web:pw@"


def list_problems(read, **values):
    env = Environment(values)
    read(env)
    try:
        env.raise_problems()
    except InvalidSettings as refused:
        return list(refused.problems)
    return []


def read_database(url, **more):
    def read(env):
        read_production_login(env, "web", prefix="antares")

    return list_problems(read, DATABASE_URL_WEB=url, **more)


def read_broker_url(url, *, production=True, **more):
    def read(env):
        read_broker_settings(env, production=production)

    return list_problems(read, BROKER_URL=url, **more)


class TestTheDatabase:
    @pytest.mark.parametrize(
        "place",
        [
            "db.example/antares?sslmode=verify-full",
            "db.example/antares?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem",
            "one.example,two.example/antares?sslmode=verify-full",
            "localhost/antares",
            "127.0.0.1:5433/antares",
            "[::1]/antares",
            "/antares",
            "/antares?host=%2Frun%2Fpostgresql",
            "/antares?host=%40abstract",
        ],
    )
    def test_is_verified_or_on_this_machine(self, place):
        assert read_database(LOGIN + place) == []

    @pytest.mark.parametrize(
        "place",
        [
            "db.example/antares",
            "db.example/antares?sslmode=require",
            "db.example/antares?sslmode=verify-ca",
            "db.example/antares?sslmode=verify-full&sslmode=disable",
            "10.0.0.1/antares",
            "localhost.db.example/antares",
            # Each of these leads elsewhere in spite of its first host.
            "localhost/antares?host=db.example",
            "localhost/antares?hostaddr=203.0.113.5",
            "localhost,db.example/antares",
            "/antares?host=%2Frun%2Fpostgresql,db.example",
            "localhost/antares?service=elsewhere",
        ],
    )
    def test_is_not_reached_in_plain(self, place):
        (problem,) = read_database(LOGIN + place)

        assert problem.startswith("DATABASE_URL_WEB needs ?sslmode=verify-full")

    def test_is_held_to_the_same_by_a_scheme_in_upper_case(self):
        login, transport = read_database("POSTGRESQL://antares_owner:pw@db.example/antares")

        assert login.startswith("DATABASE_URL_WEB must log in as antares_web")
        assert transport.startswith("DATABASE_URL_WEB needs ?sslmode=verify-full")

    @pytest.mark.parametrize(
        "place",
        ["[::1/antares", "localhost:port/antares", "one.example:1,two.example:2/antares"],
    )
    def test_has_an_address_that_can_be_read(self, place):
        def read(env):
            name, url = read_production_login(env, "web", prefix="antares")
            env.read_database(name, url)

        problems = list_problems(read, DATABASE_URL_WEB=f"{LOGIN}{place}?sslmode=verify-full")

        assert problems == [
            "DATABASE_URL_WEB must be an address such as postgresql://user:password@host/name"
        ]

    @pytest.mark.parametrize(
        "more",
        [{"PGHOST": "db.example"}, {"PGHOSTADDR": "203.0.113.5"}, {"PGSERVICE": "elsewhere"}],
    )
    def test_is_not_moved_by_variables_of_libpq(self, more):
        (problem,) = read_database(f"{LOGIN}/antares", **more)

        assert problem.startswith("DATABASE_URL_WEB needs")
        assert read_database(f"{LOGIN}/antares?sslmode=verify-full", **more) == []


class TestTheBroker:
    @pytest.mark.parametrize(
        "url",
        [
            "rediss://broker.example/0",
            "rediss://user:p%40ss@broker.example:6380/1",
            "redis://localhost/0",
            "redis://127.0.0.1:6379/0",
            "redis://[::1]:6379/0",
            "redis+socket:///run/valkey/valkey.sock",
        ],
    )
    def test_is_verified_or_on_this_machine(self, url):
        assert read_broker_url(url) == []

    @pytest.mark.parametrize(
        "url",
        [
            "redis://broker.example/0",
            "redis://localhost.broker.example/0",
            "redis://:secret@10.0.0.1/0",
            "rediss://",
            "rediss:///0",
            "rediss://broker.example:port/0",
            # The query would win over our options, and so would a second address.
            "rediss://broker.example/0?ssl_cert_reqs=none",
            "rediss://broker.example/0?ssl_check_hostname=false",
            "rediss://broker.example/0;redis://elsewhere.example/0",
            # kombu takes this for localhost, and the rest for the number.
            " rediss://broker.example/0",
            "rediss://broker.example /0",
            "redis+socket://elsewhere.example/valkey.sock",
            "sentinel://broker.example:26379",
            "amqp://broker.example",
            "memory://",
        ],
    )
    def test_is_nothing_else(self, url):
        (problem,) = read_broker_url(url)

        assert problem.startswith("BROKER_URL must be rediss://")

    def test_is_verified_in_development_as_well(self):
        (problem,) = read_broker_url("rediss://localhost/0?ssl_cert_reqs=none", production=False)

        assert problem.startswith("BROKER_URL must be rediss://")
        assert read_broker_url("redis://broker.example/0", production=False) == []

    def test_has_an_authority_that_can_be_read(self, tmp_path):
        missing = str(tmp_path / "ca.pem")

        (problem,) = read_broker_url("rediss://broker.example/0", BROKER_CA=missing)

        assert problem.startswith("BROKER_CA is not a file")

    @pytest.mark.parametrize(
        "name",
        [
            "CELERY_BROKER_URL", "CELERY_BROKER_READ_URL", "CELERY_BROKER_WRITE_URL",
            "CELERY_RESULT_BACKEND",
        ],
    )  # fmt: skip
    def test_is_not_replaced_by_a_variable_of_celery(self, name):
        more = {name: "redis://elsewhere.example/0"}

        (problem,) = read_broker_url("rediss://broker.example/0", **more)

        assert problem.startswith(f"{name} is set")

    def test_is_told_to_celery_by_its_own_command(self):
        url = "rediss://broker.example/0"

        assert read_broker_url(url, CELERY_BROKER_URL=url) == []
        (problem,) = read_broker_url(url, CELERY_RESULT_BACKEND=url)
        assert problem.startswith("CELERY_RESULT_BACKEND is set")


class TestAHost:
    @pytest.mark.parametrize(
        "host", ["antares.example", "localhost", ".antares.example", "[::1]", "127.0.0.1"]
    )
    def test_is_named(self, host):
        assert is_allowed_host(host)

    @pytest.mark.parametrize("host", [
        "*", "*.antares.example", ".com", ".localhost", ".", "..", "..com", ".com.",
        "antares.example:443", "https://antares.example", "a b", ". .com", "[::1]:443",
    ])  # fmt: skip
    def test_is_not_everybody_elses(self, host):
        assert not is_allowed_host(host)


class TestASecret:
    @pytest.mark.parametrize("make", [
        lambda: secrets.token_urlsafe(38),
        lambda: secrets.token_hex(32),
        lambda: "".join(secrets.choice("0123456789") for _ in range(50)),
        lambda: "".join(secrets.choice("0123456789") for _ in range(400)),
        lambda: secrets.token_hex(2048),
    ])  # fmt: skip
    def test_that_is_random_is_strong(self, make):
        assert all(is_strong_secret(make()) for _ in range(50))

    @pytest.mark.parametrize(
        "secret",
        [
            "correct-horse-battery-" * 4,
            "Changeme" * 8,
            "secret SECRET Secret sEcret seCret secRet secrEt secreT!",
            "password1password2password3password4password5password6",
            "alpha beta gamma beta alpha gamma gamma alpha beta gamma alpha beta",
            "development-only-" + "0123456789" * 4,
            "abcde" * 10,
            # What `startproject` writes into a file that is committed.
            "django-insecure-kd93jfl2m5n7q8r9s0t1u2v3w4x5y6z7a8b9c0d1e2",
        ],
    )
    def test_of_repeated_words_or_of_a_template_is_not(self, secret):
        assert len(secret) >= 50
        assert not is_strong_secret(secret)
