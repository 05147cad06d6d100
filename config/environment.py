"""
Read settings from the environment, and collect all problems.

``NAME_FILE`` names a file with the value, as orchestrators mount secrets. All problems are
reported together, so that an operator reads one complete list.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from config.address_checks import is_postgresql_url, is_readable_url

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off", ""})

# Requirements of Django's deployment check.
_SECRET_LENGTH = 50
_SECRET_VARIETY = 5
_INSECURE = "django-insecure-"
# A secret of repeated words has few different pieces of three characters: 200 random digits have
# nine different pieces in ten, three repeated words fewer than five.
_PIECE_LENGTH = 3
_MIN_PIECE_SHARE = 0.75
_CHECKED_LENGTH = 200
_TOKEN_LENGTH = 32


class InvalidSettings(SystemExit):
    """The process must not start: one line per problem, exit status 1."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(f"config: {problem}" for problem in problems))


class Environment:
    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self._problems: list[str] = []

    def add_problem(self, text: str) -> None:
        self._problems.append(text)

    def raise_problems(self) -> None:
        """:raises InvalidSettings: if there were problems"""
        if self._problems:
            raise InvalidSettings(self._problems)

    def read_text(self, name: str, default: str = "") -> str:
        """Return the value of `name`, or the content of the file that `name`_FILE names."""
        if file_name := self._values.get(f"{name}_FILE"):
            try:
                return Path(file_name).read_text(encoding="utf-8").strip()
            except OSError as error:
                self.add_problem(f"{name}_FILE cannot be read ({type(error).__name__})")
                return default
        return self._values.get(name, "") or default

    def read_required(self, name: str, meaning: str) -> str:
        """Return the value of `name`; without one, add a problem that explains it."""
        value = self.read_text(name)
        if not value:
            self.add_problem(f"{name} is not set: {meaning}")
        return value

    def read_flag(self, name: str, *, default: bool = False) -> bool:
        value = self.read_text(name, "on" if default else "off").lower()
        if value not in _TRUE | _FALSE:
            self.add_problem(f"{name} must be on or off")
        return value in _TRUE

    def read_number(
        self, name: str, default: int, *, minimum: int = 1, maximum: int | None = None
    ) -> int:
        try:
            value = int(self.read_text(name, str(default)))
        except ValueError:
            self.add_problem(f"{name} must be a whole number")
            return default
        if value < minimum or (maximum is not None and value > maximum):
            bounds = f"at least {minimum}" if maximum is None else f"from {minimum} to {maximum}"
            self.add_problem(f"{name} must be {bounds}")
        return value

    def read_list(self, name: str, default: str = "") -> list[str]:
        return [part.strip() for part in self.read_text(name, default).split(",") if part.strip()]

    def read_database(self, name: str, url: str) -> dict[str, Any]:
        """
        Return Django's connection settings for ``postgresql://user:password@host:port/name``.

        The query gives a socket directory as in libpq (``?host=%2Frun%2Fpostgresql``) and other
        options of the driver (``sslmode=verify-full``).
        """
        if not is_readable_url(url):
            self.add_problem(
                f"{name} must be an address such as postgresql://user:password@host/name"
            )
            return {}
        if not is_postgresql_url(url):
            self.add_problem(f"{name} must begin with postgresql://")
            return {}
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query))
        return {
            "ENGINE": "config.database.backend",
            "NAME": unquote(parts.path.lstrip("/")),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": options.pop("host", parts.hostname or ""),
            "PORT": options.pop("port", str(parts.port or "")),
            "OPTIONS": options,
        }


def is_strong_secret(value: str) -> bool:
    """Return whether `value` is as long and varied as a random secret."""
    return (
        len(value) >= _SECRET_LENGTH
        and len(set(value)) >= _SECRET_VARIETY
        and not value.startswith(_INSECURE)
        and not _repeats_itself(value)
    )


def _repeats_itself(value: str) -> bool:
    start = value[:_CHECKED_LENGTH].casefold()
    ends = range(_PIECE_LENGTH, len(start) + 1)
    pieces = [start[end - _PIECE_LENGTH : end] for end in ends]
    return len(set(pieces)) < _MIN_PIECE_SHARE * len(pieces)


def read_token_hash(env: Environment, name: str) -> str:
    """Return the SHA-256 (hexadecimal) of the token in `name`; empty without one."""
    token = env.read_text(name)
    if not token:
        return ""
    if len(token) < _TOKEN_LENGTH:
        env.add_problem(f"{name} is too short: {_TOKEN_LENGTH} or more random characters")
    return hashlib.sha256(token.encode()).hexdigest()


def get_origin(url: str) -> str:
    """Return scheme, host and port of `url`: ``https://accounts.google.com``."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
