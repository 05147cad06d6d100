from django.urls import path

from .upload_views import UploadItemView, UploadListView

urlpatterns = [
    path("uploads/", UploadListView.as_view(), name="uploads"),
    path("uploads/<uuid:upload_id>/", UploadItemView.as_view(), name="upload"),
]
