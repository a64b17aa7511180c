"""Write a program as MPS or LP with readable names.

Written by HiGHS: OR-Tools' exporter keeps six digits only, and its LP forgets a missing lower bound.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import highspy
import numpy as np
import pandas as pd
import scipy.sparse as sp

from allocator.errors import EngineError
from allocator.program import Floats, Program
from allocator.texts import _

_LONGEST = 200
_RESERVED = re.compile(
    r"(?i)(?:st|s\.t\.|such|subject|to|min|max|minimi[sz]e|maximi[sz]e|obj|bounds?|free|inf(?:inity)?|nan|bin(?:ary|aries)?|"
    r"gen(?:eral|erals)?|int(?:eger|egers)?|semis?|sos[12]?|sec|end|e[0-9]*)"
)


def export(program: Program, costs: Floats, path: Path) -> None:
    """Write ``min costs · x`` over the program to a file ending in ``.mps`` or ``.lp``.

    Names are those of the program, made to fit: blanks become ``_``, brackets parentheses, signs dots; Chinese stays
    (UTF-8). A name that would come twice gets a number.

    Raises
    ------
    EngineError
        If the file has another ending, or cannot be written.
    """
    if path.suffix.lower() not in (".mps", ".lp"):
        raise EngineError(_("{path}: a program is written as .mps or .lp; name the file so.").format(path=path))
    columns, rows = readable(program.column_names()), readable(program.row_names())
    program, costs, columns = _without_empty_rows(program, costs, columns)
    lp = _arrays(program, costs)
    lp.col_names_, lp.row_names_ = columns, rows
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    # HiGHS picks the format by the ending, in small letters.
    draft = path.with_name(f".{path.stem}{path.suffix.lower()}")
    refused = highs.passModel(lp) == highspy.HighsStatus.kError
    try:
        if refused or highs.writeModel(str(draft)) == highspy.HighsStatus.kError:
            raise EngineError(_("{path}: the program could not be written.").format(path=path))
        draft.replace(path)
    except OSError as e:
        raise EngineError(_("{path}: the program could not be written: {reason}").format(path=path, reason=e)) from e
    finally:
        draft.unlink(missing_ok=True)


def readable(names: Sequence[str]) -> list[str]:
    """Names that MPS and LP files can carry: no blanks or signs, no number in front, each once."""
    series = pd.Series(names, dtype=object).astype(str)
    series = series.str.replace("[", "(", regex=False).str.replace("]", ")", regex=False)
    series = series.str.replace(r"[-+/:]", ".", regex=True).str.replace(r"[^\w.,()#@]", "_", regex=True)
    series = series.str.slice(0, _LONGEST)
    awkward = ~series.str.match(r"[^\W\d]") | series.str.fullmatch(_RESERVED) | series.str.match(r"(?i)e[\d.]")
    series = series.where(~awkward, "_" + series)
    taken: set[str] = set(series[~series.duplicated()])
    result: list[str] = []
    for name, again in zip(series.tolist(), series.duplicated().tolist(), strict=True):
        number, unique = 2, name
        while again and unique in taken:
            unique, number = f"{name}_{number}", number + 1
        taken.add(unique)
        result.append(unique)
    return result


def _without_empty_rows(program: Program, costs: Floats, names: list[str]) -> tuple[Program, Floats, list[str]]:
    """Give rows without coefficients one on a column that is always 0: an LP file cannot hold them otherwise."""
    empty = np.diff(program.matrix.indptr) == 0
    if not empty.any():
        return program, costs, names
    extra = sp.csr_array(empty.astype(np.float64)[:, None])
    program = replace(
        program,
        lower=np.append(program.lower, 0.0),
        upper=np.append(program.upper, 0.0),
        integer=np.append(program.integer, False),
        matrix=sp.csr_array(sp.hstack([program.matrix, extra])),
    )
    return program, np.append(costs, 0.0), readable([*names, "nought"])


def _arrays(program: Program, costs: Floats) -> highspy.HighsLp:
    """A program as HiGHS's own object, which takes names."""
    rows, columns = program.shape
    lp = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = rows, columns
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = costs, program.lower, program.upper
    lp.row_lower_, lp.row_upper_ = program.row_lower, program.row_upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.num_row_, lp.a_matrix_.num_col_ = rows, columns
    lp.a_matrix_.start_ = program.matrix.indptr.astype(np.int32)
    lp.a_matrix_.index_ = program.matrix.indices.astype(np.int32)
    lp.a_matrix_.value_ = program.matrix.data
    if program.integer.any():
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        lp.integrality_ = [kinds[whole] for whole in program.integer.tolist()]
    return lp
