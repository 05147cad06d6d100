"""
The settings of the processes that the canary run starts: the real ones, watched.

Nothing that the service does is another; a crash reporter of the most talkative kind is added,
and what is reached for is written down. Both write to the folder that `CANARY_WATCH` names.
"""

from __future__ import annotations

import os
import sys

from config.settings import *  # noqa: F403
from config.settings import LOGGING
from tests.canaries import watching

LOGGING["handlers"]["crash_reports"] = {"class": "tests.canaries.watching.CrashReports"}
LOGGING["root"]["handlers"].append("crash_reports")

watching.write_down_connections(os.environ["CANARY_WATCH"], sys.argv)
