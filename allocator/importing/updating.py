"""A second import into a model: what the export changed is taken over, what was changed by hand stays.

Three versions of every table are laid side by side by its key: the last import, the model as it is now, and the new import. A cell
that nobody touched since the last import takes the new value. One that was changed by hand stays, and where the export has changed
it too this is told. Rows come and go in the same way.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocator.errors import Finding
from allocator.importing.assumptions import Assumptions
from allocator.importing.building import Draft
from allocator.importing.export import Log
from allocator.importing.facts import Facts
from allocator.importing.readme import readme_text
from allocator.importing.writing import IMPORTED, write_tables
from allocator.model import Model, Settings
from allocator.reading import load
from allocator.reporting.run import replacing
from allocator.reporting.table_text import csv_text
from allocator.schema.dictionary import SETTINGS, dictionary, table_named
from allocator.schema.files import READERS
from allocator.schema.settings import setting_rows, write_yaml
from allocator.schema.writing import cell_texts, model_texts
from allocator.texts import _

Bools = NDArray[np.bool_]

CHANGES = "changes.csv"
COLUMNS = ["table", "what", "key", "column", "before", "after"]

OURS = {"README.md", IMPORTED}
"""What an import writes anew."""


def was_imported(target: Path) -> bool:
    """Whether an import has made a model."""
    return (target / IMPORTED / "model.yaml").is_file()


def last_changes(target: Path) -> pd.DataFrame | None:
    """What the last import changed: table, what (added, removed, changed, kept), key, column, before, after; None before the first."""
    if not was_imported(target):
        return None
    path = target / IMPORTED / CHANGES
    if not path.is_file():
        return pd.DataFrame(columns=COLUMNS, dtype=str)
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def update_model(target: Path, draft: Draft, facts: Facts, assumptions: Assumptions, log: Log) -> None:
    """Bring a model up to date; the one before moves to ``.old`` beside it.

    Raises
    ------
    InputError
        If the model cannot be read, or would break a rule of the dictionary.
    EngineError
        If the disk does not take it.
    """
    with tempfile.TemporaryDirectory() as made:
        fresh = Path(made) / "fresh"
        write_tables(fresh, draft)
        last, mine, new = load(target / IMPORTED), load(target), load(fresh)
    changes: list[dict[str, str]] = []
    settings = _settings(last.settings, mine.settings, new.settings, changes)
    with tempfile.TemporaryDirectory() as made:
        texts = {name: _merged(name, last, mine, new, changes) for name in dictionary()}
        merged = _as_model(settings, texts, Path(made))
    table = pd.DataFrame(changes, columns=COLUMNS, dtype=str)
    kept = table[table["what"] == "kept"]
    for name, rows in kept.groupby("table"):
        says = _(
            "{table}: the export has changed {count} cells or rows that were changed by hand too; they stay as they are."
        )
        text = says.format(table=name, count=len(rows))
        log.findings.append(Finding("warning", str(name), "", "", "", "kept", text))
    with replacing(target.absolute()) as place:
        _copy_others(target, place)
        for name, content in model_texts(merged):
            (place / name).write_text(content, encoding="utf-8", newline="")
        write_tables(place / IMPORTED, draft)
        (place / IMPORTED / CHANGES).write_text(csv_text(table), encoding="utf-8", newline="")
        readme = readme_text(draft, facts, assumptions, log.findings)
        (place / "README.md").write_text(readme, encoding="utf-8", newline="\n")


def _as_model(settings: Settings, tables: Mapping[str, pd.DataFrame], folder: Path) -> Model:
    """Read texts as a model, so that all of its rules are checked."""
    (folder / "model.yaml").write_text(write_yaml(settings), encoding="utf-8")
    for name, frame in tables.items():
        if len(frame) or dictionary()[name].required:
            (folder / f"{name}.csv").write_text(csv_text(frame), encoding="utf-8", newline="")
    return load(folder)


def _copy_others(source: Path, place: Path) -> None:
    """Copy what is no table: scenarios, notes, the user's own files."""
    for path in source.iterdir():
        table = table_named(path.stem) if path.suffix.casefold() in (*READERS, ".yaml", ".yml") else None
        if path.name in OURS or table is not None:
            continue
        if path.is_dir():
            shutil.copytree(path, place / path.name)
        else:
            shutil.copyfile(path, place / path.name)


def _merged(name: str, last: Model, mine: Model, new: Model, changes: list[dict[str, str]]) -> pd.DataFrame:
    """Texts of a table merged of three versions; where the last and the new import agree it is the model's."""
    versions = [_texts(model[name], list(dictionary()[name].key)) for model in (last, mine, new)]
    if versions[0].equals(versions[2]):
        return versions[1].reset_index(drop=True)
    index = versions[1].index.union(versions[2].index)
    there = [index.isin(v.index) for v in versions]
    before, now, fresh = (v.reindex(index).to_numpy(dtype=object) for v in versions)
    columns = list(versions[1].columns)
    stays = _rows_that_stay(name, index, there, (before, now, fresh), changes)
    # A cell that nobody touched takes the new value; a row that is new takes all of its cells.
    shared = (there[1] & there[2])[:, None]
    differ = shared & (now != fresh) & (before != fresh)
    untouched = there[0][:, None] & (now == before)
    for i, k in np.argwhere(differ).tolist():
        what = "changed" if untouched[i, k] else "kept"
        changes.append(_change(name, what, index[i], columns[k], str(now[i, k]), str(fresh[i, k])))
    cells = np.where((differ & untouched) | ~there[1][:, None], fresh, now)
    return pd.DataFrame(cells[stays], columns=columns)


def _texts(frame: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    texts = pd.DataFrame({c: cell_texts(frame[c]) for c in frame.columns}, dtype=object)
    return texts.set_index(pd.MultiIndex.from_frame(texts[key]))


def _rows_that_stay(
    name: str, index: pd.Index[Any], there: list[Bools], cells: tuple[Any, Any, Any], changes: list[dict[str, str]]
) -> Bools:
    """Rows of the merged table: those of the model and the new ones, without those that went on either side."""
    last, mine, new = there
    before, now, fresh = cells
    added, gone, deleted = new & ~mine & ~last, mine & last & ~new, last & new & ~mine
    edited = gone & (now != before).any(axis=1)
    moved = deleted & (fresh != before).any(axis=1)
    for what, rows in (("added", added), ("removed", gone & ~edited), ("kept", edited | moved)):
        changes += [_change(name, what, index[i]) for i in np.flatnonzero(rows).tolist()]
    return np.asarray((mine & ~(gone & ~edited)) | added)


def _change(table: str, what: str, key: Any, column: str = "", before: str = "", after: str = "") -> dict[str, str]:
    parts = key if isinstance(key, tuple) else (key,)
    text = " / ".join(str(part) for part in parts if part != "")
    return dict(zip(COLUMNS, (table, what, text, column, before, after), strict=True))


def _settings(last: Settings, mine: Settings, new: Settings, changes: list[dict[str, str]]) -> Settings:
    """Settings of three versions, key by key."""
    old, fresh = (dict(setting_rows(s)) for s in (last, new))
    now = dict(setting_rows(mine))
    for key in fresh:
        if key == "title" or fresh[key] in (old.get(key), now.get(key)):
            continue
        take = now.get(key) == old.get(key)
        changes.append(_change(SETTINGS, "changed" if take else "kept", key, "value", now.get(key, ""), fresh[key]))
        if take:
            field = key.split(".")[0]
            mine = mine.model_copy(update={field: getattr(new, field)})
    return mine
