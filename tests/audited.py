"""Plans of the pocket model and of a busier one, worked out by hand as output files, to be audited."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd

from allocator.auditing import COLUMNS
from allocator.model import Model
from allocator.places import shipped_models
from allocator.reading import load

Frames = dict[str, pd.DataFrame]


def frame(text: str) -> pd.DataFrame:
    """Read a table written with blanks between its columns; ``.`` is a blank cell, numbers become numbers."""
    table = pd.read_csv(io.StringIO(text), sep=r"\s+", dtype=str, keep_default_na=False)
    table = table.replace(".", "")
    numbers = [c for c in table if c in NUMBERS]
    table[numbers] = table[numbers].replace("", "nan").astype(float)
    return table


NUMBERS = {c for columns in COLUMNS.values() for c in (*columns.numbers, *columns.blanks)}


def pocket_model() -> Model:
    """Return the pocket model as shipped."""
    return load(shipped_models()["pocket"])


def pocket() -> Frames:
    """Output files of the pocket model, from the derivation in its README."""
    frames = {
        "assignments": frame("""
client      rep  backup from to group
harbour     li   .      .    .  g1
mill        wang .      .    .  g2
shops_north li   .      .    .  g3
shops_south wang .      .    .  g4
"""),
        "forecast": frame("""
rep  group product   month   sell   curve  lift  lost contracts
li   g1    broadband 2026-04 144000 144000 0     0    144
li   g1    broadband 2026-05 144000 144000 0     0    144
li   g1    broadband 2026-06 192000 192000 0     0    192
li   g1    iot       2026-04 72000  72000  0     0    12
li   g1    iot       2026-05 72000  72000  0     0    12
li   g1    iot       2026-06 96000  96000  0     0    16
li   g3    broadband 2026-04 27600  27600  0     0    27.6
li   g3    broadband 2026-05 27600  27600  0     0    27.6
li   g3    broadband 2026-06 36800  36800  0     0    36.8
wang g2    broadband 2026-04 108000 108000 0     0    108
wang g2    broadband 2026-05 99000  99000  0     0    99
wang g2    broadband 2026-06 144000 144000 0     0    144
wang g2    iot       2026-04 36000  36000  0     0    6
wang g2    iot       2026-05 33000  33000  0     0    5.5
wang g2    iot       2026-06 48000  48000  0     0    8
wang g4    broadband 2026-04 130000 90000  40000 0    130
wang g4    broadband 2026-05 130000 90000  40000 0    130
wang g4    broadband 2026-06 160000 120000 40000 0    160
"""),
        "effort": frame("""
rep  tier group month   promised planned minutes hours_available executive first_visits won
li   A    g1    2026-04 4        6       720     76              0         0            0
li   A    g1    2026-05 4        6       720     68              0         0            0
li   A    g1    2026-06 4        6       720     76              0         0            0
wang A    g2    2026-04 4        6       720     84              0         0            0
wang A    g2    2026-05 4        5       600     60              0         0            0
wang A    g2    2026-06 4        6       720     84              0         0            0
li   B    g3    2026-04 20       20      1200    76              0         0            0
li   B    g3    2026-05 20       20      1200    68              0         0            0
li   B    g3    2026-06 20       20      1200    76              0         0            0
wang B    g4    2026-04 50       50      3000    84              0         0            0
wang B    g4    2026-05 50       50      3000    60              0         0            0
wang B    g4    2026-06 50       50      3000    84              0         0            0
"""),
        "effects": frame("""
rep  month   prospects new_clients contracts collections commission lift  commission_80 commission_100 commission_120
li   2026-04 0         0           183.6     243600      12180      0     9640          12050          15906
li   2026-05 0         0           183.6     243600      12180      0     9640          12050          15906
li   2026-06 0         0           244.8     324800      16240      0     12880         16100          21252
wang 2026-04 0         0           244       274000      13700      40000 10840         13550          17886
wang 2026-05 0         0           234.5     262000      13100      40000 10400         13000          17160
wang 2026-06 0         0           312       352000      17600      40000 13920         17400          22968
"""),
        "targets": frame("""
