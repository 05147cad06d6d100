import base64
import email
from email import policy
from email.message import EmailMessage

import httpx
import pytest
from googleapiclient.errors import HttpError
from googleapiclient.http import MediaInMemoryUpload

from tests.sandbox.conftest import gmail

AUTH = "https://www.googleapis.com/auth/"
ME = "alice@example.com"


def letter(subject="Hello", to="bob@example.org", **headers):
    message = EmailMessage()
    message["To"], message["From"], message["Subject"] = to, ME, subject
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content("A short letter.")
    return message


def encoded(message):
    return base64.urlsafe_b64encode(message.as_bytes()).decode()


def decoded(value):
    return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))


def header(message, name):
    headers = message["payload"]["headers"]
    return next(h["value"] for h in headers if h["name"].lower() == name.lower())


def pages(resource, name, **query):
    request = resource.list(userId="me", **query)
    while request:
        answer = request.execute()
        yield answer.get(name, [])
        request = resource.list_next(request, answer)


def everything(resource, name, **query):
    return [item for page in pages(resource, name, **query) for item in page]


def refused(request):
    with pytest.raises(HttpError) as error:
        request.execute()
    return error.value


class TestGmailProfile:
    def test_counts_the_mailbox(self, users, alice):
        profile = users.getProfile(userId=ME).execute()

        assert profile["messagesTotal"] == alice["messagesTotal"] == 120
        assert profile["historyId"] == alice["historyId"]

    def test_of_someone_else_is_refused(self, users):
        assert refused(users.getProfile(userId="bob@example.com")).status_code == 403


class TestMessageList:
    def test_pages_through_everything_newest_first(self, users, sandbox):
        listed = everything(users.messages(), "messages", maxResults=7, includeSpamTrash=True)
        dates = {m["id"]: m["date"] for m in sandbox.mailbox(ME)["messages"]}

        shown = [dates[message["id"]] for message in listed]

        assert len(shown) == 120
        assert shown == sorted(shown, reverse=True)

    def test_hides_spam_and_bin(self, users, sandbox):
        everywhere = sandbox.mailbox(ME)["messages"]
        hidden = {m["id"] for m in everywhere if {"SPAM", "TRASH"} & set(m["labelIds"])}
        assert hidden

        listed = {m["id"] for m in everything(users.messages(), "messages")}

        assert listed == {m["id"] for m in everywhere} - hidden

    def test_neither_repeats_nor_loses_when_mail_arrives_between_pages(self, users, sandbox):
        before = {m["id"] for m in everything(users.messages(), "messages")}
        walk = pages(users.messages(), "messages", maxResults=30)

        shown = [m["id"] for m in next(walk)]
        sandbox.deliver(ME, subject="in between")
        shown += [m["id"] for page in walk for m in page]

        assert sorted(shown) == sorted(before)

    def test_without_matches_has_no_messages(self, users):
        answer = users.messages().list(userId="me", q="subject:nothingofthekind").execute()

        assert answer == {"resultSizeEstimate": 0}

    def test_refuses_foreign_page_tokens(self, users):
        token = users.messages().list(userId="me", maxResults=1).execute()["nextPageToken"]

        error = refused(users.messages().list(userId="me", pageToken=token, q="is:unread"))

        assert error.status_code == 400

    def test_can_forget_a_tenth(self, users, sandbox):
        sandbox.dial(list_omission=0.1)

        listed = everything(users.messages(), "messages", includeSpamTrash=True)

        assert 90 <= len(listed) < 120

    def test_can_repeat_itself(self, users, sandbox):
        sandbox.dial(list_repetition=0.5)

        listed = everything(users.messages(), "messages", includeSpamTrash=True)

        assert len({m["id"] for m in listed}) == 120 < len(listed)

    def test_can_name_what_is_gone_by_then(self, users, sandbox):
        sandbox.dial(vanish_after_list=1.0)
        listed = users.messages().list(userId="me").execute()["messages"]

        assert refused(users.messages().get(userId="me", id=listed[0]["id"])).status_code == 404


