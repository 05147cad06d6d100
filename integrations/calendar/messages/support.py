"""Results of opening an event to support."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from limited_use.policy.claims import claim

STARTED: Final = _("A support agent can see this event now. You can stop sharing at any time.")
STOPPED: Final = claim(
    "event-support.taken-back",
    _("Stopped sharing. Support agents can no longer see this event."),
)
NOT_AGREED: Final = _("To let a support agent see this event, tick the box.")
