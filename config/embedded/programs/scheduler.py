"""The scheduling assistant: a person's events of the next seven days, and nothing kept of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from antares_client import ApiClient
from antares_client.api import list_events

from config.embedded.programs import removal_replies
from config.embedded.programs.feature_settings import read_settings
from config.embedded.programs.feature_site import FeatureSite


def list_next_events(api: ApiClient) -> Iterator[str]:
    now = datetime.now(UTC)
    page = list_events(api, "me", start=now, end=now + timedelta(days=7), limit=20)
    for event in page.data:
        yield f"{event.when.start} · {event.title}"


def main() -> None:
    settings = read_settings()
    with settings.open_antares() as antares:
        removal_replies.start(antares)
        FeatureSite(
            antares,
            title="Scheduler",
            purpose="calendar.schedule",
            redirect_uri=settings.redirect_uri,
            list_lines=list_next_events,
        ).serve()


if __name__ == "__main__":
    main()