class TestMessage:
    def test_shows_the_same_mail_in_every_format(self, users):
        for each in everything(users.messages(), "messages"):
            full = users.messages().get(userId="me", id=each["id"]).execute()
            raw = users.messages().get(userId="me", id=each["id"], format="raw").execute()
            parsed = email.message_from_bytes(decoded(raw["raw"]), policy=policy.compat32)

            assert raw["sizeEstimate"] == len(decoded(raw["raw"])) == full["sizeEstimate"]
            assert header(full, "message-id") == parsed["message-id"].strip()

    def test_shows_only_the_headers_asked_for(self, users):
        first = users.messages().list(userId="me").execute()["messages"][0]["id"]

        shown = users.messages().get(
            userId="me", id=first, format="metadata", metadataHeaders=["subject", "From"]
        )

        names = {h["name"] for h in shown.execute()["payload"]["headers"]}
        assert names == {"Subject", "From"}

    def test_comes_in_utf8_whatever_its_charset_says(self, users, sandbox):
        raw = (
            b"From: =?koi8-r?B?8NLJ18XU?= <b@example.org>\r\n"
            b"Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\n"
            b"Content-Type: text/plain; charset=windows-1252\r\n"
            b"Content-Transfer-Encoding: 8bit\r\n\r\n"
        ) + "20 € ok".encode("cp1252")
        new = sandbox.deliver(ME, raw=raw)

        shown = users.messages().get(userId="me", id=new["id"]).execute()

        assert decoded(shown["payload"]["body"]["data"]).decode() == "20 € ok"
        assert header(shown, "Subject") == "Grüße"
        assert header(shown, "From") == "Привет <b@example.org>"

    def test_answers_partially(self, users):
        answer = users.messages().list(userId="me", fields="messages(id),nextPageToken").execute()

        assert set(answer) <= {"messages", "nextPageToken"}
        assert all(set(message) == {"id"} for message in answer["messages"])

    def test_that_nobody_knows_is_not_found(self, users):
        assert refused(users.messages().get(userId="me", id="123abc")).status_code == 404
        assert refused(users.messages().get(userId="me", id="xyz")).status_code == 400


class TestGmailAttachments:
    def test_have_ids_that_change_and_all_work(self, users, sandbox):
        sent = {"filename": "Maße.txt", "text": "content"}
        new = sandbox.deliver(ME, attachments=[sent])
        first, second = (
            users.messages().get(userId="me", id=new["id"]).execute()["payload"]["parts"][1]
            for _ in range(2)
        )

        contents = {
            users.messages()
            .attachments()
            .get(userId="me", messageId=new["id"], id=part["body"]["attachmentId"])
            .execute()["data"]
            for part in (first, second)
        }

        assert first["filename"] == "Maße.txt"
        assert first["body"]["attachmentId"] != second["body"]["attachmentId"]
        assert {decoded(content) for content in contents} == {b"content"}

    def test_belong_to_their_message(self, users, sandbox):
        one = sandbox.deliver(ME, attachments=[{"filename": "a", "text": "a"}])
        other = sandbox.deliver(ME)
        shown = users.messages().get(userId="me", id=one["id"]).execute()
        attachment_id = shown["payload"]["parts"][1]["body"]["attachmentId"]

        request = users.messages().attachments()
        error = refused(request.get(userId="me", messageId=other["id"], id=attachment_id))

        assert error.status_code == 400


