"""Outlook's mail over Graph, as the facts describe it."""

import base64
from concurrent.futures import ThreadPoolExecutor
from email import message_from_bytes
from urllib.parse import urlsplit

import httpx
import pytest

from tests.worlds.microsoft import SIGN_IN, MicrosoftSandbox

ADA = "ada@contoso.example"
BOB = "bob@fabrikam.example"
TAG = "String {9a2b0c1d-1111-2222-3333-444455556666} Name CommandId"


@pytest.fixture
def microsoft(sandbox):
    found = MicrosoftSandbox(sandbox)
    found.register_client()
    found.seed(ADA, name="Ada Adams")
    return found


@pytest.fixture
def graph(microsoft):
    with microsoft.graph(microsoft.authorize(ADA)["access_token"]) as client:
        yield client


def delta(graph, link="/me/mailFolders/inbox/messages/delta", **headers):
    """(items, delta link, pages)."""
    items, pages = [], 0
    while True:
        page = graph.get(link, headers=headers).raise_for_status().json()
        items += page["value"]
        pages += 1
        if "@odata.deltaLink" in page:
            return items, page["@odata.deltaLink"], pages
        link = page["@odata.nextLink"]


def ids(items):
    return [one["id"] for one in items]


def recipient(address):
    return {"emailAddress": {"address": address}}


class TestGraphMessages:
    def test_are_listed_newest_first_and_paged(self, microsoft, graph):
        for number in range(12):
            microsoft.deliver(ADA, subject=f"s{number}", date=1_700_000_000_000 + number * 1000)

        first = graph.get("/me/messages", params={"$select": "subject"}).json()
        second = graph.get(first["@odata.nextLink"]).json()

        subjects = [one["subject"] for one in first["value"] + second["value"]]
        assert subjects == [f"s{number}" for number in reversed(range(12))]
        assert set(first["value"][0]) == {"@odata.etag", "id", "subject"}
        assert "@odata.nextLink" not in second

    def test_show_everything(self, microsoft, graph):
        microsoft.deliver(
            ADA, subject="Grüße", html="<p>Hello <script>x()</script></p>", text="Hello",
            attachments=[
                {"filename": "plan.txt", "content_type": "text/plain", "text": "the plan"}
            ],
        )  # fmt: skip
        [found] = graph.get("/me/mailFolders/inbox/messages").json()["value"]

        assert found["subject"] == "Grüße"
        assert found["body"]["contentType"] == "html"
        assert "script" not in found["body"]["content"]
        assert found["hasAttachments"] is True
        assert found["isRead"] is False
        assert found["from"]["emailAddress"]["address"] == "bob@example.org"
        plain = graph.get(
            f"/me/messages/{found['id']}", headers={"Prefer": 'outlook.body-content-type="text"'}
        )
        assert plain.json()["body"] == {"contentType": "text", "content": "Hello"} or (
            "Hello" in plain.json()["body"]["content"]
        )
        assert 'outlook.body-content-type="text"' in plain.headers["preference-applied"]
        [attached] = graph.get(f"/me/messages/{found['id']}/attachments").json()["value"]
        assert base64.b64decode(attached["contentBytes"]) == b"the plan"
        mime = graph.get(f"/me/messages/{found['id']}/$value")
        assert mime.headers["content-type"].startswith("text/plain")
        assert message_from_bytes(mime.content)["From"] == "Bob Builder <bob@example.org>"

    def test_can_be_searched_and_filtered(self, microsoft, graph):
        microsoft.deliver(ADA, subject="harbour", sender_email="carol@example.org")
        microsoft.deliver(ADA, subject="garden", headers={"Message-ID": "<g@example.org>"})

        def subjects(**params):
            found = graph.get("/me/messages", params={f"${k}": v for k, v in params.items()})
            return [one["subject"] for one in found.raise_for_status().json()["value"]]

        assert subjects(search='"harbour"') == ["harbour"]
        assert subjects(search='"from:carol"') == ["harbour"]
        assert subjects(filter="internetMessageId eq '<g@example.org>'") == ["garden"]
        assert len(subjects(filter="isRead eq false and receivedDateTime ge 2020-01-01")) == 2
        refused = graph.get(
            "/me/messages",
            params={"$filter": "isRead eq false", "$orderby": "receivedDateTime desc"},
        )
        assert refused.json()["error"]["code"] == "InefficientFilter"

    def test_have_two_forms_of_id(self, microsoft, graph):
        microsoft.deliver(ADA)
        stay = graph.get("/me/messages").json()["value"][0]["id"]
        go = graph.get("/me/messages", headers={"Prefer": "x"}).json()["value"][0]["id"]

        graph.post(f"/me/messages/{stay}/move", json={"DestinationId": "archive"})

        assert stay != go
        assert graph.get(f"/me/messages/{stay}").status_code == 200
        assert graph.get(f"/me/messages/{go}").json()["error"]["code"] == "ErrorItemNotFound"
        assert graph.get("/me/messages/nonsense").json()["error"]["code"] == (
            "ErrorInvalidIdMalformed"
        )

    def test_change(self, microsoft, graph):
        microsoft.deliver(ADA)
        [before] = graph.get("/me/messages").json()["value"]

        after = graph.patch(
            f"/me/messages/{before['id']}",
            json={"isRead": True, "categories": ["Blue"], "flag": {"flagStatus": "flagged"}},
        ).json()
        stale = graph.patch(
            f"/me/messages/{before['id']}",
            json={"isRead": False},
            headers={"If-Match": before["@odata.etag"]},
        )

        assert (after["isRead"], after["categories"]) == (True, ["Blue"])
        assert after["flag"] == {"flagStatus": "flagged"}
        assert after["changeKey"] != before["changeKey"]
        assert stale.status_code == 412
        assert stale.json()["error"]["code"] == "ErrorIrresolvableConflict"
        assert graph.patch(f"/me/messages/{before['id']}", json={"subject": "x"}).status_code == 400

    def test_are_deleted_in_two_steps(self, microsoft, graph):
        microsoft.deliver(ADA)
        [found] = graph.get("/me/messages").json()["value"]

        assert graph.delete(f"/me/messages/{found['id']}").status_code == 204
        [kept] = graph.get("/me/mailFolders/deleteditems/messages").json()["value"]
        assert kept["id"] == found["id"]
        assert graph.delete(f"/me/messages/{found['id']}").status_code == 204
        assert graph.get(f"/me/messages/{found['id']}").status_code == 404


