"""Short messages after a file was saved in the owner's Drive."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

SAVING: Final = _("The file is on its way to your Drive.")
ALREADY_SAVING: Final = _("This file is already on its way to your Drive.")
QUEUE_FULL: Final = _(
    "Not saved: you have %(count)d unfinished uploads. Finish or remove some of them first."
)
TOO_MANY: Final = _("You have saved many files. Please wait an hour.")
