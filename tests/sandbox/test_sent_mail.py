"""What both providers do with mail that they accepted, and what its owner does with drafts."""

import base64
from email import message_from_bytes, policy

import pytest

from tests.sandbox.conftest import gmail
from tests.sandbox.test_gmail import decoded, encoded, header, letter, refused
from tests.worlds.microsoft import MicrosoftSandbox

ME, BOB, CAROL = "alice@example.com", "bob@fabrikam.example", "carol@example.com"
TAG = "String {9a2b0c1d-1111-2222-3333-444455556666} Name AntaresSend"
LOST = "nobody@bounce.example"


@pytest.fixture
def microsoft(sandbox):
    found = MicrosoftSandbox(sandbox)
    found.register_client()
    found.seed(BOB)
    return found


@pytest.fixture
def graph(microsoft):
    with microsoft.graph(microsoft.authorize(BOB)["access_token"]) as client:
        yield client


def send(users, message):
    return users.messages().send(userId="me", body={"raw": encoded(message)}).execute()


def draft(users, message):
    made = users.drafts().create(userId="me", body={"message": {"raw": encoded(message)}})
    return made.execute()


def outlook_message(*addresses, **more):
    return {
        "subject": "Plans",
        "body": {"contentType": "text", "content": "All of them."},
        "toRecipients": [{"emailAddress": {"address": address}} for address in addresses],
        "singleValueExtendedProperties": [{"id": TAG, "value": "tag-1"}],
    } | more


def newest(sandbox, email, **more):
    return sandbox.mailbox(email, limit=1, **more)["messages"][0]


class TestJournal:
    def test_has_an_entry_for_each_acceptance(self, users, sandbox):
        message = letter(X_Antares_Send="tag-1", Cc=CAROL)

        for _ in range(2):
            send(users, message)

        first, second = sandbox.sent(tag="tag-1")
        assert (first["provider"], first["email"]) == ("google", ME)
        assert first["recipients"] == ["bob@example.org", CAROL]
        assert first["id"] != second["id"]
        assert sandbox.sent(tag="tag-2") == []

    def test_of_outlook_knows_the_extended_property(self, graph, sandbox):
        made = graph.post("/me/messages", json=outlook_message(CAROL)).json()
        assert graph.post(f"/me/messages/{made['id']}/send").status_code == 202

        [accepted] = sandbox.sent(tag="tag-1")

        assert (accepted["provider"], accepted["email"]) == ("microsoft", BOB)
        assert accepted["recipients"] == [CAROL]

    def test_has_no_refused_mail(self, users, graph, sandbox):
        refused(users.messages().send(userId="me", body={"raw": encoded(letter(to=""))}))
        graph.post("/me/sendMail", json={"message": outlook_message()})

        assert sandbox.sent() == []


class TestRecipients:
    def test_are_addresses_and_not_parts_of_them(self, users, sandbox):
        sandbox.seed("ice@example.com")
        sandbox.seed("rob@example.com")

        send(users, letter(to='"rob@example.com, x" <al.ice@example.com>'))

        assert sandbox.mailbox("ice@example.com")["messagesTotal"] == 0
        assert sandbox.mailbox("rob@example.com")["messagesTotal"] == 0

    def test_are_at_both_providers(self, users, graph, sandbox):
        sandbox.seed(CAROL)

        send(users, letter(to=BOB, Bcc=CAROL))

        assert sandbox.mailbox(BOB, provider="microsoft")["messagesTotal"] == 1
        assert sandbox.mailbox(CAROL)["messagesTotal"] == 1
        [received] = graph.get("/me/messages", params={"$select": "bccRecipients"}).json()["value"]
        assert received["bccRecipients"] == []

    def test_may_be_oneself(self, users):
        sent = send(users, letter(to=ME))

        assert {"SENT", "INBOX", "UNREAD"} <= set(sent["labelIds"])


