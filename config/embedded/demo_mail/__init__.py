"""
The demo's mail: conversations in text files, written as MIME for the sandbox.

`conversations/*.txt` has a block for each conversation:

    == key
    Subject: …
    Labels: names of labels        (optional)
    State: unread starred          (optional; also important, updates, promotions)

    -- sender > recipients + copies | time | quoting | file NAME | inline NAME | invite EVENT
    text

People and services are keys of `config.embedded.demo_cast`; times and the placeholders of a text
are those of `timeline`. A text marked `styled`, and each document of `documents/*.txt`, uses the
marks of `styled_text`.
"""