class TestGraphFolders:
    def test_come_in_pages_of_a_number(self, graph):
        assert graph.get("/me/mailFolders?$top=²").status_code == 400
        answer = graph.get("/me/mailFolders", headers={"Prefer": "odata.maxpagesize=²".encode()})
        assert answer.status_code == 200

    def test_are_counted_and_known_by_name(self, microsoft, graph):
        microsoft.deliver(ADA)

        named = {f["displayName"]: f for f in graph.get("/me/mailFolders?$top=50").json()["value"]}

        assert named["Inbox"]["unreadItemCount"] == named["Inbox"]["totalItemCount"] == 1
        assert "Conversation History" not in named
        assert graph.get("/me/mailFolders('inbox')").json()["id"] == named["Inbox"]["id"]
        assert graph.get("/me/mailFolders/nowhere").status_code == 404

    def test_can_be_made_and_used(self, microsoft, graph):
        microsoft.deliver(ADA)
        made = graph.post("/me/mailFolders", json={"displayName": "Harbour"})
        [message] = graph.get("/me/messages").json()["value"]

        moved = graph.post(
            f"/me/messages/{message['id']}/move", json={"destinationId": made.json()["id"]}
        )

        assert made.status_code == moved.status_code == 201
        assert moved.json()["parentFolderId"] == made.json()["id"]
        assert graph.post("/me/mailFolders", json={"displayName": "harbour"}).status_code == 409


