"""Bytes in many charsets, and the text that they are."""

from __future__ import annotations

import codecs

# Bytes, the charset that is declared, and the text (https://encoding.spec.whatwg.org/).
READINGS = [
    # Extensions that the names of smaller charsets stand for.
    ("gb2312", "镕朱".encode("gb18030"), "镕朱"),
    ("GB2312", b"\x95\x32\x82\x36", "\N{CJK UNIFIED IDEOGRAPH-20000}"),
    ("gb2312", "镕".encode("gbk") + b"\x805", "镕€5"),
    ("x-gbk", "镕".encode("gbk"), "镕"),
    ("shift_jis", "①㈱髙".encode("cp932"), "①㈱髙"),
    ("x-sjis", "①".encode("cp932"), "①"),
    ("windows-31j", "①".encode("cp932"), "①"),
    ("euc-kr", "똠".encode("cp949"), "똠"),
    ("ks_c_5601-1987", "똠".encode("cp949"), "똠"),
    ("big5", "嘅咗".encode("big5hkscs"), "嘅咗"),
    ("iso-8859-1", b"\x80 \x93caf\xe9\x94", "€ “café”"),
    ("latin1", b"\x96", "\N{EN DASH}"),
    ("iso-8859-9", b"\xfe\x80", "ş€"),
    ("windows-874", b"\xa1\x80", "ก€"),
    ("tis-620", b"\xa1", "ก"),
    ("iso-8859-8-i", b"\xf9\xec\xe5\xed", "שלום"),
    ("logical", b"\xf9", "ש"),
    ("windows-1255", b"\xca", "\u05ba"),
    ("koi8-u", b"\xae\xbe", "\u045e\u040e"),
    ("macintosh", b"\x8a", "ä"),
    # Five bytes of Windows-1252 that Python leaves undefined.
    ("windows-1252", b"\x81\x8d\x8f\x90\x9d", "\x81\x8d\x8f\x90\x9d"),
    # Characters of NEC in the Japanese charsets of mail.
    ("iso-2022-jp", b"\x1b$B-!-j\x1b(B ok", "①㈱ ok"),
    ("iso-2022-jp", "こんにちは".encode("iso-2022-jp"), "こんにちは"),
    ("iso-2022-jp", b"\x1b(I12\x1b(J\\~\x1b(B\\", "ｱｲ¥‾\\"),
    ("euc-jp", b"\xad\xa1\xc6\xfc", "①日"),
    # Only mail has these.
    ("utf-7", b"Hi Mom -+Jjo--!", "Hi Mom -\u263a-!"),
    ("hz-gb-2312", "你好".encode("hz"), "你好"),
    ("iso-2022-kr", "안녕".encode("iso2022_kr"), "안녕"),
    ("ibm850", b"\x84", "ä"),
    # Spellings that are no labels.
    ("latin-1", b"\xe9", "é"),
    ("UTF_8", "é".encode(), "é"),
    (' "utf-8" ', "é".encode(), "é"),
    ("windows1251", b"\xcf", "П"),
    # A byte order mark is believed before the label.
    ("iso-8859-1", codecs.BOM_UTF8 + "é".encode(), "é"),
    ("utf-8", codecs.BOM_UTF8 + "é".encode(), "é"),
    ("utf-16", codecs.BOM_UTF16_BE + "é".encode("utf-16-be"), "é"),
    ("utf-16", "é".encode("utf-16-le"), "é"),
    # What is declared is believed, although it is UTF-8.
    ("iso-8859-1", "é".encode(), "Ã©"),
    ("koi8-r", "é".encode(), "ц╘"),
]
BROKEN = [
    ("utf-8", "Grüße €".encode()[:-1], "Grüße \ufffd"),
    ("utf-8", b"Gr\xc3\xbc\xff\xc3\x9fe", "Grü\ufffdße"),
    ("utf-8", b"caf\xe9 \xe2\x82\xac", "caf\ufffd €"),
    ("shift_jis", "日".encode("cp932") + b"\x81", "日\ufffd"),
    ("iso-2022-jp", b"\x1b$B\x46\x7c\x21", "日\ufffd"),
    ("utf-7", b"before +2AA- after", "before \ufffd after"),
]
# No charset, or one that the bytes cannot be in.
GUESSES = [
    ("", "Grüße".encode(), "Grüße"),
    ("", b"caf\xe9 \x80", "café €"),
    ("", "Grüße €".encode()[:-1], "Grüße \ufffd"),
    ("", "日".encode("iso-2022-jp"), "日"),
    ("us-ascii", "Grüße".encode(), "Grüße"),
    ("us-ascii", b"caf\xe9", "café"),
    ("x-unknown", "Grüße".encode(), "Grüße"),
    ("x-unknown", b"caf\xe9", "café"),
    ("utf-16", b"transcoded", "transcoded"),
    ("iso-2022-jp", "日".encode(), "日"),
]
