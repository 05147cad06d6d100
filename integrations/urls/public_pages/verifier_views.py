from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from integrations.purge import verifier_page
from limited_use.ledger import signing_keys


@never_cache
@require_safe
def download_verifier(_: HttpRequest) -> HttpResponse:
    """Return `verify.html` with the current and former public keys, to open from the disk."""
    page = verifier_page.render_verifier_page(
        signing_keys.list_published_keys(), keys_page=f"{settings.PUBLIC_URL}{reverse('keys')}"
    )
    response = HttpResponse(page, content_type="text/html; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="verify.html"'
    return response
