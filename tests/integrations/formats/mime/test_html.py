from __future__ import annotations

import re
import time
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.formats.mime import html_sanitizer as markup
from integrations.formats.mime.html_sanitizer import html_to_text, plain_to_html, sanitise_html
from tests.integrations.formats.mime.costly_html import COSTLY

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


def whole(safe) -> str:
    """Return the markup without pictures."""
    return "".join(safe.pieces)


@pytest.mark.invariant(12)
class TestSanitise:
    @pytest.mark.scenario("H1")
    @pytest.mark.scenario("H2")
    @pytest.mark.parametrize("hostile", HOSTILE)
    def test_leaves_nothing_that_runs_or_fetches(self, hostile):
        safe = whole(sanitise_html(f"before {hostile} after"))

        assert_harmless(safe)
        assert "evil.example" not in "".join(
            value for _, attributes in Reader(safe).found for value in attributes.values()
        )

    @pytest.mark.parametrize("hostile", HOSTILE)
    def test_is_done_in_one_pass(self, hostile):
        # Markup that changes when parsed again is how mutation attacks work.
        once = whole(sanitise_html(hostile))

        assert Reader(whole(sanitise_html(once))).found == Reader(once).found

    @settings(max_examples=200, deadline=None)
    @given(pieces=st.lists(st.sampled_from(HOSTILE) | st.text(max_size=10), max_size=6))
    def test_holds_for_what_is_put_together(self, pieces):
        assert_harmless(whole(sanitise_html("".join(pieces))))

    @pytest.mark.scenario("H3")
    def test_counts_the_pictures_that_are_elsewhere(self):
        safe = sanitise_html("<img src='https://t.example/p.gif'><img src='//u.example/p'><p>x</p>")

        assert safe.blocked_count == 2
        assert whole(safe) == "<img><img><p>x</p>"

    def test_keeps_what_mail_looks_like(self):
        kept = (
            '<table width="600" bgcolor="#fff"><tbody><tr><td align="center" '
            'style="color:#333;padding:4px 8px;font-family:Arial, sans-serif">'
            f'<b>Hi</b> <img src="{PIXEL}" alt="x"></td></tr></tbody></table>'
        )

        assert sanitise_html(kept).pieces == (kept,)

    def test_keeps_a_plain_background_colour(self):
        assert whole(sanitise_html('<p style="background:rgb(1, 2, 3)">x</p>')) == (
            '<p style="background-color:rgb(1, 2, 3)">x</p>'
        )


# What an image's address, and a text beside it, may be made of: the syntax of placeholders.
_ADDRESSES = st.text(alphabet="cid:data-0123456789abcdef \"'<>", max_size=40)
_IMAGES = st.builds(
    '<img src="cid:{}" alt="x">'.format, st.from_regex(r"[a-z]{1,8}", fullmatch=True)
)
_GUESSED = st.builds(f"data:{'0' * 32}-{{}}".format, st.integers(0, 3))
_FORGED = st.builds("<img src='{}'>".format, _ADDRESSES | _GUESSED) | st.builds(
    ' src="{}"'.format, _ADDRESSES | _GUESSED
)


