"""
SECURITY DEFINER functions of the database, parsed from their ``.sql`` files. Free of Django.

Migrations run the same files. `manage.py database_walls` sets owners and grants, and replaces a
function that differs from its file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# The fixed search path protects the body from a caller's tables and functions.
_STATEMENT = re.compile(
    r"CREATE OR REPLACE FUNCTION public\.(?P<name>\w+)\((?P<arguments>[^)]*)\)\n"
    r"RETURNS [^;$]+\n"
    r"LANGUAGE sql (?P<volatility>STABLE|VOLATILE) SECURITY DEFINER"
    r" SET search_path = pg_catalog, pg_temp AS \$body\$(?P<body>[^$]+)\$body\$;"
)


@dataclass(frozen=True, slots=True)
class DatabaseFunction:
    """
    One function.

    :param argument_types: as in the catalogue
    :param body: one SQL statement
    :param statement: creates the function, or replaces one with the same result type
    :param classes: process classes that may execute it
    """

    name: str
    argument_types: tuple[str, ...]
    body: str
    is_stable: bool
    statement: str
    classes: frozenset[str]

    @property
    def signature(self) -> str:
        """Name and argument types as in the catalogue."""
        return f"{self.name}({','.join(self.argument_types)})"


def load_functions(
    path: Path, classes: Mapping[str, frozenset[str]]
) -> tuple[DatabaseFunction, ...]:
    """
    Return the functions that the file at `path` creates.

    :param classes: process classes that may execute each function, by name
    :raises ValueError: if the file creates other functions, or in another form
    """
    text = path.read_text(encoding="utf-8")
    functions = tuple(_parse_function(match, classes) for match in _STATEMENT.finditer(text))
    if len(functions) != text.count("CREATE ") or {function.name for function in functions} != set(
        classes
    ):
        raise ValueError(f"{path.name} does not create {sorted(classes)} in the form expected")
    return functions


def _parse_function(
    match: re.Match[str], classes: Mapping[str, frozenset[str]]
) -> DatabaseFunction:
    arguments = [argument.strip() for argument in match["arguments"].split(",")]
    return DatabaseFunction(
        name=match["name"],
        argument_types=tuple(argument.partition(" ")[2] for argument in arguments if argument),
        body=match["body"],
        is_stable=match["volatility"] == "STABLE",
        statement=match[0],
        classes=classes.get(match["name"], frozenset()),
    )
