"""Values that have made servers fail, and strategies that put them into every part of a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_from_bytes

from hypothesis import strategies as st

#: Bytes of one parameter: numbers, dates, ids and texts at the ends of what can be stored.
TEXTS: tuple[bytes, ...] = (
    b"9" * 5_000, b"9" * 20, b"2147483648", b"-1", b"1e400", b"NaN", b"0x10", b"1_0", b"true",
    "\u0663".encode(), "\U0001f600".encode(), b"\0", b"a\0b", b"\r\n", b"\n", b"\xed\xa0\x80",
    b"\xff",
    b"0001-01-01", b"9999-12-31", b"2026-02-30", b"-0001-01-01", b"24:00", b"25:61",
    b"0001-01-01T00:00:00+14:00", b"9999-12-31T23:59:59-14:00", b"9999-12-31T23:59",
    b"00000000-0000-0000-0000-000000000000", b"urn:uuid:{00000000-0000-0000-0000-000000000000}",
    b"0" * 32, b"x" * 5_000, b"[" * 900, b"{}", b"null", b"a,b,,", b"../../etc", b"%s%n", b"'\"<&>",
    b"//evil.example", b"[::1", b"https://[", b"a:b:c", b"=", b".", b"..", b"*", b"",
)  # fmt: skip
texts = st.sampled_from(TEXTS) | st.binary(max_size=20)

#: JSON that is written by hand: no encoder of ours would write all of it.
LEAVES: tuple[str, ...] = (
    "null", "true", "0", "-1", "1e400", "-1e400", "1.5", "9" * 400, "18446744073709551616", "[]",
    "{}", '""', '"\\u0000"', '"\\ud800"', '"\\udfff\\ud800"', '"9999-12-31T23:59:59-14:00"',
    '"0001-01-01T00:00:00+14:00"', '"0001-01-01"', '"9999-12-31"', '"2026-02-30"', '"me"',
    '"00000000-0000-0000-0000-000000000000"', '"Europe/../../etc"', '"\\ufeff"', '"RRULE:"',
    '"RRULE:FREQ=DAILY;COUNT=99999999999999999999"', '"RRULE:FREQ=YEARLY;INTERVAL=99999999"',
    '"' + "x" * 3_000 + '"', "[" * 14 + "]" * 14, "[[[[[]]]]]", '{"a": {"a": {"a": 1}}}',
)  # fmt: skip
leaves = st.sampled_from(LEAVES)
#: Bodies that are no JSON, or more of it than any question takes.
BODIES: tuple[bytes, ...] = (
    b"", b"{", b"[1]", b"null", b"1", b'"x"', b"NaN", b"\xff", b"\xef\xbb\xbf{}", b"[" * 100_000,
    b"[" * 1_024 + b"]" * 1_024, b'{"a":' * 500 + b"1" + b"}" * 500, b'{"\\ud800":1}',
    b'{"a":1,"a":2}',
    b"[" + b"0," * 30_000 + b"0]", b"9" * 5_000,
)  # fmt: skip

#: Headers that something reads, with values that HTTP allows.
HEADERS: tuple[str, ...] = (
    "Accept", "Accept-Encoding", "Accept-Language", "Authorization", "Cookie", "HX-Current-URL",
    "HX-Request", "HX-Trigger", "If-Match", "If-Modified-Since", "If-None-Match", "Idempotency-Key",
    "Origin", "Range", "Referer", "User-Agent", "X-CSRFToken", "X-Forwarded-For",
    "X-Forwarded-Proto", "X-Goog-Channel-Id", "X-Goog-Channel-Token", "X-Goog-Resource-Id",
    "X-HTTP-Method-Override",
)  # fmt: skip
_VALUES = (
    "\xff\xfe", "Bearer " + "A" * 43, "Bearer \xe9.\xe9.\xe9", "Bearer e30.e30.e30", "Basic Og==",
    "session=\xff; csrf=\xff", 'session="\\000\\355\\240\\200"; csrf=; =; ;;',
    "bytes=" + "9" * 5_000 + "-", "bytes=-1", "bytes=5-1", '"' + "f" * 64 + '"', 'W/"x"', "*",
    "9" * 5_000, "x" * 5_000, "https://[", "http://evil.example:99999/",
    "text/html;q=" + "9" * 5_000, "a;b*=utf-8''%ff", "de-\xff,*;q=1e400",
    "Sat, 31 Dec 9999 23:59:59 GMT", "Thu, 01 Jan 0001 00:00:00 +9999", "::1, 127.0.0.1, x",
    ",,,", "",
)  # fmt: skip
header_values = st.sampled_from(_VALUES) | st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=20
)


@st.composite
def headers(draw: st.DrawFn) -> dict[str, str]:
    names = draw(st.lists(st.sampled_from(HEADERS), max_size=3, unique=True))
    return {name: draw(header_values) for name in names}


@st.composite
def parameters(draw: st.DrawFn, names: tuple[str, ...], usual: dict[str, str]) -> str:
    """Return a query or form: of each name its usual value, a hostile one, or nothing."""
    chosen = draw(st.lists(st.sampled_from(names), max_size=6, unique=True)) if names else []
    given = {name: str(value).encode() for name, value in usual.items()}
    given |= {name: draw(texts) for name in chosen}
    return write_form(given)


def write_form(values: Mapping[str, str | bytes]) -> str:
    """Return a query or a form; text is UTF-8."""
    encoded = {
        name: value.encode() if isinstance(value, str) else value for name, value in values.items()
    }
    return "&".join(f"{name}={quote_from_bytes(value)}" for name, value in encoded.items())


@st.composite
def bodies(draw: st.DrawFn, members: dict[str, str]) -> bytes:
    """
    Return a JSON body, or what is none.

    :param members: which there are, each with a valid value as JSON
    """
    if not members or draw(st.integers(0, 9)) == 0:
        return draw(st.sampled_from(BODIES))
    chosen = draw(st.lists(st.sampled_from(sorted(members)), min_size=1, max_size=3, unique=True))
    given = {**members, **{name: draw(leaves) for name in chosen}}
    return ("{" + ",".join(f'"{name}":{value}' for name, value in given.items()) + "}").encode()


def put_into_path(draw: Any, path: str, ids: list[str]) -> str:
    """Return `path`, with a hostile segment in the place of one of `ids` that stand in it."""
    inside = [each for each in ids if each and f"/{each}" in path]
    if not inside or draw(st.booleans()):
        return path
    segment = quote_from_bytes(draw(texts).replace(b"/", b""), safe="")
    return path.replace(f"/{draw(st.sampled_from(inside))}", f"/{segment}", 1)