@pytest.mark.invariant(12)
class TestPictures:
    def test_of_the_message_stand_between_pieces(self):
        safe = sanitise_html(
            '<p>a<img src="cid:logo@x" alt="our logo">b<img src=" CID:<two@x> ">c</p>'
        )

        assert safe.pieces == ("<p>a<img", ' alt="our logo">b<img', ">c</p>")
        assert safe.pictures == ("logo@x", "two@x")
        assert safe.blocked_count == 0

    def test_are_not_what_only_reads_like_one(self):
        shown = "<p>cid:a</p><a href='cid:b@x'>c</a><img src='https://t.example/cid:c@x'>"
        hidden = "<img alt='cid:d@x'><style>img{src:cid:e}</style><title><img src=cid:f></title>"

        assert sanitise_html(shown + hidden).pictures == ()

    def test_in_what_is_left_out_leave_no_gap(self):
        safe = sanitise_html(
            "<svg><img src=cid:a></svg><video><img src=cid:b></video><img src=cid:c>"
        )

        assert len(safe.pieces) == len(safe.pictures) + 1
        assert safe.pictures[-1] == "c"

    @settings(max_examples=300, deadline=None)
    @given(parts=st.lists(_IMAGES | _FORGED | st.sampled_from(HOSTILE), max_size=8))
    def test_cannot_be_forged(self, parts):
        html = "".join(parts)
        safe = sanitise_html(html)

        assert len(safe.pieces) == len(safe.pictures) + 1
        # Each gap follows an image, and is within its tag.
        for before, after in zip(safe.pieces, safe.pieces[1:], strict=False):
            assert before.endswith("<img")
            assert after.startswith((" ", ">"))
        filled = f' src="{PIXEL}"'.join(safe.pieces)
        assert_harmless(filled)
        images = [attributes for tag, attributes in Reader(filled).found if tag == "img"]
        assert sum(one.get("src") == PIXEL for one in images) >= len(safe.pictures)

    def test_cannot_be_forged_by_who_has_seen_one(self, monkeypatch):
        seen, now = "0" * 32, "f" * 32
        monkeypatch.setattr(markup.secrets, "token_hex", lambda _: now)
        forged = f' src="data:{seen}-0"'

        safe = sanitise_html(f"<img{forged}><p>{forged}</p><img src=cid:b>")

        assert safe.pictures == ("b",)
        assert safe.pieces == (f"<img><p>{forged}</p><img", ">")

    def test_have_another_word_in_each_message(self, monkeypatch):
        words = iter(["0" * 32, "f" * 32])
        monkeypatch.setattr(markup.secrets, "token_hex", lambda _: next(words))
        sanitise_html("<img src=cid:a>")

        safe = sanitise_html('<p> src="data:' + "0" * 32 + '-0"</p><img src=cid:b>')

        assert safe.pictures == ("b",)

    def test_of_one_message_are_not_those_of_another(self):
        assert sanitise_html("<img src=cid:a>").pictures == ("a",)
        assert sanitise_html("<img src=cid:b>").pictures == ("b",)
        assert sanitise_html("<p>").pictures == ()

    def test_in_the_markup_itself_have_a_bound(self, monkeypatch):
        monkeypatch.setattr(markup, "MAX_PICTURES", 2 * len(PIXEL) + 1)

        safe = sanitise_html(f'<img src="{PIXEL}">' * 3)

        assert whole(safe).count("data:") == 2
        assert safe.blocked_count == 1


@pytest.mark.scenario("S2")
@pytest.mark.invariant(7)
class TestBounds:
    @pytest.mark.parametrize("name", COSTLY)
    def test_end_costly_markup_quickly_as_words_alone(self, name):
        began = time.process_time()
        safe = sanitise_html(f"<p>words</p>{COSTLY[name]}<p>more</p>")
        text = html_to_text(f"<p>words</p>{COSTLY[name]}<p>more</p>")
        used = time.process_time() - began

        assert used < 1
        assert safe.is_text_only
        assert safe.pictures == ()
        assert_harmless(whole(safe))
        assert len(whole(safe)) <= 8 * len(COSTLY[name])
        assert "words" in whole(safe)
        assert "more" in whole(safe)
        assert text.startswith("words")
        assert text.endswith("more")

    def test_do_not_meet_ordinary_mail(self):
        row = "<tr><td style='color:#333'><font color=red><b>x</b></font>&nbsp;&amp;</td></tr>"
        mail = f"<div><table>{row * 5_000}</table>{'<p>a <b>b</b><br>' * 5_000}</div>"

        safe = sanitise_html(mail)

        assert not safe.is_text_only
        assert whole(safe).count("<td") == 5_000

    @pytest.mark.parametrize("count", [100, 1_000])
    def test_allow_what_is_not_closed_where_it_stays_small(self, count):
        safe = sanitise_html("<p><b>" + "<p>x" * count)

        assert not safe.is_text_only

    def test_keep_a_message_from_growing(self):
        # 8 KB within all the counts, of which a parser makes 6 MB.
        fonts = "".join(f"<font color=#{number:06x}>" for number in range(200))

        safe = sanitise_html(f"<p>{fonts}" + "<p>x" * 990)

        assert safe.is_text_only
        assert len(whole(safe)) < 10_000


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

    def test_has_so_many_links_and_no_more(self):
        html = plain_to_html("https://a.example " * (markup.MAX_LINKS + 2))

        assert html.count("<a ") == markup.MAX_LINKS
        assert html.count("https://a.example") == 2 * markup.MAX_LINKS + 2

    def test_is_taken_from_html(self):
        assert (
            html_to_text("<style>x</style><p>a &amp; b</p><p>c<script>d</script></p>") == "a & b c"
        )
