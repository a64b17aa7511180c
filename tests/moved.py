"""A plan by hand of a model in which reps and clients come and go, teams are hedged, and pins stand above base."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
from audited import Frames, by_level, frame

from allocator.model import Model
from allocator.reading import load

SETTINGS = """
title: Moved
start: "2026-04"
months: 2
country: CN
language: en
rounding: 10
hedge:
  company: 0.2
  team: 0.25
"""

TABLES = {
    "calendar": """
date       working
2026-04-06 no
2026-05-01 no
2026-05-04 no
2026-05-05 no
2026-05-09 yes
""",
    "units": """
unit  parent kind
hq    .      company
north hq     team
south hq     team
""",
    "reps": """
rep unit  end        selling_share backup
kim north 2026-04-30 0.5           mia
lee south .          0.5           .
mia north .          0.5           .
""",
    "products": """
product contract_value margin
gold    100            0.5
""",
    "tiers": """
tier visits per   minutes
M    2      month 60
""",
    "clients": """
client tier owner backup since      lost_on    area
a1     M    kim   lee    .          .          .
a2     M    kim   .      2026-04-22 .          .
b1     M    lee   .      .          2026-04-11 .
b2     M    lee   .      .          .          hot
""",
    "demand": """
client product expected ceiling
a1     gold    600      900
a2     gold    1200     1800
b1     gold    300      300
b2     gold    400      1000
""",
    "shifts": """
shift scope                   from    to      factor
warm  area=hot                2026-05 .       1.5
slow  unit=south;product=gold .       2026-04 0.5
""",
    "pins": """
unit  rep period  level   amount
south .   2026-05 stretch 605.60
.     mia .       ceiling 850.25
""",
    "targets": """
target metric  scope      each at_least share_of priority
total  revenue .          .    1200     .        1
teams  revenue .          unit 300      .        2
south  revenue unit=south .    0.3      revenue  3
reps   revenue .          rep  400      .        4
""",
}


def moved_model(folder: Path) -> Model:
    """Write the model and load it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.yaml").write_text(SETTINGS, encoding="utf-8")
    for name, text in TABLES.items():
        table = pd.read_csv(io.StringIO(text), sep=r"\s+", dtype=str, keep_default_na=False).replace(".", "")
        table.to_csv(folder / f"{name}.csv", index=False)
    return load(folder)