class TestGmailChanges:
    def test_appear_in_history_by_their_kinds(self, users, sandbox):
        start = users.getProfile(userId="me").execute()["historyId"]
        new = sandbox.deliver(ME)["id"]
        users.messages().modify(
            userId="me", id=new, body={"addLabelIds": ["STARRED"], "removeLabelIds": ["UNREAD"]}
        ).execute()
        users.messages().trash(userId="me", id=new).execute()
        users.messages().untrash(userId="me", id=new).execute()
        users.messages().delete(userId="me", id=new).execute()

        history = everything(users.history(), "history", startHistoryId=start, maxResults=2)

        kinds = [set(each) - {"id", "messages"} for each in history]
        assert kinds == [
            {kind}
            for kind in (
                "messagesAdded", "labelsAdded", "labelsRemoved", "labelsAdded", "labelsRemoved",
                "labelsRemoved", "messagesDeleted",
            )
        ]  # fmt: skip
        ids = [int(each["id"]) for each in history]
        assert ids == sorted(set(ids))
        assert int(start) < ids[0]

    def test_can_be_filtered(self, users, sandbox):
        start = users.getProfile(userId="me").execute()["historyId"]
        new = sandbox.deliver(ME)["id"]
        sandbox.delete(ME, new)

        history = everything(
            users.history(), "history", startHistoryId=start, historyTypes=["messageDeleted"]
        )

        assert [set(each) for each in history] == [{"id", "messages", "messagesDeleted"}]

    def test_expire(self, users, sandbox):
        start = users.getProfile(userId="me").execute()["historyId"]
        sandbox.expire_history(ME)

        error = refused(users.history().list(userId="me", startHistoryId=start))

        assert error.status_code == 404

    def test_expire_with_age(self, users, sandbox):
        start = users.getProfile(userId="me").execute()["historyId"]
        sandbox.deliver(ME)
        later = users.getProfile(userId="me").execute()["historyId"]
        sandbox.advance(8 * 86_400)
        sandbox.deliver(ME)
        users_later = gmail(sandbox, self.fresh(sandbox)).users()

        assert (
            refused(users_later.history().list(userId="me", startHistoryId=start)).status_code
            == 404
        )
        answer = users_later.history().list(userId="me", startHistoryId=later).execute()
        assert len(answer["history"]) == 1

    def fresh(self, sandbox):
        return sandbox.authorize(ME)["access_token"]

    def test_come_in_batches(self, users):
        ids = [m["id"] for m in users.messages().list(userId="me").execute()["messages"][:5]]

        body = {"ids": ids, "addLabelIds": ["STARRED"], "removeLabelIds": ["INBOX"]}
        assert users.messages().batchModify(userId="me", body=body).execute() == ""
        starred = users.messages().list(userId="me", labelIds=["STARRED"]).execute()["messages"]
        assert set(ids) <= {m["id"] for m in starred}

        assert users.messages().batchDelete(userId="me", body={"ids": ids}).execute() == ""
        assert refused(users.messages().get(userId="me", id=ids[0])).status_code == 404


class TestGmailThreads:
    def test_hold_their_messages_oldest_first(self, users, sandbox):
        threads = everything(users.threads(), "threads")
        listed = [thread["id"] for thread in threads]
        assert len(listed) == len(set(listed))

        long = next(
            thread
            for thread in (users.threads().get(userId="me", id=each).execute() for each in listed)
            if len(thread["messages"]) > 2
        )

        dates = [int(message["internalDate"]) for message in long["messages"]]
        assert dates == sorted(dates)
        assert {message["threadId"] for message in long["messages"]} == {long["id"]}

    def test_cover_every_message_that_is_listed(self, users):
        messages = everything(users.messages(), "messages", maxResults=11)
        threads = everything(users.threads(), "threads", maxResults=11)

        assert {m["threadId"] for m in messages} == {t["id"] for t in threads}

    def test_take_up_replies_by_their_references(self, users, sandbox):
        first = sandbox.deliver(ME, headers={"Message-ID": "<one@example.org>"})
        reply = sandbox.deliver(ME, headers={"In-Reply-To": "<one@example.org>"})

        assert reply["threadId"] == first["threadId"] != reply["id"]

    def test_change_as_a_whole(self, users, sandbox):
        thread = users.threads().list(userId="me").execute()["threads"][0]["id"]

        users.threads().modify(userId="me", id=thread, body={"addLabelIds": ["STARRED"]}).execute()
        users.threads().trash(userId="me", id=thread).execute()
        shown = users.threads().get(userId="me", id=thread, format="minimal").execute()
        assert all({"STARRED", "TRASH"} <= set(m["labelIds"]) for m in shown["messages"])

        users.threads().untrash(userId="me", id=thread).execute()
        users.threads().delete(userId="me", id=thread).execute()
        assert refused(users.threads().get(userId="me", id=thread)).status_code == 404


