"""An operator at the pages of service clients, who pastes a private key where a public one goes."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, Final

from joserfc.jwk import ECKey, RSAKey

from tests.canaries.handing_over import OPERATORS_KEY, WIDGET, HandingOver
from tests.smoke.client import Page
from tests.smoke.person import SmokePerson, find_on_page
from tests.smoke.walk import must

# A part of a key that stands nowhere by chance.
_SHORTEST: Final = 40


@dataclass
class CanaryOperating:
    handing_over: HandingOver

    @property
    def operator(self) -> SmokePerson:
        return self.handing_over.journey.cast["otto"]

    def paste_private_keys(self) -> str:
        """As JSON, as PEM, cut off, and in another field: each page refuses it and shows none."""
        browser = self.operator.browser
        page = browser.get("/operations/clients/")
        client = find_on_page(rf'href="(/operations/clients/[^"]+)">{WIDGET}<', page)
        keys_page = browser.get(f"{client}keys/")
        keys_form = keys_page.own_form()
        count = 0
        for text in self._make_texts():
            for path, values in (
                (f"{client}keys/", {"keys": text}),
                (f"{client}redirects/", {"redirect_uris": text}),
                (f"/operations/clients/new/{WIDGET}/", {"keys": text, "redirect_uris": text}),
            ):
                # Every feature of the demo has a client: the page of a new one shows no form.
                form = replace(keys_form, action=path)
                answer = browser.submit(keys_page, form, form.data(**values))
                must(answer.url.endswith(path), f"{path} led to {answer.url}")
                self._check_answer(answer, text)
                count += 1
        wrong = keys_form.data(keys=f"{self.handing_over.typed}-keys")
        browser.submit(keys_page, keys_form, wrong)
        return f"{count} forms refused, and no key shown again"

    def _make_texts(self) -> list[str]:
        """Return private keys as an operator could paste them."""
        keys = (ECKey.generate_key("P-256", {"kid": "pasted-ec"}), RSAKey.generate_key(2048))
        texts = []
        for key in keys:
            jwk: dict[str, Any] = dict(key.as_dict(private=True))
            self.handing_over.note(OPERATORS_KEY, jwk["d"])
            pem = key.as_pem(private=True).decode()
            for line in pem.splitlines():
                if len(line) > _SHORTEST and not line.startswith("-"):
                    self.handing_over.note(OPERATORS_KEY, line)
            whole = json.dumps({"keys": [jwk]})
            texts += [whole, json.dumps(jwk), pem, whole[:-2]]
        return texts

    @staticmethod
    def _check_answer(answer: Page, text: str) -> None:
        must(answer.status == 400, f"{answer.url} took a private key: {answer.status}")
        parts = [part for part in text.replace('"', "\n").split("\n") if len(part) > _SHORTEST]
        must(parts, "no part of the key is long enough to be searched for")
        must(not any(part in answer.text for part in parts), f"{answer.url} shows the key")
