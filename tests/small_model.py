"""A small valid model as texts of files, for tests that spoil or change it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

SETTINGS = """\
title: Small
start: "2026-01"
months: 12
fairness:
  band: 0.2
  grades:
    senior: 1.2
hedge:
  region: 0.05
"""

TABLES: Mapping[str, str] = {
    "reps": """\
rep,name,unit,grade,start,end,hours_per_day,families,backup,quota_min,quota_max
ann,Ann 安,north,senior,2020-01-01,,8,,bob,,
bob,Bob,north,junior,2025-07-01,,7.5,soft hard,ann,100000,900000
cy,Cy,south,junior,,2026-09-30,8,soft,,,
""",
    "products": """\
product,name,family,class,price,contract_value,large,margin,launch,end
lite,Lite,soft,star,100,,no,30%,,
suite,Suite,soft,cow,,250000,yes,0.4,2026-02-01,
box,Box,hard,dog,80,,no,0.1,,2026-10-31
""",
    "clients": """\
client,name,tier,unit,owner,industry,area,status,count,weekdays,blocked
k1,客户一,A,north,ann,bank,N1,active,1,1 2,2026-03-02
k2,客户二,B,north,bob,retail,N2,active,10,,
k3,客户三,B,south,,bank,S1,active,1,,
p1,Prospects,B,south,cy,retail,S1,prospect,40,,
""",
    "demand": """\
client,product,expected,ceiling
k1,lite,"120,000",200000
k1,suite,500000,1000000
k2,lite,20000,30000
k2,box,5000,5000
k3,lite,90000,100000
p1,lite,1000,2000
""",
    "targets": """\
target,metric,level,period,scope,each,at_least,at_most,share_of,priority,weight
revenue,revenue,base,,,,700000,,,1,
north,revenue,base,2026-Q1,unit=north; class=star,,10000,,,2,
soft,revenue,base,,family=soft,,0.5,,revenue: unit=north,1,
seen,coverage,base,,tier=A,month,1,,,2,
fairs,spend,base,,category=marketing,quarter,,90000,,hard,
leads,leads,base,,,region,0,,,3,2
""",
    "units": """\
unit,parent,kind
all,,company
north,all,region
south,all,region
""",
    "tiers": """\
tier,visits,per,minutes,executive_visits,visit_cost
A,1,week,90,0.25,50
B,1,quarter,60,,20
""",
    "responses": """\
driver,product,effort,sales,carry_months
A,,0,0.5,
A,,1,1,
A,,2,1.2,
fair,lite,0,0,1
fair,lite,50000,80000,1
""",
    "seasonality": """\
product,metric,month,weight
,revenue,2026-01,1
,revenue,2026-06,2
,revenue,2026-12,1
suite,revenue,2026-03,1
suite,revenue,2026-09,1
""",
    "budget": """\
line,category,channel,product,unit,from,to,minimum,maximum,may_overrun
fair,marketing,show,lite,north,2026-Q2,2026-09,1000,80000,no
bonus,incentive,,,,,,0,50000,yes
""",
    "activities": """\
activity,scope,count,per,minutes
meeting,,1,week,60
training,"grade=junior, senior; unit=all",2,month,120
""",
    "resources": "resource,month,hours\ntech,,100\ntech,2026-08,40\n",
    "needs": "resource,product,tier,hours\ntech,suite,,30\ntech,,A,1\n",
    "supply": "product,month,source,maximum,unit_cost\nbox,,own,60000,0\nbox,2026-05,other,90000,0.1\n",
    "commission": "grade,attainment_from,rate\n,0,0.01\n,100%,0.02\nsenior,0,0.015\n",
    "collection": "tier,lag_months,share\n,0,0.6\n,2,0.4\nA,1,1\n",
    "funnel": """\
channel,step,stage,conversion,days,minutes,healthy
visits,1,contact,0.5,30,60,
visits,2,offer,0.4,45,120,
show,1,lead,0.1,30,30,0.3
""",
    "market": "product,unit,industry,period,size,growth\nlite,north,,,3000000,0.05\n,south,bank,2026-Q1,500000,\n",
    "yields": "source,metric,amount\nfair,leads,0.002\nA,reach,1\n",
    "pins": "unit,rep,product,period,level,amount\nnorth,ann,lite,2026-Q1,base,30000\n",
    "calendar": "date,working\n2026-05-04,no\n2026-05-09,yes\n",
    "leave": "rep,from,to\nann,2026-07-06,2026-07-10\n",
    "history": "month,metric,rep,client,product,amount\n2025-11,revenue,ann,k1,lite,9000\n2025-12,revenue,,k2,,11000\n",
    "actuals": "month,metric,rep,amount\n2026-01,revenue,ann,8000\n",
    "pipeline": """\
opportunity,rep,client,product,stage,opened,due,probability,amount
o1,ann,k1,suite,offer,2025-10-01,2026-03,0.5,250000
""",
    "commitments": "unit,product,period,amount\nnorth,lite,2026,150000\n",
    "thresholds": "check,value\nconcentration,0.4\n",
    "approvals": "role,votes,above\nmanager,0.5,\n",
    "voters": "person,role\nann,manager\ndan,manager\n",
    "tasks": "task,owner,from,to\nresearch,ann,2025-12-01,2025-12-31\n",
}
"""Every table of the dictionary, with the main columns."""


def write_small_model(folder: Path, changes: Mapping[str, str | bytes | None] | None = None) -> Path:
    """Write the model as a folder.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    changes : mapping of file name to text, bytes or None
        Files that are other than in the model; None leaves the file out.
    """
    files: dict[str, str | bytes | None] = {"model.yaml": SETTINGS}
    files |= {f"{name}.csv": text for name, text in TABLES.items()}
    files |= dict(changes or {})
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        if content is not None:
            data = content if isinstance(content, bytes) else content.encode("utf-8")
            (folder / name).write_bytes(data)
    return folder
