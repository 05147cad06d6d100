"""
The people and services of the demo: the same in mail, in calendars, and as colleagues in Antares.

Alice works at Antares, a company of nine people, and has guest accounts at two customers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

BERLIN: Final = "Europe/Berlin"
#: The domain of colleagues. Their addresses are those by which they sign in to Antares.
COLLEAGUES_DOMAIN: Final = "antares.example"


@dataclass(frozen=True, slots=True)
class CastMember:
    """
    A person or a service.

    :param key: name in the conversation files
    :param accent: colour of styled mail, as #rrggbb
    :param writes_plain: mail has no HTML part
    :param members: keys of the people behind a group address
    """

    key: str
    name: str
    email: str
    zone: str = BERLIN
    accent: str = "#24526b"
    writes_plain: bool = False
    is_person: bool = True
    members: tuple[str, ...] = ()


def _service(key: str, name: str, email: str, accent: str = "#24526b") -> CastMember:
    return CastMember(key, name, email, accent=accent, is_person=False)


def _group(key: str, name: str, email: str, *members: str) -> CastMember:
    return CastMember(key, name, email, is_person=False, members=members)


_CAST: Final = (
    # Colleagues.
    CastMember("alice", "Alice Adler", "alice@antares.example"),
    CastMember("bob", "Bob Brandt", "bob@antares.example", writes_plain=True),
    CastMember("carol", "Carol Chen", "carol@antares.example"),
    CastMember("emil", "Emil Eriksen", "emil@antares.example"),
    CastMember("nadia", "Nadia Novak", "nadia@antares.example"),
    CastMember("sam", "Sam Sørensen", "sam@antares.example"),
    CastMember("sue", "Sue Sato", "sue@antares.example"),
    CastMember("rita", "Rita Rossi", "rita@antares.example"),
    CastMember("otto", "Otto Okafor", "otto@antares.example", writes_plain=True),
    CastMember("olga", "Olga Orlova", "olga@antares.example"),
    _group("team", "Team", "team@antares.example", "alice", "bob", "carol", "emil", "nadia"),
    _group("sales", "Antares sales", "sales@antares.example", "alice", "emil"),
    _service("support", "Antares support", "support@antares.example", "#2457a6"),
    _service("antares", "Antares", "no-reply@antares.example", "#2457a6"),
    # Customers, partners and suppliers.
    CastMember("dana", "Dana Diaz", "dana.diaz@contoso.example"),
    CastMember("frank", "Frank Fischer", "frank.fischer@fabrikam.example"),
    CastMember("ada", "Ada Abbott", "ada@fabrikam.example"),
    CastMember("hana", "Hana Horvat", "hana@horvat-law.example"),
    CastMember("kenji", "Kenji Kato", "kenji@kato-systems.example", zone="Asia/Tokyo"),
    CastMember("priya", "Priya Patel", "priya@northwind.example"),
    CastMember("oscar", "Oscar Okoye", "oscar@litware.example"),
    CastMember("grete", "Grete Gruber", "office@gruber-tax.example"),
    _service("dogma", "Druckerei Dogma", "print@dogma.example"),
    _service("connecta", "Connecta Hamburg", "exhibitors@connecta.example", "#8a3b12"),
    _service("hanse-fibre", "Hanse Fibre", "service@hanse-fibre.example"),
    _service("nimbus", "Nimbus Hosting", "billing@nimbus.example", "#3d4fb5"),
    _service("forge-bob", "Bob Brandt (Code Forge)", "notifications@forge.example", "#4a4a55"),
    _service("forge-nadia", "Nadia Novak (Code Forge)", "notifications@forge.example", "#4a4a55"),
    # Travel.
    CastMember("teresa", "Teresa Tavares", "teresa@casa-azul.example", zone="Europe/Lisbon"),
    _service("rail", "Rail Updates", "no-reply@rail.example", "#a3212f"),
    _service("speicher", "Hotel Speicher", "desk@speicher.example", "#6b4423"),
    _service("airline", "Nordwind Air", "bookings@nordwind.example", "#0c6b8a"),
    # Family, friends and home.
    CastMember("tomas", "Tomás Adler", "tomas.adler@mail.example"),
    CastMember("ingrid", "Ingrid Adler", "ingrid.adler@mail.example"),
    CastMember("lena", "Lena Lindqvist", "lena@lindqvist.example"),
    CastMember("rosa", "Rosa Adler", "rosa.adler@mail.example"),
    CastMember("lukas", "Lukas Lehmann", "lukas.lehmann@mail.example"),
    CastMember("jansen", "Jörg Jansen", "jansen@house-jansen.example", writes_plain=True),
    _service("school", "Miriam Meyer, Linden School", "class3b@linden-school.example"),
    _group("bookclub", "Book club", "bookclub@mail.example", "alice", "lena", "rosa"),
    _service("swimclub", "Swimming club Spree", "office@swim-spree.example"),
    _service("dentist", "Practice Dr Weiß", "reception@dr-weiss.example"),
    _service("library", "City Library", "loans@library.example", "#5b3a78"),
    _service("parcel", "Parcel Service", "tracking@parcel.example", "#b35c00"),
    _service("moebel", "Möbelwerk Nord", "orders@moebelwerk.example", "#4d6b3c"),
    _service("bank", "City Bank", "notices@bank.example", "#14406b"),
    _service("lichtwerk", "Lichtwerk", "service@lichtwerk.example", "#8a6a00"),
    _service("fischhaus", "Fischhaus am Fluss", "office@fischhaus.example"),
    # Newsletters.
    _service("harbourweekly", "Harbour Weekly", "news@harbour.example", "#1d5c7a"),
    _service("ossdigest", "Open Source Digest", "digest@oss.example", "#2d6a4f"),
    _service("clocks", "Museum of Clocks", "hello@clocks.example", "#7a4b1d"),
    _service("dialtone", "Dial Tone", "letter@dialtone.example", "#6a2d5a"),
    _service("seeds", "Seeds & Tools", "shop@seeds.example", "#3f6b2a"),
    # Contoso, where Alice has a guest account.
    CastMember("alice-contoso", "Alice Adler", "alice.adler@contoso.example"),
    CastMember("peter", "Peter Park", "peter.park@contoso.example"),
    CastMember("grace", "Grace Gibson", "grace.gibson@contoso.example", zone="America/Los_Angeles"),
    _service("contoso-travel", "Travel desk", "travel@contoso.example", "#5c2d91"),
    _service("contoso-reception", "Reception", "reception@contoso.example"),
    _service("contoso-it", "Contoso IT", "tickets@contoso.example"),
    _service("contoso-inside", "Contoso Inside", "inside@contoso.example", "#5c2d91"),
    _group("contoso-all", "Contoso, all", "all@contoso.example", "alice-contoso", "dana", "peter"),
    # Fabrikam, where Alice has another one, if the administrator approves.
    CastMember("alice-fabrikam", "Alice Adler", "alice@fabrikam.example"),
    CastMember("vera", "Vera Vogel", "vera.vogel@fabrikam.example"),
    _service("fabrikam-it", "Fabrikam IT", "it@fabrikam.example", "#8a3b12"),
    _service("fabrikam-reception", "Reception", "reception@fabrikam.example"),
    _service("fabrikam-purchasing", "Purchasing", "purchasing@fabrikam.example"),
    _service("fabrikam-news", "Fabrikam News", "news@fabrikam.example", "#8a3b12"),
    _group("fabrikam-all", "Fabrikam, all", "all@fabrikam.example", "alice-fabrikam", "frank"),
)
CAST: Final = {member.key: member for member in _CAST}
