"""
Stories of generated newsletters and texts of generated notifications.

`newsletters.txt` and `notifications.txt` have `== name <address>` for each sender, and `# headline`
and a text for each story. `{}` in a notification is a number.
"""

from pathlib import Path
from typing import Final

Sender = tuple[str, str]
Story = tuple[str, str]


def _read_stories(name: str) -> dict[Sender, tuple[Story, ...]]:
    """Return the stories (headline, text) by sender (name, address)."""
    text = Path(__file__).with_name(name).read_text(encoding="utf-8")
    senders = {}
    for block in text.split("== ")[1:]:
        head, *stories = block.split("# ")
        sender, _, address = head.strip().rstrip(">").partition(" <")
        senders[sender, address] = tuple(_parse_story(story) for story in stories)
    return senders


def _parse_story(story: str) -> Story:
    headline, _, text = story.partition("\n")
    return headline, " ".join(text.split())


NEWSLETTERS: Final = _read_stories("newsletters.txt")
NOTIFICATIONS: Final = _read_stories("notifications.txt")
