"""
The settings of the processes that the canary run starts: the real ones, watched.

Nothing that the service does is another; a crash reporter of the most talkative kind is added,
and what is reached for is written down. Both write to the folder that `CANARY_WATCH` names. What is
asked of Entra goes where Graph is, through the relay; its page, and whom it speaks as, stay there.
"""

from __future__ import annotations

import os
import sys

from config.settings import *  # noqa: F403
from config.settings import (
    LOGGING,
    MICROSOFT_AUTHORITY_URL,
    MICROSOFT_CERTS_URL,
    MICROSOFT_GRAPH_URL,
    MICROSOFT_TOKEN_URL,
)
from tests.canaries import watching

LOGGING["handlers"]["crash_reports"] = {"class": "tests.canaries.watching.CrashReports"}
LOGGING["root"]["handlers"].append("crash_reports")

MICROSOFT_TOKEN_URL = MICROSOFT_TOKEN_URL.replace(MICROSOFT_AUTHORITY_URL, MICROSOFT_GRAPH_URL)
MICROSOFT_CERTS_URL = MICROSOFT_CERTS_URL.replace(MICROSOFT_AUTHORITY_URL, MICROSOFT_GRAPH_URL)

watching.write_down_connections(os.environ["CANARY_WATCH"], sys.argv)
