"""Microsoft's client library at work for us: what it sends, what it does not, and for whom."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from kiota_http.httpx_request_adapter import HttpxRequestAdapter

from integrations.providers import errors
from integrations.providers import provider_http as transport
from integrations.providers.microsoft import graph_client as clients
from integrations.providers.microsoft import graph_http
from integrations.providers.microsoft.graph_client import get_graph_client
from integrations.providers.microsoft.graph_http import (
    GraphApiRequest,
    fetch_contents,
    prepare_call,
    quote_segment,
    send_graph_read,
    send_graph_reads,
    send_graph_write,
)
from integrations.providers.microsoft.graph_session import GraphNoResponse
from tests.egress_wall.edge import Listener, couple
from tests.factories import make_access
from tests.openbao import certificate

BASE64_CLAIMS = "eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZX19fQ=="


class TestRequests:
    def test_carry_the_token_and_ask_for_ids_that_stay(self, place):
        send_graph_read(
            GraphApiRequest("/me/messages", {"$top": "5"}, prefer=("odata.maxpagesize=50",)),
            place.access(),
        )

        (heard,) = place.heard
        assert (heard.method, heard.path) == ("GET", "/v1.0/me/messages?$top=5")
        assert heard.headers["authorization"] == "Bearer t0ken"
        assert heard.headers["prefer"] == 'IdType="ImmutableId", odata.maxpagesize=50'

    def test_follow_a_link_as_it_was_given(self, place):
        link = f"{place.url}/v1.0/me/mailFolders('x')/messages/delta?$deltatoken=a%2Bb%3D%2e"

        send_graph_read(GraphApiRequest(link), place.access())

        assert place.heard[0].path == link.removeprefix(place.url)

    @pytest.mark.scenario("O4")
    @pytest.mark.parametrize(
        "link",
        [
            "https://evil.example/v1.0/me",
            "http://127.0.0.1:1/v1.0/me",
            "https://graph.microsoft.com@evil.example/",
        ],
    )
    def test_follow_no_link_that_points_elsewhere(self, place, link):
        with pytest.raises(errors.CursorExpired):
            send_graph_read(GraphApiRequest(link), place.access())
        assert place.heard == []

    def test_go_to_microsofts_own_host_where_the_settings_name_none(self):
        made = prepare_call(GraphApiRequest("/me"), make_access())

        assert made.url == "https://graph.microsoft.com/v1.0/me"
        assert "Bearer" not in repr(made)

    def test_keep_an_id_in_its_place(self, place):
        send_graph_read(
            GraphApiRequest(f"/me/messages/{quote_segment('AA/b+c==')}"), place.access()
        )

        assert place.heard[0].path == "/v1.0/me/messages/AA%2Fb%2Bc%3D%3D"

    # Its builders warn of themselves.
    @pytest.mark.filterwarnings("ignore::DeprecationWarning")
    def test_are_the_librarys_own(self, place):
        """The same addresses as its builders make."""
        from kiota_abstractions.authentication.anonymous_authentication_provider import (
            AnonymousAuthenticationProvider,
        )
        from msgraph import GraphServiceClient
        from msgraph.graph_request_adapter import GraphRequestAdapter

        adapter = GraphRequestAdapter(AnonymousAuthenticationProvider())
        me = GraphServiceClient(request_adapter=adapter).me
        built = [
            me.messages.by_message_id("AA/b+c==").to_get_request_information().url,
            me.mail_folders.by_mail_folder_id("x=").messages.delta.to_get_request_information().url,
            me.calendars.by_calendar_id("x=").events.to_get_request_information().url,
        ]

        ours = [
            prepare_call(GraphApiRequest(path), place.access()).url.removeprefix(
                place.url + "/v1.0"
            )
            for path in (
                f"/me/messages/{quote_segment('AA/b+c==')}",
                f"/me/mailFolders/{quote_segment('x=')}/messages/delta()",
                f"/me/calendars/{quote_segment('x=')}/events",
            )
        ]
        assert [url.replace("/users/me-token-to-replace", "/me") for url in built] == ours

    @pytest.mark.invariant(10)
    def test_are_four_at_once_at_most(self, place):
        place.together, place.pause = 4, 0.05

        found = send_graph_reads(
            [GraphApiRequest(f"/me/messages/{at}") for at in range(12)], place.access()
        )

        assert found == [{}] * 12
        assert place.most_at_once == 4

    def test_of_many_threads_each_get_their_own_answer(self, place):
        for at in range(40):
            place.answer_at(f"/v1.0/{at}", body={"at": at})

        with ThreadPoolExecutor(8) as threads:
            found = list(
                threads.map(
                    lambda at: send_graph_read(GraphApiRequest(f"/{at}"), place.access()), range(40)
                )
            )

        assert [one["at"] for one in found] == list(range(40))


class TestWrites:
    @pytest.mark.scenario("M1")
    @pytest.mark.invariant(9)
    @pytest.mark.parametrize("status", [500, 502, 503, 504])
    def test_are_sent_once_and_leave_it_open(self, place, status):
        place.refuse(status, "serviceUnavailable", Retry_After="1")

        with pytest.raises(errors.OutcomeUnknown):
            send_graph_write(
                GraphApiRequest("/me/sendMail", method="POST", body={"a": 1}), place.access()
            )

        assert [one.json for one in place.heard] == [{"a": 1}]

    @pytest.mark.invariant(9)
    def test_without_an_answer_leave_it_open(self, place):
        place.answer(0)

        with pytest.raises(errors.OutcomeUnknown) as caught:
            send_graph_write(GraphApiRequest("/me/events", method="POST", body={}), place.access())

        assert (caught.value.__cause__, caught.value.__context__) == (None, None)
        assert len(place.heard) == 1

    def test_may_have_nothing_to_say(self, place):
        place.answer(204)

        assert (
            send_graph_write(
                GraphApiRequest("/me/events/1", method="DELETE", if_match='W/"1"'), place.access()
            )
            == {}
        )
        assert place.heard[0].headers["if-match"] == 'W/"1"'


class TestRefusals:
    @pytest.mark.parametrize(
        ("status", "code", "kind"),
        [
            (401, "InvalidAuthenticationToken", errors.TokenRejected),
            (403, "ErrorAccessDenied", errors.ScopeMissing),
            (403, "Authorization_RequestDenied", errors.ScopeMissing),
            (404, "ErrorItemNotFound", errors.Gone),
            (400, "ErrorInvalidIdMalformed", errors.Gone),
            (404, "MailboxNotEnabledForRESTAPI", errors.MailboxMissing),
            (410, "SyncStateNotFound", errors.CursorExpired),
            (400, "syncStateInvalid", errors.CursorExpired),
            (409, "ErrorIrresolvableConflict", errors.ChangedMeanwhile),
            (412, "ErrorIrresolvableConflict", errors.ChangedMeanwhile),
            (400, "ErrorDuplicateTransactionId", errors.AlreadyThere),
            (409, "ErrorDuplicateTransactionId", errors.AlreadyThere),
            (400, "ErrorOccurrenceCrossingBoundary", errors.Rejected),
            (429, "ApplicationThrottled", errors.RateLimited),
            (503, "serviceUnavailable", errors.Unavailable),
            (400, "SomethingNew", errors.Unexpected),
        ],
    )
    def test_mean_what_the_caller_does_next(self, place, status, code, kind):
        place.refuse(status, code)

        with pytest.raises(errors.ProviderError) as caught:
            send_graph_read(GraphApiRequest("/me"), place.access())

        assert type(caught.value) is kind
        assert caught.value.status == status
        assert caught.value.reason in {code.lower(), ""}
        assert "secret words" not in repr(caught.value.__dict__) + str(caught.value)

    @pytest.mark.invariant(10)
    def test_say_when_to_come_again_with_a_fraction(self, place):
        place.refuse(429, "TooManyRequests", Retry_After="2.128")

        with pytest.raises(errors.RateLimited) as caught:
            send_graph_read(GraphApiRequest("/me"), place.access())

        assert caught.value.retry_after == 2.128
        assert len(place.heard) == 1

    @pytest.mark.parametrize("quoted", [BASE64_CLAIMS, BASE64_CLAIMS.rstrip("=")])
    def test_hand_over_the_claims_that_the_next_token_needs(self, place, quoted):
        place.refuse(
            401,
            "InvalidAuthenticationToken",
            WWW_Authenticate=f'Bearer realm="", error="insufficient_claims", claims="{quoted}"',
        )

        with pytest.raises(errors.ClaimsWanted) as caught:
            send_graph_read(GraphApiRequest("/me"), place.access())

        assert caught.value.claims == '{"access_token":{"nbf":{"essential":true}}}'
        # Not sent again by the library, with the same token.
        assert len(place.heard) == 1

    @pytest.mark.parametrize("claims", ["", "####", "bm90IGpzb24=", "W10=", "e30" * 3000])
    def test_hand_over_no_claims_that_are_none(self, place, claims):
        place.refuse(401, "x", WWW_Authenticate=f'Bearer claims="{claims}"')

        with pytest.raises(errors.TokenRejected) as caught:
            send_graph_read(GraphApiRequest("/me"), place.access())

        assert type(caught.value) is errors.TokenRejected

    def test_that_are_not_microsofts_say_nothing_of_the_grant(self, place):
        place.answer(200, b"<html>a proxy</html>")
        place.answer(502, b"<html>a proxy</html>")

        for _ in range(2):
            with pytest.raises(errors.Unavailable):
                send_graph_read(GraphApiRequest("/me"), place.access())

    def test_of_one_leave_the_others_alone(self, place):
        place.answer_at("/v1.0/here", body={"id": "1"})
        place.answer_at("/v1.0/gone", 404, {"error": {"code": "ErrorItemNotFound"}})

        found = send_graph_reads(
            [GraphApiRequest("/here"), GraphApiRequest("/gone")], place.access()
        )

        assert found[0] == {"id": "1"}
        assert isinstance(found[1], errors.Gone)

    def test_of_what_is_larger_than_memory_is_for(self, place, monkeypatch):
        monkeypatch.setattr(transport, "MAX_ANSWER", 1000)
        place.answer(200, b"x" * 1001)

        (found,) = fetch_contents([GraphApiRequest("/me/messages/1/$value")], place.access())

        assert isinstance(found, errors.Rejected)
        assert found.reason == "too-large"

    def test_follow_no_redirect(self, place):
        place.answer(302, b"", Location=place.url + "/elsewhere")

        with pytest.raises(errors.Unexpected):
            send_graph_read(GraphApiRequest("/me"), place.access())

        assert len(place.heard) == 1


class TestGraphSessions:
    def test_go_on_after_a_deadline(self, place):
        place.pause = 1.0
        (found,) = get_graph_client().send(
            [prepare_call(GraphApiRequest("/slow"), place.access())], deadline=0.05
        )
        place.pause = 0.0

        assert isinstance(found, GraphNoResponse)
        assert send_graph_read(GraphApiRequest("/me"), place.access()) == {}

    def test_keep_their_connections_for_the_next_call_of_any_thread(self, place):
        clients._create_client.cache_clear()
        send_graph_read(GraphApiRequest("/first"), place.access())
        with ThreadPoolExecutor(1) as thread:
            thread.submit(send_graph_read, GraphApiRequest("/second"), place.access()).result()
        send_graph_read(GraphApiRequest("/third"), place.access())

        assert len(place.connections) == 1

    def test_open_a_new_connection_where_the_server_closed_the_last(self, place):
        clients._create_client.cache_clear()
        place.answer(200, {}, Connection="close")
        send_graph_read(GraphApiRequest("/first"), place.access())

        assert send_graph_read(GraphApiRequest("/second"), place.access()) == {}
        assert len(place.connections) == 2

    def test_keep_no_cookie_of_one_mailbox_for_the_next(self, place):
        clients._create_client.cache_clear()
        place.answer(200, {}, Set_Cookie="who=alice; Path=/")

        send_graph_read(GraphApiRequest("/me"), place.access())
        send_graph_read(GraphApiRequest("/me"), place.access())

        assert len(place.connections) == 1
        assert "cookie" not in place.heard[1].headers

    def test_are_one_for_each_call_at_a_time(self, place):
        clients._create_client.cache_clear()
        place.together = 3

        with ThreadPoolExecutor(3) as threads:
            found = list(
                threads.map(
                    lambda at: send_graph_read(GraphApiRequest(f"/{at}"), place.access()), range(3)
                )
            )

        assert found == [{}] * 3
        assert len(get_graph_client()._idle) == 3

    def test_serve_a_thread_whose_own_loop_is_running(self, place):
        async def ask():
            return send_graph_read(GraphApiRequest("/me"), place.access())

        assert asyncio.run(ask()) == {}

    @pytest.mark.invariant(10)
    def test_of_all_threads_have_four_requests_under_way_at_most(self, place):
        place.together, place.pause = 4, 0.05
        requests = [GraphApiRequest(f"/me/messages/{at}") for at in range(6)]

        with ThreadPoolExecutor(4) as threads:
            found = list(
                threads.map(lambda _: send_graph_reads(requests, place.access()), range(4))
            )

        assert found == [[{}] * 6] * 4
        assert place.most_at_once == 4

    @pytest.mark.invariant(9)
    def test_that_wait_for_their_turn_too_long_are_silence(self, place, monkeypatch):
        """Other threads have as many requests of the mailbox under way as Graph answers."""
        monkeypatch.setattr(graph_http, "PATIENCE", 0.2)
        gate = get_graph_client()._find_gate(prepare_call(GraphApiRequest("/me"), place.access()))

        with gate.hold_slots(4, until=time.monotonic() + 5.0):
            with pytest.raises(errors.Unavailable):
                send_graph_read(GraphApiRequest("/me"), place.access())
            with pytest.raises(errors.OutcomeUnknown):
                send_graph_write(
                    GraphApiRequest("/me/events", method="POST", body={}), place.access()
                )

        monkeypatch.undo()
        assert send_graph_read(GraphApiRequest("/after"), place.access()) == {}
        assert [one.path for one in place.heard] == ["/v1.0/after"]

    @pytest.mark.invariant(9)
    def test_let_nothing_go_out_late(self, place, monkeypatch):
        """A machine under load, or a library that holds its thread for long."""
        send_graph_read(GraphApiRequest("/before"), place.access())
        monkeypatch.setattr(graph_http, "PATIENCE", 0.1)
        build = HttpxRequestAdapter.get_request_from_request_information

        def build_slowly(*given):
            time.sleep(0.3)
            return build(*given)

        monkeypatch.setattr(
            HttpxRequestAdapter, "get_request_from_request_information", build_slowly
        )
        with pytest.raises(errors.Unavailable):
            send_graph_read(GraphApiRequest("/me"), place.access())
        with pytest.raises(errors.OutcomeUnknown):
            send_graph_write(GraphApiRequest("/me/events", method="POST", body={}), place.access())

        monkeypatch.undo()
        assert send_graph_read(GraphApiRequest("/after"), place.access()) == {}
        assert [one.path for one in place.heard] == ["/v1.0/before", "/v1.0/after"]

    def test_that_are_interrupted_drop_their_requests(self, place, monkeypatch):
        """A worker whose time is over leaves nothing under way, and the next call works."""
        clients._create_client.cache_clear()
        place.pause = 5.0
        convert = HttpxRequestAdapter.convert_to_native_async

        async def interrupt(self, information):
            if information.url.endswith("/interrupt"):
                await asyncio.sleep(0.5)
                raise KeyboardInterrupt
            return await convert(self, information)

        began = time.monotonic()
        with monkeypatch.context() as patch:
            patch.setattr(HttpxRequestAdapter, "convert_to_native_async", interrupt)
            with pytest.raises(KeyboardInterrupt):
                send_graph_reads(
                    [GraphApiRequest("/slow"), GraphApiRequest("/interrupt")], place.access()
                )

        assert time.monotonic() - began < place.pause
        assert get_graph_client()._idle == []
        place.pause = 0.0
        assert send_graph_read(GraphApiRequest("/me"), place.access()) == {}

    @pytest.mark.invariant(9)
    def test_that_fail_as_nobody_foresaw_fail_for_one_call(self, place, monkeypatch):
        convert = HttpxRequestAdapter.convert_to_native_async

        async def broken(self, information):
            if information.http_method.value == "POST":
                raise RuntimeError("a token")
            return await convert(self, information)

        monkeypatch.setattr(HttpxRequestAdapter, "convert_to_native_async", broken)
        posted = prepare_call(GraphApiRequest("/me/events", method="POST", body={}), place.access())

        found = get_graph_client().send(
            [posted, prepare_call(GraphApiRequest("/me"), place.access())]
        )

        assert [type(one) for one in found] == [RuntimeError, transport.ProviderResponse]
        with pytest.raises(errors.OutcomeUnknown):
            send_graph_write(GraphApiRequest("/me/events", method="POST", body={}), place.access())

    def test_are_silence_while_another_thread_loads_the_library_for_too_long(
        self, place, monkeypatch
    ):
        monkeypatch.setattr(clients, "LOADING", 0.1)

        with clients._CLIENT_LOCK, ThreadPoolExecutor(1) as thread:
            asked = thread.submit(send_graph_read, GraphApiRequest("/me"), place.access())
            assert isinstance(asked.exception(20), errors.Unavailable)

        assert send_graph_read(GraphApiRequest("/me"), place.access()) == {}

    def test_are_of_one_process_and_others_after_a_fork(self, place):
        first = get_graph_client()

        assert get_graph_client() is first
        assert clients._create_client(first.pid + 1, "") is not first
        clients._create_client.cache_clear()

    def test_work_for_the_caller(self, place, monkeypatch):
        """What watches the ways out sees the place of this request, and nothing once it is over."""
        seen = []
        connect = asyncio.SelectorEventLoop.sock_connect

        async def watching(self, sock, address):
            seen.append(transport.current_destination.get())
            return await connect(self, sock, address)

        monkeypatch.setattr(asyncio.BaseEventLoop, "sock_connect", watching, raising=False)
        monkeypatch.setattr(asyncio.SelectorEventLoop, "sock_connect", watching)
        send_graph_read(GraphApiRequest("/me"), place.access())

        assert seen == [("127.0.0.1", int(place.url.rpartition(":")[2]))]
        assert transport.current_destination.get() is None

    def test_look_names_up_for_the_caller(self):
        token = transport.current_destination.set(("graph.microsoft.com", 443))
        try:
            with get_graph_client()._borrow_session() as session:
                found = session.names.submit(transport.current_destination.get).result(5)
        finally:
            transport.current_destination.reset(token)

        assert found == ("graph.microsoft.com", 443)

    def test_go_through_the_proxy_where_there_is_one(self, place):
        transport.use_proxy(place.url)
        place.answer(200, {"by": "proxy"})
        try:
            elsewhere = make_access(root_url="http://graph.example/v1.0")
            found = send_graph_read(GraphApiRequest("/me"), elsewhere)
        finally:
            transport.use_proxy("")

        assert found == {"by": "proxy"}
        assert place.heard[0].path == "http://graph.example/v1.0/me"


class TestLoading:
    def test_happens_when_it_is_first_used(self):
        """Not on start: 25 MB in every process, for those who talk to Google alone."""
        program = (
            "import os, sys, django; "
            "os.environ['DJANGO_SETTINGS_MODULE'] = 'config.settings_test'; django.setup(); "
            "import integrations.providers.microsoft.graph_http; "
            "print([m for m in ('msgraph', 'msgraph_core', 'kiota_http') if m in sys.modules])"
        )

        said = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        )

        assert said.stdout.strip().splitlines()[-1] == "[]"


class TestAuthorities:
    """Whom to trust is said once, for the whole system: Google's client asks it as well."""

    @pytest.fixture
    def secured(self, place, tmp_path):
        """Serve the place with a certificate that no list of a package has; return its address."""
        own, key = tmp_path / "own.pem", tmp_path / "own.key"
        certificate.write_certificate(own, key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(own, key)
        behind = ("127.0.0.1", int(place.url.rpartition(":")[2]))

        def serve(here):
            with context.wrap_socket(here, server_side=True) as connection:
                couple(connection, behind)

        listener = Listener(("127.0.0.1", 0), serve)
        clients._create_client.cache_clear()
        yield f"https://127.0.0.1:{listener.port}", own
        clients._create_client.cache_clear()
        listener.close()

    def test_are_those_of_the_system(self, secured, place, monkeypatch):
        url, own = secured
        monkeypatch.setenv("SSL_CERT_FILE", str(own))
        place.answer(200, {"by": "us"})

        assert send_graph_read(GraphApiRequest("/me"), make_access(root_url=f"{url}/v1.0")) == {
            "by": "us"
        }

    def test_do_not_hold_a_stranger(self, secured, place):
        url, _ = secured

        with pytest.raises(errors.Unavailable):
            send_graph_read(GraphApiRequest("/me"), make_access(root_url=f"{url}/v1.0"))
        assert place.heard == []
