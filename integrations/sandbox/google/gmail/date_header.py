from email.utils import parsedate_to_datetime

from integrations.sandbox.mail.mime_parser import parse_headers


def read_date_header(raw: bytes) -> int | None:
    """Return milliseconds since 1970, or None without a valid date."""
    headers, _ = parse_headers(raw)
    value = next((value for name, value in headers if name.lower() == "date"), "")
    try:
        return int(parsedate_to_datetime(value).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None