target        metric    level period scope       required planned gap status cause each bound    priority
revenue       revenue   base  .      .           1683000  1700000 0   met    .     .    at_least 1
iot_share     revenue   base  .      product=iot 340000   357000  0   met    .     .    at_least 1
iot_contracts contracts base  .      product=iot 60       59.5    0.5 missed hours .    at_least 2
"""),
        "budget": frame("""
line      category  month   spend line_total minimum maximum headroom
promotion marketing 2026-04 10000 30000      0       90000   60000
promotion marketing 2026-05 10000 30000      0       90000   60000
promotion marketing 2026-06 10000 30000      0       90000   60000
"""),
        "lift": frame("""
unit  product   group month   lift  line_product
south broadband g4    2026-04 40000 broadband
south broadband g4    2026-05 40000 broadband
south broadband g4    2026-06 40000 broadband
"""),
        "won": frame("rep group channel month entered won unit\n"),
        "supply": frame("product source month delivered\n"),
        "quotas": by_level("""
rep  unit  product   month   forecast beyond base   exact_base stretch exact_stretch ceiling exact_ceiling
li   north broadband 2026-04 171600   0      170000 169884     172000  171600        209000  208800
li   north broadband 2026-05 171600   0      170000 169884     171000  171600        208000  208800
li   north broadband 2026-06 228800   0      227000 226512     229000  228800        279000  278400
li   north iot       2026-04 72000    0      71000  71280      72000   72000         90000   90000
li   north iot       2026-05 72000    0      71000  71280      72000   72000         90000   90000
li   north iot       2026-06 96000    0      95000  95040      96000   96000         120000  120000
wang south broadband 2026-04 238000   0      235000 235620     238000  238000        269000  268600
wang south broadband 2026-05 229000   0      227000 226710     229000  229000        259000  259000
wang south broadband 2026-06 304000   0      301000 300960     304000  304000        346000  346000
wang south iot       2026-04 36000    0      36000  35640      36000   36000         46000   46000
wang south iot       2026-05 33000    0      33000  32670      33000   33000         43000   43000
wang south iot       2026-06 48000    0      47000  47520      48000   48000         61000   61000
"""),
        "asked": frame("""
target    level   each bound    required asked   gap    period scope       priority
revenue   base    .    at_least 1683000  1683000 0      .      .           1
iot_share base    .    at_least 336600   353430  0      .      product=iot 1
revenue   stretch .    at_least 1851300  1700000 151300 .      .           1
iot_share stretch .    at_least 340000   357000  0      .      product=iot 1
revenue   ceiling .    at_least 2019600  2019600 0      .      .           1
iot_share ceiling .    at_least 403920   450000  0      .      product=iot 1
"""),
    }
    return frames


def by_level(text: str) -> pd.DataFrame:
    """Read quotas of all levels side by side as rows of quotas.csv; ``beyond`` is that of base and stretch."""
    table = frame(text)
    shared, levels = ["rep", "unit", "product", "month", "forecast"], []
    for level in ("base", "stretch", "ceiling"):
        numbers = {"quota": table[level].astype(float), "exact": table[f"exact_{level}"].astype(float)}
        levels.append(table[shared].assign(level=level, **numbers, beyond=table["beyond"] * (level != "ceiling")))
    return pd.concat(levels, ignore_index=True)


BUSY_SETTINGS = """
title: Busy
start: "2026-04"
months: 3
country: CN
language: en
rounding: 1
"""

BUSY_TABLES = {
    "calendar": """
date       working
2026-04-06 no
2026-05-01 no
2026-05-04 no
2026-05-05 no
2026-05-09 yes
2026-06-19 no
""",
    "units": """
unit parent kind
hq   .      company
east hq     region
west hq     region
""",
    "reps": """
rep unit grade  start      end        selling_share ramp_months quota_min quota_max visits_per_day max_clients backup
ann east senior .          2026-05-31 0.5           .           .         1200      .              .           bob
bob east junior .          .          0.5           .           .         .         2              .           .
cho west senior 2026-05-01 .          0.5           1           200       .         .              1           bob
""",
    "leave": """
rep from       to
bob 2026-04-07 2026-04-08
""",
    "activities": """
activity scope     count per  minutes
training unit=west 1     week 60
""",
    "products": """
