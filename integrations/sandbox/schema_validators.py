"""Compiled strict schemas. Needs jsonschema: for `--validate` only."""

import re
from functools import cache

from jsonschema import Draft202012Validator, FormatChecker

from integrations.sandbox.schemas import BOUNDS, make_strict_schema

_formats = FormatChecker(formats=())
# RFC 3339. Requests may omit the offset beside a zone.
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?", re.IGNORECASE)


@_formats.checks("byte")
def _is_base64url(value: object) -> bool:
    return not isinstance(value, str) or re.fullmatch(r"[A-Za-z0-9_\-]*={0,2}", value) is not None


def _check_integer_string(name: str) -> None:
    low, high = BOUNDS[name]

    def check(value: object) -> bool:
        if not isinstance(value, str):
            return True
        return re.fullmatch(r"-?\d+", value) is not None and low <= int(value) <= high

    _formats.checks(name)(check)


@_formats.checks("date")
def _is_date(value: object) -> bool:
    return not isinstance(value, str) or re.fullmatch(r"\d{4}-\d\d-\d\d", value) is not None


@_formats.checks("date-time")
def _is_rfc3339(value: object) -> bool:
    return not isinstance(value, str) or _RFC3339.fullmatch(value) is not None


for _name in ("int64", "uint64"):
    _check_integer_string(_name)


@cache
def get_validator(api: str, name: str, *, answers: bool, form: str = "") -> Draft202012Validator:
    schema = make_strict_schema(api, name, answers=answers, form=form)
    return Draft202012Validator(schema, format_checker=_formats)