class TestMessageDelta:
    def test_gives_all_and_then_what_changed(self, microsoft, graph):
        for _ in range(5):
            microsoft.deliver(ADA)

        items, link, pages = delta(graph, Prefer='IdType="ImmutableId", odata.maxpagesize=2')
        quiet, link, _ = delta(graph, link)
        microsoft.deliver(ADA, subject="new")
        graph.patch(f"/me/messages/{items[0]['id']}", json={"isRead": True})
        later, link, _ = delta(graph, link)

        assert (len(items), pages, quiet) == (5, 3, [])
        assert {one["subject"] for one in later} == {"new", "Hello"}
        assert {one["isRead"] for one in later if one["id"] == items[0]["id"]} == {True}
        assert delta(graph, link)[0] == []

    @pytest.mark.parametrize("reason", ["deleted", "changed"])
    def test_calls_what_moved_removed_though_it_can_be_had(self, microsoft, graph, reason):
        microsoft.sandbox.dial(graph_move_reason=reason)
        microsoft.deliver(ADA)
        [message], inbox, _ = delta(graph)
        _, archive, _ = delta(graph, "/me/mailFolders/archive/messages/delta")

        graph.post(f"/me/messages/{message['id']}/move", json={"destinationId": "archive"})

        [gone], _, _ = delta(graph, inbox)
        [come], _, _ = delta(graph, archive)
        assert gone["id"] == come["id"] == message["id"]
        assert gone["@removed"] == {"reason": reason}
        assert graph.get(f"/me/messages/{message['id']}").status_code == 200

    def test_tells_of_what_is_gone(self, microsoft, graph):
        microsoft.deliver(ADA)
        [message], link, _ = delta(graph)

        graph.post(f"/me/messages/{message['id']}/permanentDelete")

        [gone], _, _ = delta(graph, link)
        assert gone["@removed"] == {"reason": "deleted"}
        assert graph.get(f"/me/messages/{gone['id']}").status_code == 404

    def test_may_lose_a_round_trip(self, microsoft, graph):
        microsoft.sandbox.dial(graph_round_trips_lost=True)
        microsoft.deliver(ADA)
        [message], link, _ = delta(graph)
        for folder in ("archive", "inbox"):
            graph.post(f"/me/messages/{message['id']}/move", json={"destinationId": folder})

        [told], link, _ = delta(graph, link)

        assert "@removed" in told
        assert delta(graph, link)[0] == []

    def test_has_empty_pages_and_repeats(self, microsoft, graph):
        microsoft.sandbox.dial(graph_empty_pages=True, graph_repetition=True)
        for _ in range(3):
            microsoft.deliver(ADA)
        prefer = 'IdType="ImmutableId", odata.maxpagesize=1'

        items, link, pages = delta(graph, Prefer=prefer)
        for _ in range(2):
            microsoft.deliver(ADA)
        later, _, _ = delta(graph, link, Prefer=prefer)

        assert (len(items), pages) == (3, 5)
        assert len(set(ids(later))) == len(later) - 1 == 2

    def test_forgets_in_the_end(self, microsoft, graph):
        microsoft.deliver(ADA)
        _, link, _ = delta(graph)
        microsoft.control("mail/expire-history", email=ADA, provider="microsoft")

        gone = graph.get(link)

        assert gone.status_code == 410
        assert gone.json()["error"]["code"] == "SyncStateNotFound"
        assert gone.headers["location"].endswith("$deltatoken=")
        assert graph.get(f"{link}x").status_code == 400

    @pytest.mark.parametrize(
        "path", ["/me/mailFolders/inbox/messages/delta", "/me/mailFolders/delta"]
    )
    def test_ends_with_a_new_link_each_time_of_which_the_last_three_are_remembered(
        self, graph, path
    ):
        links = [delta(graph, path)[1]]
        for _ in range(3):
            links.append(delta(graph, links[-1])[1])

        assert len(set(links)) == 4
        assert [graph.get(one).status_code for one in links] == [410, 200, 200, 200]
        # Each of these answers had a link as well.
        assert graph.get(links[1]).status_code == 410

    def test_remembers_all_links_where_the_dial_says_so(self, microsoft, graph):
        microsoft.sandbox.dial(graph_links_kept=0)
        for path in ("/me/mailFolders/inbox/messages/delta", "/me/mailFolders/delta"):
            link = delta(graph, path)[1]

            assert [graph.get(link).status_code for _ in range(5)] == [200] * 5


