from __future__ import annotations

import io

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.test import RequestFactory
from django.urls import reverse

from config.environ_middleware import force_utf8, hide_process_environment


@pytest.mark.invariant(4)
@pytest.mark.control("6.5.1")
class TestWhatARequestKnows:
    def test_is_nothing_of_the_environment_of_the_process(self, monkeypatch):
        monkeypatch.setenv("A_SECRET_OF_OURS", "do-not-tell")
        monkeypatch.setenv("REMOTE_ADDR", "192.0.2.1")
        seen = []

        serve = hide_process_environment(lambda environ, _: seen.append(environ) or [])
        serve(
            {"A_SECRET_OF_OURS": "do-not-tell", "REMOTE_ADDR": "192.0.2.7", "PATH_INFO": "/"},
            lambda *_: None,
        )

        assert seen == [{"REMOTE_ADDR": "192.0.2.7", "PATH_INFO": "/"}]


def ask_application(
    path: str, body: bytes = b"", content_type: str = "text/plain"
) -> tuple[str, bytes]:
    """Return status and body of what the web application answers, below any middleware."""
    environ = RequestFactory().generic("POST" if body else "GET", path).environ
    environ |= {"CONTENT_TYPE": content_type, "HTTP_HOST": "localhost", "REMOTE_ADDR": "192.0.2.9"}
    environ |= {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
    statuses = []
    serve = force_utf8(WSGIHandler())
    parts = serve(environ, lambda status, _headers: statuses.append(status))
    return statuses[0], b"".join(parts)


@pytest.mark.django_db(transaction=True)
class TestAContentType:
    # Names of codecs that decode no text, that are not there, and that no name can be.
    NAMES = (
        "charset=hex", "charset=undefined", "charset=idna", "charset=punycode", "charset=utf-16",
        "charset=\0", "charset=\xff", "charset*=foo''x", "charset*=idna''%ff", "boundary*=foo''x",
        "a*0=1; a*1*=x''y", "charset=", "=;=", "",
    )  # fmt: skip

    @pytest.mark.parametrize("name", NAMES)
    def test_that_names_any_character_set_is_read_as_utf8(self, name):
        status, body = ask_application(
            f"{reverse('ledger-consistency')}?from=%ff&to=%5C", b"", f"a/b; {name}"
        )

        assert (status, body) == ("400 Bad Request", b"name two sizes: ?from=1&to=2\n")

    @pytest.mark.parametrize("name", NAMES)
    def test_of_a_webhook_is_of_no_account(self, name):
        path = f"{reverse('webhook-microsoft-subscription')}?validationToken=Validation%3a+a"

        assert ask_application(path, b"x", f"text/plain; {name}") == ("200 OK", b"Validation: a")

    @pytest.mark.parametrize("written", ["boundary=a-b", 'Boundary="a-b"; charset=hex'])
    def test_keeps_the_boundary_of_a_form(self, written):
        seen = []
        serve = force_utf8(lambda environ, _: seen.append(environ["CONTENT_TYPE"]) or [])

        serve({"CONTENT_TYPE": f"multipart/form-data; {written}"}, lambda *_: None)

        assert seen == ['multipart/form-data; boundary="a-b"']
