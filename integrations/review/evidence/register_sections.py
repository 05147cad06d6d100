"""The sections of registers, which tests compare with the code."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from integrations.review.registers import clear_columns as columns
from integrations.review.registers import plaintext_regions

_REGIONS_SHOW: Final = (
    "Sources produce plaintext: they open it, fetch it, parse it or describe its shape. Regions are"
    " the only other modules that may import them, each for the reason given. A test fails for any"
    " other importer, and for a region that imports no source any more."
)
_REGIONS_DO_NOT_SHOW: Final = (
    "A module that receives plaintext only as an argument imports no source and is not listed. No"
    " share of the code is claimed. The canary run of a release searches every store, log and"
    " message for marked data: it shows where plaintext went in that run."
)


def describe_clear_columns(_: datetime) -> Mapping[str, Any]:
    return {"register": columns.FILE.read_text(encoding="utf-8")}


def describe_plaintext(_: datetime) -> Mapping[str, Any]:
    return {
        "sources": dict(plaintext_regions.SOURCES),
        "regions": dict(plaintext_regions.REGIONS),
        "shows": _REGIONS_SHOW,
        "does_not_show": _REGIONS_DO_NOT_SHOW,
    }
