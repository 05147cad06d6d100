from django.urls import path

from . import google, microsoft

urlpatterns = [
    path("webhooks/google/pubsub", google.receive_pubsub_push, name="webhook-google-pubsub"),
    path("webhooks/google/channel", google.channel, name="webhook-google-channel"),
    path(
        "webhooks/microsoft/channel", microsoft.subscription, name="webhook-microsoft-subscription"
    ),
]