product family class contract_value large margin launch
basic   f1     star  100            no    0.5    .
deal    f2     cow   1000           yes   0.3    2026-05-01
extra   f3     .     .              no    0      .
""",
    "tiers": """
tier visits per     minutes executive_visits visit_cost
W    1      week    60      0                1
Q    3      quarter 120     1                10
""",
    "clients": """
client tier owner unit status   count
a1     W    ann   .    active   2
q1     Q    bob   .    active   1
c1     W    cho   .    active   1
free   W    .     west active   1
lone   W    .     west active   1
pr     W    bob   .    prospect 5
""",
    "demand": """
client product expected ceiling
a1     basic   600      900
q1     basic   900      1500
q1     deal    2400     3000
c1     basic   300      450
free   basic   150      300
lone   extra   30       30
pr     basic   60       90
""",
    "responses": """
driver product effort sales carry_months
Q      .       0      0.2   0
Q      .       0.5    0.3   0
Q      .       1      1     0
Q      .       1.5    1.1   0
push   .       0      0     1
push   .       300    600   1
push   .       600    900   1
""",
    "collection": """
tier lag_months share
.    0          0.6
.    1          0.4
Q    2          1
""",
    "commission": """
grade  attainment_from rate
.      0               0.05
junior 0               0.1
junior 0.8             0.2
""",
    "funnel": """
channel step stage    conversion days minutes
visits  1    talk     0.5        10   60
visits  2    proposal 0.4        20   30
web     1    order    0.1        0    30
""",
    "yields": """
source metric amount
ads    leads  0.05
W      reach  2
""",
    "budget": """
line  category  channel unit from    to      minimum maximum may_overrun
ads   marketing web     .    2026-04 2026-05 100     1000    no
push  marketing .       east .       .       0       250     yes
bonus incentive .       .    .       .       0       2000    no
""",
    "resources": """
resource month   hours
tech     .       10
tech     2026-05 6
""",
    "needs": """
resource product tier hours
tech     deal    .    2
tech     .       Q    3
""",
    "supply": """
product month   source  maximum unit_cost
basic   .       own     800     0
basic   2026-05 own     700     0
basic   .       partner 300     0.1
""",
    "market": """
product size
basic   100000
""",
    "history": """
month   metric  rep amount
2026-03 revenue ann 500
""",
    "pins": """
rep product period  amount
bob basic   2026-04 500
""",
    "targets": """
target  metric       level   period  scope              each  at_least at_most share_of priority weight
total   revenue      base    .       .                  .     5000     .       .        1        1
mix     revenue      base    .       family=f1          .     0.62     0.65    revenue  2        1
seen    visits       base    .       .                  rep   20       .       .        3        2
cash    collections  base    2026-06 .                  .     1000     .       .        hard     1
money   spend        base    .       category=marketing .     .        0.15    revenue  1        1
new     new_clients  base    .       .                  month 1        .       .        2        1
market  market_share stretch .       product=basic      .     0.03     .       .        1        1
reach   reach        base    .       .                  .     100      .       .        4        1
covered coverage     base    .       .                  .     9        .       .        4        1
deals   contracts    base    .       product=deal       quarter 2      .       .        4        1
profits profit       base    .       .                  unit  120      .       .        4        1
busy    hours        ceiling .       rep=bob            .     .        100     .        1        1
result  contribution base    .       .                  .     800      .       .        4        1
""",
}


def busy_model(folder: Path) -> Model:
    """Write the busy model and load it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.yaml").write_text(BUSY_SETTINGS, encoding="utf-8")
    for name, text in BUSY_TABLES.items():
        table = pd.read_csv(io.StringIO(text), sep=r"\s+", dtype=str, keep_default_na=False).replace(".", "")
        table.to_csv(folder / f"{name}.csv", index=False)
    return load(folder)