class TestBounces:
    def test_of_gmail_are_reports_in_the_thread(self, users, sandbox):
        sent = send(users, letter("Hello", to=LOST))

        # Both are of the same millisecond.
        [bounce] = [
            message
            for message in sandbox.mailbox(ME)["messages"]
            if message["threadId"] == sent["threadId"] and message["id"] != sent["id"]
        ]
        assert {"INBOX", "UNREAD"} <= set(bounce["labelIds"])
        answer = users.messages().get(userId="me", id=bounce["id"], format="raw").execute()
        report = message_from_bytes(decoded(answer["raw"]), policy=policy.default)
        shown = users.messages().get(userId="me", id=sent["id"]).execute()
        message_id = header(shown, "Message-ID")
        assert report.get_content_type() == "multipart/report"
        assert report.get_param("report-type") == "delivery-status"
        assert report["In-Reply-To"] == report["References"] == message_id
        assert "mailer-daemon@" in report["From"]
        text, status, returned = report.iter_parts()
        assert LOST in text.get_content()
        assert status.get_content_type() == "message/delivery-status"
        _, recipient = status.get_payload()
        assert recipient["Final-Recipient"] == f"rfc822; {LOST}"
        assert (recipient["Action"], recipient["Status"]) == ("failed", "5.1.1")
        assert message_id in returned.get_content()

    def test_of_outlook_name_the_mail(self, graph):
        graph.post("/me/sendMail", json={"message": outlook_message(LOST)})

        [bounce] = graph.get("/me/mailFolders/inbox/messages").json()["value"]
        [sent] = graph.get("/me/mailFolders/sentitems/messages").json()["value"]
        raw = graph.get(f"/me/messages/{bounce['id']}/$value").content

        assert bounce["subject"] == "Undeliverable: Plans"
        assert bounce["conversationId"] == sent["conversationId"]
        assert message_from_bytes(raw)["In-Reply-To"] == sent["internetMessageId"]


class TestLateMail:
    def test_of_gmail_is_neither_a_draft_nor_sent(self, users, sandbox):
        sandbox.dial(gmail_send_seconds=30.0)
        made = draft(users, letter())
        start = users.getProfile(userId="me").execute()["historyId"]

        sent = users.drafts().send(userId="me", body={"id": made["id"]}).execute()

        assert refused(users.drafts().get(userId="me", id=made["id"])).status_code == 404
        assert refused(users.messages().get(userId="me", id=sent["id"])).status_code == 404
        sandbox.advance(31)
        found = users.history().list(userId="me", startHistoryId=start, labelId="SENT").execute()
        [record] = found["history"]
        assert record["messagesAdded"][0]["message"]["id"] == sent["id"]

    @pytest.mark.parametrize(("in_outbox", "folder"), [(True, "outbox"), (False, "drafts")])
    def test_of_outlook_waits(self, graph, sandbox, in_outbox, folder):
        sandbox.dial(graph_send_seconds=30.0, graph_outbox=in_outbox)
        graph.post("/me/sendMail", json={"message": outlook_message(CAROL)})
        tag = f"singleValueExtendedProperties/Any(ep: ep/id eq '{TAG}' and ep/value eq 'tag-1')"

        def count(name):
            answer = graph.get(f"/me/mailFolders/{name}/messages", params={"$filter": tag})
            return len(answer.json()["value"])

        assert (count(folder), count("sentitems")) == (1, 0)
        sandbox.advance(31)
        assert (count(folder), count("sentitems")) == (0, 1)


class TestFaultsAfterAcceptance:
    def test_answer_an_error_to_what_took_effect(self, users, sandbox):
        sandbox.fail_next(path_contains="messages/send", status=503, after=True)

        error = refused(users.messages().send(userId="me", body={"raw": encoded(letter())}))

        assert error.status_code == 503
        assert len(sandbox.sent()) == 1

    def test_happen_in_batches_too(self, graph, sandbox):
        sandbox.fail_next(path_contains="sendMail", status=504, after=True)
        part = {
            "id": "1", "method": "POST", "url": "/me/sendMail",
            "headers": {"Content-Type": "application/json"},
            "body": {"message": outlook_message(CAROL)},
        }  # fmt: skip

        [answer] = graph.post("/$batch", json={"requests": [part]}).json()["responses"]

        assert answer["status"] == 504
        assert len(sandbox.sent()) == 1


class TestLimits:
    def test_of_gmail_count_by_the_minute(self, users, sandbox):
        sandbox.dial(gmail_sends_per_minute=1)
        send(users, letter())

        error = refused(users.messages().send(userId="me", body={"raw": encoded(letter())}))

        assert error.status_code == 429
        assert "Mail sending" in error.reason
        sandbox.advance(61)
        send(users, letter())


