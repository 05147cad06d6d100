"""
The settings of the processes that the canary run starts: the real ones, watched.

Nothing that the service does is another; a crash reporter of the most talkative kind is added,
and what is reached for is written down. Both write to the folder that `CANARY_WATCH` names. What is
asked of Entra goes where Graph is, through the relay; its page, and whom it speaks as, stay there.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace

from config.environment import get_origin
from config.settings import *  # noqa: F403
from config.settings import LOGGING, MICROSOFT
from tests.canaries import watching

LOGGING["handlers"]["crash_reports"] = {"class": "tests.canaries.watching.CrashReports"}
LOGGING["root"]["handlers"].append("crash_reports")

_entra, _graph = get_origin(MICROSOFT.token_url), get_origin(MICROSOFT.api_root_url)
MICROSOFT = replace(
    MICROSOFT,
    token_url=MICROSOFT.token_url.replace(_entra, _graph),
    certs_url=MICROSOFT.certs_url.replace(_entra, _graph),
)

watching.write_down_connections(os.environ["CANARY_WATCH"], sys.argv)
