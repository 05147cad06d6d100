"""What does nothing but compute: libraries, built-ins, and what values can do. Pure."""

from __future__ import annotations

import builtins
import datetime as dt
import email.message
import re
import uuid
from typing import Final

# Libraries; or, with a dot, the part of one that computes.
_LIBRARIES: Final = """
    __future__ base64 binascii calendar codecs collections colorsys contextlib cryptography
    dataclasses datetime django.conf.settings django.utils.html django.utils.timezone.now email enum
    functools hashlib hmac html http.HTTPStatus icalendar itertools json.dumps json.loads math
    mimetypes nh3 operator orjson os.urandom re secrets string time.time time.time_ns types typing
    tzlocal.windows_tz unicodedata urllib.parse uuid zlib zoneinfo zstandard
"""
COMPUTING: Final = tuple(_LIBRARIES.split())
_DOORS: Final = """
    open print input exec eval compile __import__ breakpoint setattr delattr globals vars locals
    memoryview
"""
BUILT_IN: Final = frozenset(dir(builtins)) - frozenset(_DOORS.split())
_VALUES: Final = (
    str, bytes, bytearray, dict, list, set, frozenset, tuple, int, float, dt.datetime, dt.date,
    dt.time, dt.timedelta, re.Pattern, re.Match, uuid.UUID, email.message.EmailMessage,
    BaseException,
)  # fmt: skip
OF_VALUES: Final = frozenset(name for kind in _VALUES for name in dir(kind)) | {
    "_replace",
    "_asdict",
}
_GROWING: Final = "append add update extend setdefault insert pop popitem clear remove discard"
# Of a list, set or dictionary: it is changed.
GROWING: Final = frozenset(_GROWING.split())
_SHAPES: Final = """
    NamedTuple TypedDict Enum StrEnum IntEnum TextChoices IntegerChoices Protocol Generic Exception
    ValueError LookupError KeyError str dict int
"""
# What a class may be made of and do no more than hold.
SHAPES: Final = frozenset(_SHAPES.split())


def computes(name: str) -> bool:
    """Return whether what has that absolute name, of a library, only computes."""
    return any(name == one or name.startswith(f"{one}.") for one in COMPUTING)
