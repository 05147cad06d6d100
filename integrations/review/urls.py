from django.urls import path

from . import views

urlpatterns = [
    path("review/", views.overview, name="review"),
    path("review/clauses/<str:clause_id>/", views.clause, name="review-clause"),
    path("review/policy/", views.policy, name="review-policy"),
    path("review/refusals/", views.refusals, name="review-refusals"),
    path("review/entries/<uuid:entry_id>/", views.entry, name="review-entry"),
    path("review/entries/<uuid:entry_id>/proof", views.proof, name="review-proof"),
    path("review/evidence/", views.evidence, name="review-evidence"),
    path("review/evidence/make", views.make, name="review-evidence-make"),
    path("review/evidence/<uuid:bundle_id>.json", views.bundle, name="review-bundle"),
]
