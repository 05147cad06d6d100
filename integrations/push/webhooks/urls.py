from django.urls import path

from . import google, microsoft

urlpatterns = [
    path("webhooks/google/pubsub", google.receive_pubsub_push, name="webhook-google-pubsub"),
    path("webhooks/google/channel", google.receive_channel_call, name="webhook-google-channel"),
    path(
        "webhooks/microsoft/channel",
        microsoft.receive_subscription_call,
        name="webhook-microsoft-subscription",
    ),
]