class TestFolderDelta:
    def told(self, graph, link) -> tuple[list, str]:
        items, link, _ = delta(graph, link)
        return [one.get("displayName", one.get("@removed")) for one in items], link

    def test_tells_new_renamed_moved_and_deleted_ones(self, graph):
        _, link = self.told(graph, "/me/mailFolders/delta")
        made = graph.post("/me/mailFolders", json={"displayName": "Harbour"}).json()["id"]
        told = [self.told(graph, link)]
        for method, verb, body in (
            ("PATCH", "", {"displayName": "Port"}),
            ("POST", "/move", {"destinationId": "inbox"}),
            ("DELETE", "", None),
            ("POST", "/permanentDelete", None),
        ):
            path = f"/me/mailFolders/{made}{verb}"
            graph.request(method, path, json=body).raise_for_status()
            told.append(self.told(graph, told[-1][1]))

        gone = {"reason": "deleted"}
        assert [names for names, _ in told] == [["Harbour"], ["Port"], ["Port"], ["Port"], [gone]]
        assert graph.get(f"/me/mailFolders/{made}").status_code == 404

    @pytest.mark.parametrize("counts", [True, False])
    def test_tells_a_folder_that_has_more_mail_where_the_dial_says_so(
        self, microsoft, graph, counts
    ):
        microsoft.sandbox.dial(graph_folder_counts=counts)
        _, link = self.told(graph, "/me/mailFolders/delta")
        microsoft.deliver(ADA)

        assert self.told(graph, link)[0] == (["Inbox"] if counts else [])

    def test_comes_by_pages(self, graph):
        items, _, pages = delta(graph, "/me/mailFolders/delta", Prefer="odata.maxpagesize=3")

        assert (len({one["id"] for one in items}), len(items), pages) == (8, 8, 3)

    def test_selects_and_takes_nothing_else(self, graph):
        first = graph.get("/me/mailFolders/delta?$select=displayName").json()
        refused = [
            graph.get(f"/me/mailFolders/delta?{one}").json()["error"]["code"]
            for one in ("$top=5", "$filter=displayName eq 'x'", "$orderby=id", "$search=x")
        ]

        assert {tuple(one) for one in first["value"]} == {("id", "displayName")}
        assert set(refused) == {"ErrorInvalidUrlQuery"}

    def test_forgets_old_links(self, microsoft, graph):
        _, link = self.told(graph, "/me/mailFolders/delta")
        microsoft.mail("expire-history", ADA)

        gone = graph.get(link)

        assert (gone.status_code, gone.json()["error"]["code"]) == (410, "SyncStateNotFound")
        assert graph.get(f"{link}x").status_code == 400

    @pytest.mark.parametrize("token", ["x", "1", "1-1", "²-²-x", "9" * 5_000])
    def test_refuses_links_that_it_never_gave(self, graph, token):
        self.told(graph, "/me/mailFolders/delta")

        refused = graph.get(f"/me/mailFolders/delta?$deltatoken={token}")

        assert refused.status_code == 400
        assert refused.json()["error"]["code"] == "syncStateInvalid"


