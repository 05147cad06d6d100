"""The side panel of calls: a person's newest mail, and nothing kept of it."""

from __future__ import annotations

from collections.abc import Iterator

from antares_client import ApiClient
from antares_client.api import list_messages

from config.embedded.programs import removal_replies
from config.embedded.programs.feature_settings import read_settings
from config.embedded.programs.feature_site import FeatureSite


def list_newest_messages(api: ApiClient) -> Iterator[str]:
    for message in list_messages(api, "me", limit=10).data:
        sender = message.from_[0].name or message.from_[0].email if message.from_ else ""
        yield f"{message.date:%d %b %H:%M} · {sender} · {message.subject}"


def main() -> None:
    settings = read_settings()
    with settings.open_antares() as antares:
        removal_replies.start(antares)
        FeatureSite(
            antares,
            title="Inbox widget",
            purpose="inbox.display",
            redirect_uri=settings.redirect_uri,
            list_lines=list_newest_messages,
        ).serve()


if __name__ == "__main__":
    main()
