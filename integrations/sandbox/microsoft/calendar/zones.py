"""Names of time zones: Windows' (CLDR maps them) and IANA's."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tzlocal.windows_tz import tz_win, win_tz

from integrations.sandbox.microsoft.graph import problems

UTC_NAMES = frozenset({"utc", "etc/utc", "tzone://microsoft/utc", "gmt"})


def iana(name: str) -> str:
    """:raises Problem: nobody's name"""
    if name.lower() in UTC_NAMES:
        return "UTC"
    found = win_tz.get(name, name)
    try:
        ZoneInfo(found)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise problems.bad_request(
            f"A valid TimeZone value must be specified. The following TimeZone value is not "
            f"supported: '{name}'.", "TimeZoneNotSupportedException",
        ) from error  # fmt: skip
    return found


def windows(name: str) -> str:
    """As Exchange keeps it; a zone that Windows has no name for is a custom one."""
    if name.lower() in UTC_NAMES:
        return "UTC"
    return tz_win.get(name, "tzone://Microsoft/Custom")