def busy() -> Frames:
    """Output files of the busy model.

    April to June have 21, 19 and 21 working days and 5, 4 and 5 weeks. Ann leaves at the end of May, then bob takes
    over; cho starts in May and sells by half in that month, bob stands in for him in April and is on leave for two days
    of it. At the ceiling ann may be asked for 1,200 (two thirds of 2 x 900), and basic for 1,100, 1,000 and 1,100, which is
    what can be delivered. The Q client gets 3.75 of 3 promised visits, effort 1.25, so 1.05 of what is expected. Two first visits of
    1.25 hours in April win 0.4 clients in May; 10 leads win one client at once for 5 hours. Pushing brings 200 for each
    100 spent, half of it a month later. Cho may take one client: ``free``; ``lone`` has nobody.
    """
    frames = {
        "assignments": frame("""
client rep backup from       to         group
a1     ann bob    .          2026-05-31 ga
a1     bob .      2026-06-01 .          ga
q1     bob .      .          .          gq
c1     cho bob    .          .          gc
free   cho bob    .          .          gc
lone   .   .      .          .          gn
pr     bob .      .          .          gp
"""),
        "forecast": frame("""
rep group product month   sell curve lift lost contracts
ann ga    basic   2026-04 500  400   100  0    5
ann ga    basic   2026-05 572  400   200  28   5.72
bob ga    basic   2026-06 550  400   150  0    5.5
bob gq    basic   2026-04 315  315   0    0    3.15
bob gq    basic   2026-05 315  315   0    0    3.15
bob gq    basic   2026-06 315  315   0    0    3.15
bob gq    deal    2026-04 0    0     0    0    0
bob gq    deal    2026-05 1000 1260  0    0    1
bob gq    deal    2026-06 1000 1260  0    0    1
bob gc    basic   2026-04 150  150   0    0    1.5
cho gc    basic   2026-05 75   75    0    0    0.75
cho gc    basic   2026-06 150  150   0    0    1.5
bob gp    basic   2026-04 20   20    0    0    0.2
bob gp    basic   2026-05 38   38    0    0    0.38
bob gp    basic   2026-06 42   42    0    0    0.42
.   gn    extra   2026-04 10   10    0    0    .
.   gn    extra   2026-05 10   10    0    0    .
.   gn    extra   2026-06 10   10    0    0    .
"""),
        "effort": frame("""
rep tier group month   promised planned minutes hours_available executive first_visits won
ann W    ga    2026-04 10       10      600     84              0         0            0
ann W    ga    2026-05 8        8       480     76              0         0            0
ann W    ga    2026-06 10       10      600     0               0         0            0
bob Q    gq    2026-04 1        1.25    150     76              0         0            0
bob Q    gq    2026-05 1        1.5     180     76              1.25      0            0
bob Q    gq    2026-06 1        1       120     84              0         0            0
cho W    gc    2026-04 10       10      600     0               0         0            0
cho W    gc    2026-05 8        8       480     72              0         0            0
cho W    gc    2026-06 10       8       480     79              0         0            0
bob W    gp    2026-04 0        0       450     76              0         2            1
bob W    gp    2026-05 0        0       225     76              0         1            0.9
bob W    gp    2026-06 0        0       0       84              0         0            0.2
.   W    gn    2026-04 5        0       0       .               0         0            0
.   W    gn    2026-05 4        0       0       .               0         0            0
.   W    gn    2026-06 5        0       0       .               0         0            0
"""),
        "effects": frame("""
rep month   prospects new_clients contracts collections commission lift commission_80 commission_100 commission_120
ann 2026-04 0         0           5         300         25         100  20            25             30
ann 2026-05 0         0           5.72      543.2       28.6       200  22.88         28.6           34.32
ann 2026-06 0         0           0         228.8       0          0    0             0              0
bob 2026-04 2         1           4.85      102         58.2       0    40            60             80
bob 2026-05 1         0.9         4.53      90.8        162.36     0    108.24        162.36         216.48
bob 2026-06 0         0.2         10.07     685.4       228.84     150  152.56        228.84         305.12
cho 2026-04 0         0           0         0           0          0    0             0              0
cho 2026-05 0         0           0.75      45          3.75       0    3             3.75           4.5
cho 2026-06 0         0           1.5       120         7.5        0    6             7.5            9
"""),
        "targets": frame("""
target  metric       level   required planned gap   status each            bound    priority
total   revenue      base    5000     5072    0     met    .               at_least 1
mix     revenue      base    3144.64  3042    102.64 missed .               at_least 2
mix     revenue      base    3296.8   3042    0     met    .               at_most  2
seen    visits       base    20       18      2     missed rep=ann         at_least 3
seen    visits       base    20       26.75   0     met    rep=bob         at_least 3
seen    visits       base    20       16      4     missed rep=cho         at_least 3
cash    collections  base    1000     1044.2  0     hard   .               at_least hard
money   spend        base    760.8    600     0     met    .               at_most  1
new     new_clients  base    1        1       0     met    month=2026-04   at_least 2
new     new_clients  base    1        0.9     0.1   missed month=2026-05   at_least 2
new     new_clients  base    1        0.2     0.8   missed month=2026-06   at_least 2
market  market_share stretch 0.03     0.03042 0     met    .               at_least 1
reach   reach        base    100      108     0     met    .               at_least 4
covered coverage     base    9        13      0     met    .               at_least 4
deals   contracts    base    2        2       0     met    quarter=2026-Q1 at_least 4
profits profit       base    120      2121    0     met    unit=hq         at_least 4
profits profit       base    120      2008.5  0     met    unit=east       at_least 4
profits profit       base    120      112.5   7.5   missed unit=west       at_least 4
busy    hours        ceiling 100      38.75   0     met    .               at_most  1
result  contribution base    800      838.05  0     met    .               at_least 4
"""),
        "budget": frame("""
line  category  month   spend line_total minimum maximum headroom
ads   marketing 2026-04 200   300        100     1000    700
ads   marketing 2026-05 100   300        100     1000    700
ads   marketing 2026-06 0     300        100     1000    700
push  marketing 2026-04 100   300        0       250     -50
push  marketing 2026-05 100   300        0       250     -50
push  marketing 2026-06 100   300        0       250     -50
bonus incentive 2026-04 0     0          0       2000    2000
bonus incentive 2026-05 0     0          0       2000    2000
bonus incentive 2026-06 0     0          0       2000    2000
"""),
        "lift": frame("""
unit product group month   lift line_product
east basic   ga    2026-04 100  .
east basic   ga    2026-05 200  .
east basic   ga    2026-06 150  .
"""),
        "won": frame("""
rep group channel month   entered won unit
bob gp    visits  2026-04 2       0   .
bob gp    visits  2026-05 1       0.4 .
bob gp    visits  2026-06 0       0.2 .
bob gp    web     2026-04 10      1   .
bob gp    web     2026-05 5       0.5 .
bob gp    web     2026-06 0       0   .
"""),
        "supply": frame("""
product source  month   delivered
basic   own     2026-04 800
basic   own     2026-05 700
basic   own     2026-06 800
basic   partner 2026-04 185
basic   partner 2026-05 300
basic   partner 2026-06 257
"""),
        "quotas": by_level("""
rep unit product month   forecast beyond base exact_base stretch exact_stretch ceiling exact_ceiling
ann east basic   2026-04 500      0      500  500        500     500           600     600
ann east basic   2026-05 572      0      572  572        572     572           572     572
bob east basic   2026-04 485      15     500  500        500     500           500     500
bob east basic   2026-05 353      0      353  353        353     353           353     353
bob east basic   2026-06 907      0      907  907        907     907           950     950
bob east deal    2026-04 0        0      0    0          0       0             0       0
bob east deal    2026-05 1000     0      1000 1000       1000    1000          1400    1400
bob east deal    2026-06 1000     0      1000 1000       1000    1000          1300    1300
cho west basic   2026-05 75       0      75   75         75      75            75      75
cho west basic   2026-06 150      0      150  150        150     150           150     150
"""),
        "asked": frame("""
target level   each bound    required asked gap   period scope     priority
total  base    .    at_least 5000     5057  0     .      .         1
mix    base    .    at_least 3135.34  3057  78.34 .      family=f1 2
mix    base    .    at_most  3287.05  3057  0     .      family=f1 2
total  stretch .    at_least 5500     5057  443   .      .         1
mix    stretch .    at_least 3135.34  3057  78.34 .      family=f1 2
mix    stretch .    at_most  3287.05  3057  0     .      family=f1 2
total  ceiling .    at_least 6000     5900  100   .      .         1
mix    ceiling .    at_least 3658     3200  458   .      family=f1 2
mix    ceiling .    at_most  3835     3200  0     .      family=f1 2
"""),
    }
    return frames
