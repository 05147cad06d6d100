from django.urls import path

from . import standing_consent_views

urlpatterns = [
    path(
        "files/standing-consents/",
        standing_consent_views.show_consents,
        name="drive-standing-consents",
    ),
    path(
        "files/standing-consents/new/<slug:key>/",
        standing_consent_views.give_consent,
        name="drive-standing-consent-new",
    ),
    path(
        "files/standing-consents/<uuid:standing_consent_id>/withdraw/",
        standing_consent_views.withdraw_consent,
        name="drive-standing-consent-withdraw",
    ),
]
