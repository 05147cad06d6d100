"""What is counted as processor time: of this process and of those that work for it."""

from __future__ import annotations

import time

from integrations.parsers import parse_requests
from integrations.parsers.parser_pool import get_parser_pool
from tests.bench import measure, parsing

MAIL = b"From: a@sender.example\r\nContent-Type: text/html\r\n\r\n" + b"<p>Text</p>\r\n" * 20_000


class TestProcessorTime:
    def test_has_what_parser_processes_did_while_they_live_and_afterwards(self):
        with parsing.warm():
            both, own = measure.processor_time(), time.process_time()
            for _ in range(5):
                parse_requests.read_mime([MAIL])
            alive = measure.processor_time()
            of_parsers = alive - both - (time.process_time() - own)
            get_parser_pool().close()
            ended = measure.processor_time()

        # Most of this work is theirs.
        assert of_parsers > 0.02
        assert of_parsers > 0.5 * (alive - both)
        # What ended is counted as before: the kernel counts it in microseconds then.
        assert -0.01 < ended - alive < 0.5