class TestLabels:
    def test_are_listed_made_changed_and_deleted(self, users):
        labels = users.labels()
        body = {
            "name": "Harbour",
            "labelListVisibility": "labelShow",
            "messageListVisibility": "show",
        }
        made = labels.create(userId="me", body=body).execute()
        assert made["type"] == "user"
        assert refused(labels.create(userId="me", body=body)).status_code == 409

        labels.patch(userId="me", id=made["id"], body={"name": "Port"}).execute()
        assert labels.get(userId="me", id=made["id"]).execute()["name"] == "Port"

        labels.delete(userId="me", id=made["id"]).execute()
        assert refused(labels.get(userId="me", id=made["id"])).status_code == 404

    def test_count_their_messages(self, users, sandbox):
        inbox = [m for m in sandbox.mailbox(ME)["messages"] if "INBOX" in m["labelIds"]]

        shown = users.labels().get(userId="me", id="INBOX").execute()

        assert shown["messagesTotal"] == len(inbox)

    def test_of_the_system_stay(self, users):
        assert refused(users.labels().delete(userId="me", id="INBOX")).status_code == 400


class TestGmailSending:
    def test_puts_googles_own_message_id_on_it(self, users):
        mine = letter(Message_ID="<mine@example.com>")

        sent = users.messages().send(userId="me", body={"raw": encoded(mine)}).execute()

        shown = users.messages().get(userId="me", id=sent["id"], format="metadata").execute()
        assert sent["labelIds"] == ["SENT"]
        assert header(shown, "Message-ID").endswith("@mail.gmail.com>")

    def test_reaches_people_of_the_sandbox(self, users, sandbox):
        sandbox.seed("bob@example.com")

        users.messages().send(
            userId="me", body={"raw": encoded(letter(to="bob@example.com"))}
        ).execute()

        assert sandbox.mailbox("bob@example.com")["messagesTotal"] == 1

    @pytest.mark.scenario("O4")
    def test_takes_uploads(self, users):
        media = MediaInMemoryUpload(letter().as_bytes(), mimetype="message/rfc822")

        sent = users.messages().send(userId="me", body={}, media_body=media).execute()

        raw = users.messages().get(userId="me", id=sent["id"], format="raw").execute()
        assert b"A short letter." in decoded(raw["raw"])

    def test_stops_at_the_daily_cap(self, users, sandbox):
        sandbox.dial(sends_per_day=1)
        users.messages().send(userId="me", body={"raw": encoded(letter())}).execute()

        error = refused(users.messages().send(userId="me", body={"raw": encoded(letter())}))

        assert error.status_code == 429

    def post(self, sandbox, message):
        token = sandbox.authorize(ME, "https://mail.google.com/")["access_token"]
        httpx.post(
            f"{sandbox.url}/gmail/v1/users/me/messages/send",
            headers={"Authorization": f"Bearer {token}"},
            json={"raw": encoded(message)},
        )

    def test_happens_even_if_the_answer_is_lost(self, users, sandbox):
        sandbox.fail_next(path_contains="messages/send", drop="after")

        with pytest.raises(httpx.TransportError):
            self.post(sandbox, letter("Lost"))

        found = users.messages().list(userId="me", q="in:sent subject:Lost").execute()
        assert len(found["messages"]) == 1

    def test_does_not_happen_if_the_connection_broke_before(self, users, sandbox):
        sandbox.fail_next(path_contains="messages/send", drop="before")

        with pytest.raises(httpx.TransportError):
            self.post(sandbox, letter("Lost"))

        assert "messages" not in users.messages().list(userId="me", q="subject:Lost").execute()

    def test_is_repeated_by_httplib2_when_the_answer_is_lost(self, users, sandbox):
        """Not by us: one reason more never to send with Google's own transport."""
        sandbox.fail_next(path_contains="messages/send", drop="after")

        users.messages().send(userId="me", body={"raw": encoded(letter("Lost"))}).execute()

        found = users.messages().list(userId="me", q="in:sent subject:Lost").execute()
        assert len(found["messages"]) == 2

    def test_twice_is_two_messages(self, users):
        for _ in range(2):
            users.messages().send(userId="me", body={"raw": encoded(letter("Twice"))}).execute()

        found = users.messages().list(userId="me", q="subject:Twice").execute()["messages"]
        assert len(found) == 2

    def test_needs_a_recipient(self, users):
        request = users.messages().send(userId="me", body={"raw": encoded(letter(to=""))})

        assert refused(request).status_code == 400