class TestMovedAndDeletedFolders:
    def test_that_are_deleted_go_to_deleted_items_and_then_for_good(self, microsoft, graph):
        outer = graph.post("/me/mailFolders", json={"displayName": "Outer"}).json()["id"]
        path = f"/me/mailFolders/{outer}"
        inner = graph.post(f"{path}/childFolders", json={"displayName": "Inner"}).json()["id"]
        microsoft.deliver(ADA)
        [message] = ids(graph.get("/me/messages").json()["value"])
        graph.post(f"/me/messages/{message}/move", json={"destinationId": inner})

        graph.delete(path).raise_for_status()
        bin_ = graph.get("/me/mailFolders/deleteditems").json()["id"]
        assert graph.get(path).json()["parentFolderId"] == bin_
        assert graph.get("/me/messages").json()["value"] != []
        graph.delete(path).raise_for_status()

        assert graph.get(f"/me/mailFolders/{inner}").status_code == 404
        assert graph.get("/me/messages").json()["value"] == []

    def test_of_exchanges_own_stay_and_none_goes_into_itself(self, graph):
        outer = graph.post("/me/mailFolders", json={"displayName": "Outer"}).json()["id"]
        path = f"/me/mailFolders/{outer}"
        inner = graph.post(f"{path}/childFolders", json={"displayName": "Inner"}).json()["id"]

        refused = [
            graph.post("/me/mailFolders/inbox/move", json={"destinationId": "archive"}),
            graph.post("/me/mailFolders/inbox/permanentDelete"),
            graph.post(f"{path}/move", json={"destinationId": inner}),
            graph.post(f"{path}/move", json={"destinationId": "nowhere"}),
        ]

        assert [one.status_code for one in refused] == [400, 400, 400, 404]


