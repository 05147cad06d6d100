"""Time zone names of Windows (mapped by CLDR) and IANA."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tzlocal.windows_tz import tz_win, win_tz

from integrations.sandbox.microsoft.graph import problems

UTC_NAMES = frozenset({"utc", "etc/utc", "tzone://microsoft/utc", "gmt"})


def to_iana(name: str) -> str:
    """:raises HttpProblem: unknown name"""
    if name.lower() in UTC_NAMES:
        return "UTC"
    iana_name = win_tz.get(name, name)
    try:
        ZoneInfo(iana_name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise problems.bad_request(
            f"A valid TimeZone value must be specified. The following TimeZone value is not "
            f"supported: '{name}'.", "TimeZoneNotSupportedException",
        ) from error  # fmt: skip
    return iana_name


def to_windows(name: str) -> str:
    """A custom zone if Windows has no name for it."""
    if name.lower() in UTC_NAMES:
        return "UTC"
    return tz_win.get(name, "tzone://Microsoft/Custom")
