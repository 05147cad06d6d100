"""
The demo's pages: sign in as anybody with one click, and a list that shows what was tried.

Only `config.embedded.demo_settings` names these modules. They cannot be imported in production.
"""

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

if settings.PRODUCTION:
    raise ImproperlyConfigured("the demo's pages have no place in production")