def moved() -> Frames:
    """Output files of the model.

    April and May have 21 and 19 working days, and half of the year's sales each. Kim leaves at the end of April; lee takes over a1,
    mia a2. Client a2 comes for the last 7 days of April, b1 leaves after the first 7. What lee's clients buy halves in April; b2
    buys half as much again in May. So a1 buys 300 + 300, a2 600 ÷ 3 + 600, b1 150 ÷ 3 ÷ 2, b2 100 + 300; with the ceilings in place of
    what is expected kim carries 450 + 300, lee 25 + 250 in April and 450 + 750 in May, mia 900. Teams owe four fifths of what their
    reps are asked for, the company five sixths of that: two thirds of all.
    """
    return {
        "assignments": frame("""
client rep backup from       to         group
a1     kim lee    .          2026-04-30 g1
a1     lee .      2026-05-01 .          g1
a2     kim mia    .          2026-04-30 g2
a2     mia .      2026-05-01 .          g2
b1     lee .      .          .          g3
b2     lee .      .          .          g4
"""),
        "forecast": frame("""
rep group product month   sell curve lift lost contracts
kim g1    gold    2026-04 300  300   0    0    3
lee g1    gold    2026-05 300  300   0    0    3
kim g2    gold    2026-04 200  200   0    0    2
mia g2    gold    2026-05 600  600   0    0    6
lee g3    gold    2026-04 25   25    0    0    0.25
lee g3    gold    2026-05 0    0     0    0    0
lee g4    gold    2026-04 100  100   0    0    1
lee g4    gold    2026-05 300  300   0    0    3
"""),
        "effort": frame("""
rep tier group month   promised             planned minutes hours_available executive first_visits won
kim M    g1    2026-04 2                    2       120     84              0         0            0
kim M    g1    2026-05 2                    2       120     0               0         0            0
kim M    g2    2026-04 0.666666666666666667 0.5     30      84              0         0            0
kim M    g2    2026-05 2                    2       120     0               0         0            0
lee M    g3    2026-04 0.666666666666666667 0.5     30      84              0         0            0
lee M    g3    2026-05 0                    0       0       76              0         0            0
lee M    g4    2026-04 2                    2       120     84              0         0            0
lee M    g4    2026-05 2                    2       120     76              0         0            0
"""),
        "effects": frame("""
rep month   prospects new_clients contracts collections commission lift commission_80 commission_100 commission_120
kim 2026-04 0         0           5         500         0          0    0             0              0
lee 2026-04 0         0           1.25      125         0          0    0             0              0
lee 2026-05 0         0           6         600         0          0    0             0              0
mia 2026-04 0         0           0         0           0          0    0             0              0
mia 2026-05 0         0           6         600         0          0    0             0              0
"""),
        "targets": frame("""
target metric  level required planned gap status each       bound    priority
total  revenue base  1200     1825    0   met    .          at_least 1
teams  revenue base  300      1825    0   met    unit=hq    at_least 2
teams  revenue base  300      1100    0   met    unit=north at_least 2
teams  revenue base  300      725     0   met    unit=south at_least 2
south  revenue base  547.5    725     0   met    .          at_least 3
reps   revenue base  400      500     0   met    rep=kim    at_least 4
reps   revenue base  400      725     0   met    rep=lee    at_least 4
reps   revenue base  400      600     0   met    rep=mia    at_least 4
"""),
        "budget": frame("line category month spend line_total minimum maximum headroom\n"),
        "lift": frame("unit product group month lift line_product\n"),
        "won": frame("rep group channel month entered won unit\n"),
        "supply": frame("product source month delivered\n"),
        "quotas": quotas(),
        "asked": frame("""
target level   each       bound    required asked   gap     period scope      priority
total  base    .          at_least 1200     1200    0       .      .          1
teams  base    unit=hq    at_least 300      1200    0       .      .          2
teams  base    unit=north at_least 300      880     0       .      .          2
teams  base    unit=south at_least 300      560     0       .      .          2
south  base    .          at_least 360      560     0       .      unit=south 3
reps   base    rep=kim    at_least 400      500     0       .      .          4
reps   base    rep=lee    at_least 400      700     0       .      .          4
reps   base    rep=mia    at_least 400      600     0       .      .          4
total  stretch .          at_least 1320     1220.40 99.60   .      .          1
teams  stretch unit=hq    at_least 330      1220.40 0       .      .          2
teams  stretch unit=north at_least 330      880     0       .      .          2
teams  stretch unit=south at_least 330      584.48  0       .      .          2
south  stretch .          at_least 366.12   584.48  0       .      unit=south 3
reps   stretch rep=kim    at_least 440      500     0       .      .          4
reps   stretch rep=lee    at_least 440      730.60  0       .      .          4
reps   stretch rep=mia    at_least 440      600     0       .      .          4
total  ceiling .          at_least 1440     1604    0       .      .          1
teams  ceiling unit=hq    at_least 360      1604    0       .      .          2
teams  ceiling unit=north at_least 360      1240.2  0       .      .          2
teams  ceiling unit=south at_least 360      684.6   0       .      .          2
south  ceiling .          at_least 481.2    684.6   0       .      unit=south 3
reps   ceiling rep=kim    at_least 480      700     0       .      .          4
reps   ceiling rep=lee    at_least 480      855.75  0       .      .          4
reps   ceiling rep=mia    at_least 480      850.25  0       .      .          4
"""),
    }


def quotas() -> pd.DataFrame:
    """Quotas: lee's May is pinned at stretch, mia's year at the ceiling (which makes a cell of her April)."""
    return by_level("""
rep unit  product month   forecast beyond base exact_base stretch exact_stretch ceiling exact_ceiling
kim north gold    2026-04 500      0      500  500        500     500           700     700
lee south gold    2026-04 125      0      120  125        130     125           150     150.25
lee south gold    2026-05 600      0      580  575        605.60  605.60        705.60  705.50
mia north gold    2026-04 0        0      0    0          0       0             0       0
mia north gold    2026-05 600      0      600  600        600     600           850.25  850.25
""").pipe(_beyond)


def _beyond(table: pd.DataFrame) -> pd.DataFrame:
    """The pin of stretch asks lee for 5.60 more than his forecast of May."""
    mine = (table["rep"] == "lee") & (table["month"] == "2026-05") & (table["level"] == "stretch")
    table.loc[mine, "beyond"] = 5.60
    return table
