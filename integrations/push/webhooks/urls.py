from django.urls import path

from . import google_webhooks, graph_webhooks

urlpatterns = [
    path(
        "webhooks/google/pubsub", google_webhooks.receive_pubsub_push, name="webhook-google-pubsub"
    ),
    path(
        "webhooks/google/channel",
        google_webhooks.receive_channel_call,
        name="webhook-google-channel",
    ),
    path(
        "webhooks/microsoft/channel",
        graph_webhooks.receive_subscription_call,
        name="webhook-microsoft-subscription",
    ),
]