class TestEdits:
    def test_in_gmail_make_a_new_message_without_our_header(self, users, sandbox):
        made = draft(users, letter(X_Antares_Send="tag-1"))

        edited = sandbox.edit_draft(ME, "Second thoughts, é")

        assert edited["draft"] == made["id"]
        shown = users.drafts().get(userId="me", id=made["id"]).execute()["message"]
        assert shown["id"] == edited["id"] != made["message"]["id"]
        assert header(shown, "Subject") == "Hello"
        assert "x-antares-send" not in {one["name"].lower() for one in shown["payload"]["headers"]}
        text = decoded(shown["payload"]["body"]["data"]).decode()
        assert text == "Second thoughts, é"

    def test_may_give_the_draft_another_id(self, users, sandbox):
        sandbox.dial(gmail_edits_change_draft_ids=True)
        made = draft(users, letter())

        edited = sandbox.edit_draft(ME, "Second thoughts.")

        assert refused(users.drafts().get(userId="me", id=made["id"])).status_code == 404
        users.drafts().get(userId="me", id=edited["draft"]).execute()

    def test_keep_attachments(self, users, sandbox):
        message = letter()
        message.add_attachment(b"menu", maintype="application", subtype="pdf", filename="a.pdf")
        made = draft(users, message)

        sandbox.edit_draft(ME, "Second thoughts.")

        shown = users.drafts().get(userId="me", id=made["id"]).execute()["message"]
        assert [part["filename"] for part in shown["payload"]["parts"]] == ["", "a.pdf"]

    def test_in_outlook_change_the_change_key(self, graph, sandbox):
        made = graph.post("/me/messages", json=outlook_message(CAROL)).json()

        sandbox.edit_draft(BOB, "Second thoughts.", provider="microsoft")

        shown = graph.get(f"/me/messages/{made['id']}").json()
        assert shown["changeKey"] != made["changeKey"]
        assert "Second thoughts." in shown["body"]["content"]

    @pytest.mark.parametrize("provider", ["google", "microsoft"])
    def test_delete_drafts(self, users, graph, sandbox, provider):
        draft(users, letter())
        graph.post("/me/messages", json=outlook_message(CAROL))
        email = ME if provider == "google" else BOB

        sandbox.delete_draft(email, provider=provider)

        with pytest.raises(RuntimeError, match="no such draft"):
            sandbox.delete_draft(email, provider=provider)


class TestSendAs:
    def test_begins_with_the_own_address(self, users):
        [own] = users.settings().sendAs().list(userId="me").execute()["sendAs"]

        assert (own["sendAsEmail"], own["isPrimary"], own["isDefault"]) == (ME, True, True)

    def test_has_seeded_aliases_and_signatures(self, users, sandbox):
        sandbox.set_send_as(
            ME,
            signature="<b>Alice</b>",
            aliases=[{"email": "sales@example.com", "verified": False, "default": True}],
        )

        own, sales = users.settings().sendAs().list(userId="me").execute()["sendAs"]

        assert (own["signature"], own["isDefault"]) == ("<b>Alice</b>", False)
        assert (sales["verificationStatus"], sales["isDefault"]) == ("pending", True)

    def test_can_be_changed_and_read(self, alice, sandbox):
        token = sandbox.authorize(ME, "https://www.googleapis.com/auth/gmail.settings.basic")
        send_as = gmail(sandbox, token["access_token"]).users().settings().sendAs()
        send_as.patch(userId="me", sendAsEmail=ME, body={"signature": "<i>A</i>"}).execute()

        assert send_as.get(userId="me", sendAsEmail=ME).execute()["signature"] == "<i>A</i>"
        missing = send_as.get(userId="me", sendAsEmail="x@example.com")
        assert refused(missing).status_code == 404
        assert sandbox.violations() == []


class TestUploads:
    @pytest.mark.parametrize("line_end", [b"\r\n", b"\n"])
    def test_of_multipart_messages_keep_every_byte(self, users, sandbox, line_end):
        message = b"To: bob@example.org\r\nSubject: raw\r\n\r\nline\r\n\r\n--b\r\nend\r\n"
        body = line_end.join(
            [b"--outer", b"Content-Type: application/json", b"", b'{"message": {}}', b"--outer",
             b"Content-Type: message/rfc822", b"", message, b"--outer--", b""]
        )  # fmt: skip
        made = users._http.request(
            f"{sandbox.url}/upload/gmail/v1/users/me/drafts?uploadType=multipart",
            method="POST",
            body=body,
            headers={"content-type": 'multipart/related; boundary="outer"'},
        )

        assert made[0].status == 200
        found = newest(sandbox, ME)["id"]
        answer = users.messages().get(userId="me", id=found, format="raw").execute()
        assert base64.urlsafe_b64decode(answer["raw"]) == message
