"""
Write the texts of `verify.html` and the hashes of its script and style into the file.

Run it after a change of the page or its texts. A test fails until then.
"""

from __future__ import annotations

from django.core.management.base import BaseCommand

from integrations.purge import verifier_page


class Command(BaseCommand):
    help = "Write texts and hashes into verify.html"

    def handle(self, **_: object) -> None:
        page = verifier_page.PAGE.read_text(encoding="utf-8")
        verifier_page.PAGE.write_text(verifier_page.pin_page(page), encoding="utf-8")
        self.stdout.write("verify.html is pinned.")
