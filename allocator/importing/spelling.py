"""Names that are spelled in two ways: matched only where there is no doubt which one is meant."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from rapidfuzz import process
from rapidfuzz.distance import OSA

SHORTEST_TYPO = 6
"""Letters that a name needs before one wrong letter is taken for a slip."""


@dataclass(frozen=True)
class Match:
    """What a spelling stands for.

    Attributes
    ----------
    how : {"same", "spacing", "typo", "unknown"}
        Equal; equal but for case, blanks and punctuation; one letter off; none of these or not unambiguous.
    name : str
        The known name; blank when unknown.
    near : tuple of str
        Known names that look like it, best first, for the message.
    """

    how: Literal["same", "spacing", "typo", "unknown"]
    name: str
    near: tuple[str, ...] = ()


def squash(text: str) -> str:
    """Letters and digits of a text, without case: what is left when spacing and punctuation do not count."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


def match_spelling(value: str, known: Iterable[str]) -> Match:
    """Find the one known name that ``value`` can only mean.

    A name with other digits is another name (``GTK 500`` is not ``GTK 600``). One letter off counts as a slip only in
    names of at least six letters with no second known name within two letters.
    """
    names = tuple(dict.fromkeys(known))
    if value in names:
        return Match("same", value)
    key = squash(value)
    squashed = [squash(name) for name in names]
    equal = [name for name, other in zip(names, squashed, strict=True) if other == key and key]
    if len(equal) == 1:
        return Match("spacing", equal[0])
    found = process.extract(key, squashed, scorer=OSA.distance, score_cutoff=2, limit=4) if key and not equal else []
    near = tuple(equal) or tuple(names[i] for _, _, i in found)
    one_off = len(found) == 1 and found[0][1] == 1 and len(key) >= SHORTEST_TYPO
    if one_off and re.findall(r"\d+", key) == re.findall(r"\d+", found[0][0]):
        return Match("typo", near[0])
    return Match("unknown", "", near)


SECTORS = tuple(
    """
    accounting; advertising; aerospace; agriculture; automotive; banking; biotechnology; chemicals; communications;
    construction; consulting; consumer goods; defense; education; electronics; employment; energy; engineering;
    entertainment; environmental; fashion; finance; financial services; food and beverage; gaming; government; health
    care; healthcare; hospitality; human resources; industrial; information technology; insurance; internet; legal;
    logistics; machinery; manufacturing; marketing; media; medical; mining; nonprofit; pharmaceuticals; professional
    services; public sector; publishing; real estate; recreation; recruiting; research; retail; services; shipping;
    software; sports; technology; telecommunications; tourism; transportation; travel; utilities; wholesale
    """.replace("\n", " ").split(";")
)
SECTORS = tuple(" ".join(name.split()) for name in SECTORS)
"""Usual names of sectors, against which a slip is recognised."""

COUNTRIES = tuple(
    """
    Afghanistan; Albania; Algeria; Andorra; Angola; Antigua and Barbuda; Argentina; Armenia; Australia; Austria;
    Azerbaijan; Bahamas; Bahrain; Bangladesh; Barbados; Belarus; Belgium; Belize; Benin; Bhutan; Bolivia; Bosnia and
    Herzegovina; Botswana; Brazil; Brunei; Bulgaria; Burkina Faso; Burundi; Cambodia; Cameroon; Canada; Cape Verde;
    Central African Republic; Chad; Chile; China; Colombia; Comoros; Congo; Costa Rica; Croatia; Cuba; Cyprus; Czech
    Republic; Czechia; Denmark; Djibouti; Dominica; Dominican Republic; Ecuador; Egypt; El Salvador; Equatorial
    Guinea; Eritrea; Estonia; Eswatini; Ethiopia; Fiji; Finland; France; Gabon; Gambia; Georgia; Germany; Ghana;
    Greece; Grenada; Guatemala; Guinea; Guinea-Bissau; Guyana; Haiti; Honduras; Hong Kong; Hungary; Iceland; India;
    Indonesia; Iran; Iraq; Ireland; Israel; Italy; Ivory Coast; Jamaica; Japan; Jordan; Kazakhstan; Kenya; Kiribati;
    Korea; Kuwait; Kyrgyzstan; Laos; Latvia; Lebanon; Lesotho; Liberia; Libya; Liechtenstein; Lithuania; Luxembourg;
    Macao; Madagascar; Malawi; Malaysia; Maldives; Mali; Malta; Marshall Islands; Mauritania; Mauritius; Mexico;
    Micronesia; Moldova; Monaco; Mongolia; Montenegro; Morocco; Mozambique; Myanmar; Namibia; Nauru; Nepal;
    Netherlands; New Zealand; Nicaragua; Niger; Nigeria; North Korea; North Macedonia; Norway; Oman; Pakistan; Palau;
    Panama; Papua New Guinea; Paraguay; Peru; Philippines; Poland; Portugal; Puerto Rico; Qatar; Romania; Russia;
    Rwanda; Samoa; San Marino; Saudi Arabia; Senegal; Serbia; Seychelles; Sierra Leone; Singapore; Slovakia; Slovenia;
    Solomon Islands; Somalia; South Africa; South Korea; South Sudan; Spain; Sri Lanka; Sudan; Suriname; Sweden;
    Switzerland; Syria; Taiwan; Tajikistan; Tanzania; Thailand; Togo; Tonga; Trinidad and Tobago; Tunisia; Turkey;
    Turkmenistan; Tuvalu; Uganda; Ukraine; United Arab Emirates; United Kingdom; United States; Uruguay; USA;
    Uzbekistan; Vanuatu; Venezuela; Vietnam; Yemen; Zambia; Zimbabwe
    """.replace("\n", " ").split(";")
)
COUNTRIES = tuple(" ".join(name.split()) for name in COUNTRIES)
"""Usual names of countries and regions, against which a slip is recognised."""
