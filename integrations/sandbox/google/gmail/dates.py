"""The Date header, as far as it can be trusted."""

from email.utils import parsedate_to_datetime

from integrations.sandbox.mail.splitting import parse_headers


def date_header(raw: bytes) -> int | None:
    """Milliseconds, or None where there is no date to read."""
    headers, _ = parse_headers(raw)
    value = next((value for name, value in headers if name.lower() == "date"), "")
    try:
        return int(parsedate_to_datetime(value).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None
