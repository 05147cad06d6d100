from django.urls import path

from . import folder_views, list_export_views, trash_views, views

urlpatterns = [
    path("files/", views.show_files, name="drive-files"),
    path("files/states/", views.list_states, name="drive-file-states"),
    path("files/files.csv", list_export_views.export_list, name="drive-files-csv"),
    path("files/folder/", folder_views.change_folder, name="drive-folder"),
    path("files/<uuid:file_id>/", views.change_file, name="drive-file"),
    path("files/<uuid:file_id>/row/", views.show_row, name="drive-file-row"),
    path("files/<uuid:file_id>/trash/", trash_views.trash_file, name="drive-file-trash"),
    # Each provider returns to a URL of its own.
    path("drive/<slug:provider>/folder", folder_views.handle_return, name="drive-folder-return"),
]
