from django.urls import path

from . import forbidden_use_views, guide_views, views

urlpatterns = [
    path("review/", guide_views.show_start, name="review"),
    path("review/domains/", guide_views.show_domains, name="review-domains"),
    path("review/privacy/", guide_views.show_privacy, name="review-privacy"),
    path("review/scopes/", guide_views.show_scopes, name="review-scopes"),
    path("review/consent-flow/", guide_views.show_consent_flow, name="review-consent-flow"),
    path("review/deletion/", guide_views.show_deletion, name="review-deletion"),
    path("review/human-access/", guide_views.show_human_access, name="review-human-access"),
    path("review/assessment/", guide_views.show_assessment, name="review-assessment"),
    path("review/clauses/", views.list_clauses, name="review-clauses"),
    path("review/clauses/<str:clause_id>/", views.show_clause, name="review-clause"),
    path("review/policy/", views.show_policy, name="review-policy"),
    path("review/refusals/", views.show_refusals, name="review-refusals"),
    path("review/refusals/run", forbidden_use_views.start_run, name="review-run-start"),
    path("review/refusals/runs/<uuid:run_id>/", forbidden_use_views.show_run, name="review-run"),
    path("review/entries/<uuid:entry_id>/", views.show_entry, name="review-entry"),
    path("review/entries/<uuid:entry_id>/proof", views.show_proof, name="review-proof"),
    path("review/evidence/", views.show_evidence, name="review-evidence"),
    path("review/evidence/make", views.request_bundle, name="review-evidence-make"),
    path("review/evidence/<uuid:bundle_id>.json", views.download_bundle, name="review-bundle"),
]