class TestGraphSending:
    def message(self, **more):
        return {
            "subject": "Plans",
            "body": {"contentType": "text", "content": "All of them."},
            "toRecipients": [recipient(BOB)],
        } | more

    def test_answers_nothing_and_keeps_a_copy_that_can_be_found(self, microsoft, graph):
        microsoft.seed(BOB)
        tag = [{"id": TAG, "value": "abc-1"}]

        sent = graph.post(
            "/me/sendMail", json={"Message": self.message(singleValueExtendedProperties=tag)}
        )

        assert (sent.status_code, sent.content) == (202, b"")
        sought = f"singleValueExtendedProperties/Any(ep: ep/id eq '{TAG}' and ep/value eq 'ABC-1')"
        [kept] = graph.get("/me/mailFolders/sentitems/messages", params={"$filter": sought}).json()[
            "value"
        ]
        assert (kept["subject"], kept["isDraft"]) == ("Plans", False)
        theirs = microsoft.sandbox._get("mailbox", email=BOB, provider="microsoft")
        assert theirs["messagesTotal"] == 1

    def test_goes_by_way_of_a_draft(self, microsoft, graph):
        microsoft.sandbox.dial(graph_send_seconds=60.0, graph_sent_id_changes=True)
        draft = graph.post("/me/messages", json=self.message())
        url = f"/me/messages/{draft.json()['id']}"
        graph.patch(url, json={"subject": "Other plans"})
        graph.post(
            f"{url}/attachments",
            json={
                "@odata.type": "#microsoft.graph.fileAttachment", "name": "a.txt",
                "contentType": "text/plain", "contentBytes": base64.b64encode(b"x").decode(),
            },
        ).raise_for_status()  # fmt: skip

        assert graph.post(f"{url}/send").status_code == 202
        assert graph.get(url).json()["isDraft"] is True
        microsoft.sandbox.advance(61)

        assert graph.get(url).status_code == 404
        [sent] = graph.get("/me/mailFolders/sentitems/messages").json()["value"]
        assert sent["id"] != draft.json()["id"]
        assert sent["internetMessageId"] == draft.json()["internetMessageId"]
        assert (sent["subject"], sent["hasAttachments"]) == ("Other plans", True)

    def test_of_mime_keeps_it(self, graph):
        mime = b"To: bob@fabrikam.example\r\nSubject: raw\r\nMessage-ID: <r@x>\r\n\r\nHi"

        def send(body):
            return graph.post("/me/sendMail", content=body, headers={"Content-Type": "text/plain"})

        assert send(base64.b64encode(mime)).status_code == 202
        assert send(b"%%%").json()["error"]["code"] == "ErrorMimeContentInvalidBase64String"
        [sent] = graph.get("/me/mailFolders/sentitems/messages").json()["value"]
        assert sent["internetMessageId"] == "<r@x>"

    def test_replies_in_the_thread(self, microsoft, graph):
        microsoft.deliver(ADA, subject="Plans", headers={"Message-ID": "<p@example.org>"})
        [message] = graph.get("/me/messages").json()["value"]

        reply = graph.post(
            f"/me/messages/{message['id']}/createReply", json={"Comment": "Yes."}
        ).json()
        answers = "String 0x1042"
        kept = graph.get(
            f"/me/messages/{reply['id']}",
            params={
                "$select": "internetMessageHeaders",
                "$expand": f"singleValueExtendedProperties($filter=id eq '{answers}')",
            },
        ).json()

        assert reply["subject"] == "RE: Plans"
        assert reply["conversationId"] == message["conversationId"]
        assert "internetMessageHeaders" not in kept
        assert kept["singleValueExtendedProperties"] == [
            {"id": answers, "value": "<p@example.org>"}
        ]
        assert reply["toRecipients"][0]["emailAddress"]["address"] == "bob@example.org"
        assert "Yes." in reply["body"]["content"]
        both = {"comment": "a", "message": {"body": {"contentType": "text", "content": "b"}}}
        assert graph.post(f"/me/messages/{message['id']}/reply", json=both).status_code == 400

    def test_needs_its_scope(self, microsoft):
        token = microsoft.authorize(ADA, f"{SIGN_IN} Mail.ReadWrite")["access_token"]
        with microsoft.graph(token) as graph:
            draft = graph.post("/me/messages", json=self.message()).json()

            refused = graph.post(f"/me/messages/{draft['id']}/send")

        assert refused.status_code == 403
        assert refused.json()["error"]["code"] == "ErrorAccessDenied"

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"toRecipients": []}, "ErrorInvalidRecipients"),
            ({"internetMessageHeaders": [{"name": "References", "value": "x"}]},
             "InvalidInternetMessageHeader"),
        ],
    )  # fmt: skip
    def test_refuses_what_cannot_go(self, graph, change, code):
        refused = graph.post("/me/sendMail", json={"message": self.message(**change)})

        assert refused.json()["error"]["code"] == code

    def test_is_limited_by_the_minute(self, microsoft, graph):
        microsoft.sandbox.dial(graph_sends_per_minute=1)
        answers = [graph.post("/me/sendMail", json={"message": self.message()}) for _ in range(3)]

        assert 429 in {one.status_code for one in answers}

    def test_takes_large_attachments_in_pieces(self, microsoft, graph):
        draft = graph.post("/me/messages", json=self.message()).json()
        size = 5 * 2**20
        item = {"attachmentType": "file", "name": "big.bin", "size": size}
        session = graph.post(
            f"/me/messages/{draft['id']}/attachments/createUploadSession",
            json={"AttachmentItem": item},
        )
        url = session.json()["uploadUrl"]

        def put(start, end, **headers):
            span = {"Content-Range": f"bytes {start}-{end - 1}/{size}"}
            return httpx.put(url, content=b"x" * (end - start), headers=span | headers)

        middle = 3 * 2**20
        assert session.status_code == 201
        assert put(0, middle, Authorization="Bearer x").status_code == 401
        assert put(middle, size).status_code == 416
        assert put(0, middle).json()["nextExpectedRanges"] == [f"{middle}-"]
        done = put(middle, size)
        assert done.status_code == 201
        attached = graph.get(urlsplit(done.headers["location"]).path.removeprefix("/v1.0"))
        assert attached.json()["size"] == size
        assert put(0, middle).status_code == 404


