from django.urls import path

from . import views

urlpatterns = [
    path("review/", views.show_overview, name="review"),
    path("review/clauses/<str:clause_id>/", views.show_clause, name="review-clause"),
    path("review/policy/", views.show_policy, name="review-policy"),
    path("review/refusals/", views.show_refusals, name="review-refusals"),
    path("review/entries/<uuid:entry_id>/", views.show_entry, name="review-entry"),
    path("review/entries/<uuid:entry_id>/proof", views.show_proof, name="review-proof"),
    path("review/evidence/", views.show_evidence, name="review-evidence"),
    path("review/evidence/make", views.request_bundle, name="review-evidence-make"),
    path("review/evidence/<uuid:bundle_id>.json", views.download_bundle, name="review-bundle"),
]
