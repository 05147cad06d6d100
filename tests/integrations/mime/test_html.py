from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.mime.html import (
    MAX_PICTURE,
    html_to_text,
    pictures_in,
    plain_to_html,
    sanitise,
)

PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACw="

HOSTILE = [
    "<script>alert(1)</script>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)><circle/></svg>",
    "<svg><style>@import 'https://evil.example/x.css'</style></svg>",
    "<svg><image href='https://evil.example/x.png'/></svg>",
    "<svg><a xlink:href='javascript:alert(1)'><text>x</text></a></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=x()>'>",
    "<math><annotation-xml encoding='text/html'><img src=x onerror=alert(1)></annotation-xml>",
    "<form action='https://evil.example'><input name=q><button>go</button></form>",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<noembed><img title='</noembed><img src=x onerror=alert(1)>'></noembed>",
    "<textarea><img title='</textarea><img src=x onerror=alert(1)>'></textarea>",
    "<xmp><img title='</xmp><img src=x onerror=alert(1)>'></xmp>",
    "<template><img src=x onerror=alert(1)></template>",
    "<select><style></select><img src=x onerror=alert(1)></style></select>",
    "<table><td><style></table><img src=x onerror=alert(1)></style>",
    "<base href='https://evil.example/'><a href='x'>x</a>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<link rel=stylesheet href='https://evil.example/x.css'>",
    "<style>body{background:url(https://evil.example/x.png)}</style>",
    "<iframe src='https://evil.example'></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data='https://evil.example'></object><embed src='https://evil.example'>",
    "<video src='https://evil.example/v' poster='https://evil.example/p'></video>",
    "<audio src='https://evil.example/a'></audio>",
    "<img src='https://evil.example/p.gif'>",
    "<img src='//evil.example/p.gif'>",
    "<img src='/local/p.gif'>",
    "<img srcset='https://evil.example/p.gif 2x'>",
    "<picture><source srcset='https://evil.example/p.gif'></picture>",
    "<img src='data:image/svg+xml;base64,PHN2Zy8+'>",
    "<img src='data:text/html;base64,PHNjcmlwdD4='>",
    "<img lowsrc='https://evil.example/p.gif' dynsrc='https://evil.example/p.gif'>",
    "<body background='https://evil.example/p.gif'><table background='https://evil.example/p.gif'>",
    "<p style='background:url(https://evil.example/x.png)'>x</p>",
    "<p style='background:u\\72l(https://evil.example/x.png)'>x</p>",
    "<p style='background:url/**/(https://evil.example/x.png)'>x</p>",
    "<p style='background-image:image-set(\"https://evil.example/x.png\" 1x)'>x</p>",
    "<p style='list-style:url(https://evil.example/x.png)'>x</p>",
    "<p style='content:attr(x);cursor:url(https://evil.example/x)'>x</p>",
    "<p style='font-family:x;@import \"https://evil.example\"'>x</p>",
    "<p style='width:expression(alert(1))'>x</p>",
    "<p style='behavior:url(https://evil.example/x.htc);-moz-binding:url(x)'>x</p>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href='java\tscript:alert(1)'>x</a>",
    "<a href='&#106;avascript:alert(1)'>x</a>",
    "<a href='vbscript:x'>x</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "<a href='file:///etc/passwd'>x</a>",
    "<a ping='https://evil.example' href='https://ok.example'>x</a>",
    "<a href='https://ok.example' target='_self' rel='opener'>x</a>",
    "<p id='location' name='cookie' class='admin'>x</p>",
    "<div style='position:fixed;top:0;left:0;z-index:9999'>x</div>",
    "<div style='POSITION : absolute; margin-top:-500px; transform:scale(9)'>x</div>",
    "<!--[if IE]><script>alert(1)</script><![endif]-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?xml version='1.0'?><?php echo 1 ?>",
    "<x-custom onclick=alert(1)>x</x-custom>",
    "<p onclick=alert(1) autofocus tabindex=1 contenteditable>x</p>",
    "<isindex type=image src='https://evil.example/x'>",
    "<dialog open>x</dialog><button popovertarget=x>x</button>",
    "\x00<scr\x00ipt>alert(1)</scr\x00ipt>",
]


