from __future__ import annotations

import pytest

from config.cgi import without_our_environment


@pytest.mark.invariant(4)
@pytest.mark.control("6.5.1")
class TestWhatARequestKnows:
    def test_is_nothing_of_the_environment_of_the_process(self, monkeypatch):
        monkeypatch.setenv("A_SECRET_OF_OURS", "do-not-tell")
        monkeypatch.setenv("REMOTE_ADDR", "192.0.2.1")
        seen = []

        serve = without_our_environment(lambda environ, _: seen.append(environ) or [])
        serve(
            {"A_SECRET_OF_OURS": "do-not-tell", "REMOTE_ADDR": "192.0.2.7", "PATH_INFO": "/"},
            lambda *_: None,
        )

        assert seen == [{"REMOTE_ADDR": "192.0.2.7", "PATH_INFO": "/"}]