class TestDrafts:
    def test_are_written_rewritten_and_sent_once(self, users):
        drafts = users.drafts()
        made = drafts.create(userId="me", body={"message": {"raw": encoded(letter())}}).execute()
        assert made["message"]["labelIds"] == ["DRAFT"]

        changed = drafts.update(
            userId="me",
            id=made["id"],
            body={"message": {"raw": encoded(letter("Second thoughts"))}},
        ).execute()
        assert changed["id"] == made["id"]
        assert changed["message"]["id"] != made["message"]["id"]
        assert [d["id"] for d in drafts.list(userId="me").execute()["drafts"]] == [made["id"]]

        sent = drafts.send(userId="me", body={"id": made["id"]}).execute()
        shown = users.messages().get(userId="me", id=sent["id"]).execute()
        assert header(shown, "Subject") == "Second thoughts"
        assert refused(drafts.get(userId="me", id=made["id"])).status_code == 404
        assert refused(drafts.send(userId="me", body={"id": made["id"]})).status_code == 404

    def test_can_be_thrown_away(self, users):
        made = (
            users.drafts()
            .create(userId="me", body={"message": {"raw": encoded(letter())}})
            .execute()
        )

        users.drafts().delete(userId="me", id=made["id"]).execute()

        assert refused(users.drafts().get(userId="me", id=made["id"])).status_code == 404


class TestImport:
    def test_dates_by_the_header(self, users):
        old = letter(Date="Tue, 01 Jan 2019 00:00:00 +0000")

        made = users.messages().import_(userId="me", body={"raw": encoded(old)}).execute()

        shown = users.messages().get(userId="me", id=made["id"], format="minimal").execute()
        assert shown["internalDate"] == "1546300800000"

    def test_inserts_with_labels(self, users):
        body = {"raw": encoded(letter()), "labelIds": ["INBOX"]}

        assert users.messages().insert(userId="me", body=body).execute()["labelIds"] == ["INBOX"]


class TestWatch:
    def test_begins_and_ends(self, users):
        body = {"topicName": "projects/p/topics/t"}
        answer = users.watch(userId="me", body=body).execute()
        assert int(answer["expiration"]) > 0

        other = users.watch(userId="me", body={"topicName": "projects/p/topics/other"})
        assert refused(other).status_code == 400
        users.stop(userId="me").execute()
        other.execute()

    def test_needs_a_publisher_on_the_topic(self, users):
        body = {"topicName": "projects/p/topics/forbidden"}

        assert refused(users.watch(userId="me", body=body)).status_code == 403


class TestUnsupportedMethods:
    def test_says_so(self, users):
        assert refused(users.settings().getImap(userId="me")).status_code == 501