class Reader(HTMLParser):
    """Collects what a browser would see, by another parser than the one that cleaned."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, {name: value or "" for name, value in attrs}))

    handle_startendtag = handle_starttag


FORBIDDEN_NAMES = """
script style svg math form input button iframe frame object embed base meta link
video audio source template textarea select noscript dialog
"""
FORBIDDEN = frozenset(FORBIDDEN_NAMES.split())


def assert_harmless(text: str) -> None:
    for tag, attributes in Reader(text).found:
        assert tag not in FORBIDDEN
        assert not any(name.startswith("on") for name in attributes)
        assert not {"srcset", "id", "name", "class", "ping", "background", "poster"} & {*attributes}
        assert attributes.get("src", "data:image/").startswith("data:image/")
        assert "svg" not in attributes.get("src", "")
        style = attributes.get("style", "").lower()
        assert not re.search(r"url|position|expression|@|\\|image-set|z-index|:-|transform", style)
        if tag == "a":
            assert attributes["rel"] == "noopener noreferrer nofollow"
            assert attributes["target"] == "_blank"
            assert re.match(
                r"\s*(https?|mailto|tel):", attributes.get("href", "https:"), re.IGNORECASE
            )


@pytest.mark.invariant(12)
class TestSanitise:
    @pytest.mark.scenario("H1")
    @pytest.mark.scenario("H2")
    @pytest.mark.parametrize("hostile", HOSTILE)
    def test_leaves_nothing_that_runs_or_fetches(self, hostile):
        safe = sanitise(f"before {hostile} after").html

        assert_harmless(safe)
        assert "evil.example" not in "".join(
            value for _, attributes in Reader(safe).found for value in attributes.values()
        )

    @pytest.mark.parametrize("hostile", HOSTILE)
    def test_is_done_in_one_pass(self, hostile):
        # Markup that changes when parsed again is how mutation attacks work.
        once = sanitise(hostile).html

        assert Reader(sanitise(once).html).found == Reader(once).found

    @settings(max_examples=200, deadline=None)
    @given(pieces=st.lists(st.sampled_from(HOSTILE) | st.text(max_size=10), max_size=6))
    def test_holds_for_what_is_put_together(self, pieces):
        assert_harmless(sanitise("".join(pieces)).html)

    @pytest.mark.scenario("H3")
    def test_counts_the_pictures_that_are_elsewhere(self):
        safe = sanitise("<img src='https://t.example/p.gif'><img src='cid:gone'>" + "<p>x</p>")

        assert safe.blocked_count == 2
        assert "t.example" not in safe.html

    def test_puts_pictures_of_the_message_in(self):
        pictures = {"logo@x": ("image/png", b"PNG")}

        safe = sanitise('<img src="cid:logo@x" alt="our logo">', pictures=pictures)

        assert safe.html == '<img src="data:image/png;base64,UE5H" alt="our logo">'

    @pytest.mark.parametrize(
        "part", [("image/svg+xml", b"<svg/>"), ("text/html", b"x"), ("image/png", b"x" * 10**7)]
    )
    def test_puts_nothing_else_in(self, part):
        assert MAX_PICTURE < 10**7
        assert sanitise('<img src="cid:a">', pictures={"a": part}).html == "<img>"

    def test_names_the_pictures_that_a_message_shows_once_each(self):
        shown = "<p>cid:not</p><img src=' CID:<a@x> '><img src=cid:b@x><img src=cid:a@x>"
        other = "<a href='cid:c@x'>c</a><img src='https://t.example/cid:d@x'><img alt='cid:e@x'>"

        assert pictures_in(shown + other) == ["a@x", "b@x"]
        assert pictures_in("<div>" * 10_000 + shown) == []

    def test_bounds_what_all_pictures_take(self):
        safe = sanitise(
            "".join(f'<img src="cid:{number}">' for number in range(8)),
            pictures=dict.fromkeys("01234567", ("image/png", b"x" * (MAX_PICTURE - 1))),
        )

        assert 0 < safe.html.count("base64") < 8

    def test_keeps_what_mail_looks_like(self):
        kept = (
            '<table width="600" bgcolor="#fff"><tbody><tr><td align="center" '
            'style="color:#333;padding:4px 8px;font-family:Arial, sans-serif">'
            f'<b>Hi</b> <img src="{PIXEL}" alt="x"></td></tr></tbody></table>'
        )

        assert sanitise(kept).html == kept

    def test_keeps_a_plain_background_colour(self):
        assert sanitise('<p style="background:rgb(1, 2, 3)">x</p>').html == (
            '<p style="background-color:rgb(1, 2, 3)">x</p>'
        )

    @pytest.mark.scenario("S2")
    @pytest.mark.parametrize("bomb", ["<div>" * 100_000, "<div></b>" * 100_000])
    def test_does_not_drown_in_nesting(self, bomb):
        safe = sanitise("words " + bomb + " more")

        assert "<div><div>" not in safe.html
        assert "words" in safe.html


class TestText:
    def test_becomes_html_with_links(self):
        html = plain_to_html("<b>see</b> https://a.example/?x=1&y=2.\nbye")

        assert html == (
            '<div style="white-space:pre-wrap">&lt;b&gt;see&lt;/b&gt; '
            '<a href="https://a.example/?x=1&amp;y=2" target="_blank" '
            'rel="noopener noreferrer nofollow">https://a.example/?x=1&amp;y=2</a>.\nbye</div>'
        )

    @given(text=st.text(max_size=200))
    def test_is_harmless_as_html(self, text):
        assert_harmless(plain_to_html(text))

    def test_is_taken_from_html(self):
        assert (
            html_to_text("<style>x</style><p>a &amp; b</p><p>c<script>d</script></p>") == "a & b c"
        )
