import pytest

from tests.sandbox.conftest import gmail
from tests.sandbox.test_gmail import ME, everything

LETTERS = {
    "harbour": {
        "subject": "Harbour plans",
        "sender": "Bob",
        "sender_email": "bob@example.org",
        "text": "see the blue crane",
        "labels": ["INBOX", "UNREAD"],
        "date": 1_700_000_000_000,
    },
    "report": {
        "subject": "Quarterly report",
        "sender": "Carol",
        "sender_email": "carol@example.net",
        "to": "team@example.com",
        "text": "the blue figures",
        "labels": ["INBOX", "STARRED"],
        "date": 1_710_000_000_000,
        "attachments": [{"filename": "report.pdf", "text": "x" * 3000}],
    },
    "sent": {
        "subject": "Re: Harbour plans",
        "sender": "Alice",
        "sender_email": ME,
        "to": "bob@example.org",
        "text": "crane seen",
        "labels": ["SENT"],
        "date": 1_720_000_000_000,
        "headers": {"Message-ID": "<sent@example.com>"},
    },
    "junk": {
        "subject": "Win a harbour",
        "sender": "Eve",
        "sender_email": "eve@evil.example",
        "text": "blue",
        "labels": ["SPAM"],
        "date": 1_730_000_000_000,
    },
}


@pytest.fixture
def letters(sandbox):
    sandbox.dial(units_per_minute=0)
    sandbox.seed(ME)
    return {sandbox.deliver(ME, **letter)["id"]: name for name, letter in LETTERS.items()}


class TestQuery:
    @pytest.mark.parametrize(
        ("q", "found"),
        [
            ("harbour", {"harbour", "sent"}),
            ("from:bob", {"harbour"}),
            ("to:bob", {"sent"}),
            ("subject:report", {"report"}),
            ("in:inbox", {"harbour", "report"}),
            ("in:sent", {"sent"}),
            ("in:spam", {"junk"}),
            ("in:anywhere harbour", {"harbour", "sent", "junk"}),
            ("is:unread", {"harbour"}),
            ("is:read", {"report", "sent"}),
            ("is:starred", {"report"}),
            ("label:starred", {"report"}),
            ("has:attachment", {"report"}),
            ("filename:pdf", {"report"}),
            ("larger:2k", {"report"}),
            ("smaller:2K", {"harbour", "sent"}),
            ("after:1705000000", {"report", "sent"}),
            ("before:1705000000", {"harbour"}),
            ("after:2024/01/01 before:2024/04/01", {"report"}),
            ("older_than:1y", {"harbour", "report", "sent"}),
            ("newer_than:3d", set()),
            ("rfc822msgid:<sent@example.com>", {"sent"}),
            ("rfc822msgid:sent@example.com", {"sent"}),
            ("blue -crane", {"report"}),
            ("-in:inbox", {"sent"}),
            ("from:bob OR from:carol", {"harbour", "report"}),
            ("{from:bob from:carol}", {"harbour", "report"}),
            ("blue from:bob OR from:carol", {"harbour", "report"}),
            ('"blue crane"', {"harbour"}),
            ('"crane blue"', set()),
            ("subject:(harbour plans)", {"harbour", "sent"}),
            ("-(from:bob OR from:carol)", {"sent"}),
            ("from:{bob carol}", {"harbour", "report"}),
            ("from:bob) ((", {"harbour"}),
            ("from:", set()),
        ],
    )
    def test_finds_what_mail_users_mean(self, sandbox, users_of_letters, letters, q, found):
        listed = everything(users_of_letters.messages(), "messages", q=q)

        assert {letters[message["id"]] for message in listed} == found

    @pytest.fixture
    def users_of_letters(self, sandbox, letters):
        return gmail(sandbox, sandbox.authorize(ME)["access_token"]).users()

    def test_travels_as_post_when_it_is_long(self, sandbox, users_of_letters, letters):
        q = " ".join(["blue"] * 600)

        listed = everything(users_of_letters.messages(), "messages", q=q)

        assert len(listed) == 2