class TestRules:
    @pytest.mark.parametrize("retry_after", ["2.128", "7", ""])
    def test_throttles_a_mailbox(self, microsoft, graph, retry_after):
        microsoft.sandbox.dial(graph_requests_per_ten_minutes=2, graph_retry_after=retry_after)
        answers = [graph.get("/me") for _ in range(4)]
        microsoft.sandbox.advance(601)

        assert [one.status_code for one in answers][-1] == 429
        assert answers[-1].headers.get("retry-after", "") == retry_after
        assert graph.get("/me").status_code == 200

    def test_lets_four_at_once_into_a_mailbox(self, microsoft):
        microsoft.sandbox.dial(latency_seconds=0.3)
        headers = {"Authorization": f"Bearer {microsoft.authorize(ADA)['access_token']}"}

        client = httpx.Client(base_url=microsoft.url, headers=headers)
        with client, ThreadPoolExecutor(6) as at_once:
            answers = list(at_once.map(client.get, ["/v1.0/me"] * 6))

        refused = [one for one in answers if one.status_code == 429]
        assert refused
        assert "MailboxConcurrency" in refused[0].json()["error"]["message"]

    def test_runs_batches(self, microsoft, graph):
        microsoft.deliver(ADA)
        microsoft.sandbox.fail_next(problem="graph_throttled", path_contains="mailFolders")
        asked = [
            {"id": "1", "method": "GET", "url": "/me/messages?$select=id"},
            {"id": "2", "method": "GET", "url": "/me/mailFolders/inbox"},
            {"id": "3", "method": "GET", "url": "/me", "dependsOn": ["2"]},
        ]

        found = graph.post("/$batch", json={"requests": asked}).json()["responses"]

        assert {one["id"]: one["status"] for one in found} == {"1": 200, "2": 429, "3": 424}
        assert [one["id"] for one in found] != ["1", "2", "3"]
        assert {o["headers"].get("Retry-After") for o in found if o["id"] == "2"} == {"2.128"}
        assert graph.post("/$batch", json={"requests": asked * 7}).status_code == 400

    def test_challenges_whoever_can_take_it(self, microsoft):
        claims = '{"access_token":{"xms_cc":{"values":["cp1"]}}}'
        token = microsoft.authorize(ADA)["refresh_token"]
        aware = microsoft.refresh(token, claims=claims).json()
        plain = microsoft.refresh(token).json()
        microsoft.control("microsoft/tokens/challenge", email=ADA)

        with microsoft.graph(aware["access_token"]) as graph:
            challenged = graph.get("/me")
        with microsoft.graph(plain["access_token"]) as graph:
            assert graph.get("/me").status_code == 200

        assert aware["expires_in"] == 28 * 3600
        assert challenged.status_code == 401
        assert 'error="insufficient_claims"' in challenged.headers["www-authenticate"]

    def test_knows_who_one_is(self, microsoft, graph):
        me = graph.get("/me").json()

        assert me["mail"] == me["userPrincipalName"] == ADA
        assert graph.get(f"/users/{me['id']}/mailFolders/inbox").status_code == 200
        assert graph.get("/users/somebody@else.example/messages").status_code == 403
        assert graph.get("/me/mailboxSettings").json()["timeZone"] == "W. Europe Standard Time"

    def test_ends_with_the_token(self, microsoft, graph):
        microsoft.control("microsoft/tokens/expire", email=ADA)

        assert graph.get("/me").json()["error"]["code"] == "InvalidAuthenticationToken"

    def test_hides_bodies_from_the_basic_scope(self, microsoft):
        microsoft.deliver(ADA)
        token = microsoft.authorize(ADA, f"{SIGN_IN} Mail.ReadBasic")["access_token"]
        with microsoft.graph(token) as graph:
            [found] = graph.get("/me/messages").json()["value"]
            refused = graph.get(f"/me/messages/{found['id']}/$value")

        assert "body" not in found
        assert refused.status_code == 403

    def test_counts_what_it_is_asked(self, microsoft, graph):
        graph.get("/me/messages")

        assert microsoft.sandbox.calls("graph.messages.list") == 1
