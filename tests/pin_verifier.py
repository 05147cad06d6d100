"""
Write the texts of `verify.html`, and the hashes of its script and style, into the file.

Run ``python -m tests.pin_verifier`` after a change of the page or its texts, and read the diff:
nobody else decides which script the page may run.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re


def pin_page(page: str) -> str:
    """Return `page` with current texts, and the hashes in its Content Security Policy."""
    from integrations.purge import verifier_page

    page = verifier_page.replace_data(page, "texts", verifier_page.build_texts())
    for directive, tag in (("script-src", "script"), ("style-src", "style")):
        (source,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        # A hash in base64 has no backslash, which `re.sub` would interpret.
        page = re.sub(
            rf"{directive} '[^']*'", f"{directive} '{hash_source(source)}'", page, count=1
        )
    return page


def hash_source(source: str) -> str:
    digest = hashlib.sha256(source.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def main() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings_test")
    django.setup()
    from integrations.purge import verifier_page

    file = verifier_page.PAGE
    file.write_text(pin_page(file.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
