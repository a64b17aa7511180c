"""Letters on disk."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from allocator.errors import EngineError
from allocator.letters.content import Letter
from allocator.letters.filling import Template
from allocator.reporting.run import replace_file
from allocator.texts import _


def file_name(letter: Letter, taken: set[str]) -> str:
    """Return a name for a letter's file that no other one has, whatever its code holds."""
    stem = re.sub(r'[\\/:*?"<>|\x00-\x1f]', "_", f"{letter.kind}_{letter.code}").rstrip(". ")[:100]
    name, k = f"{stem}.docx", 1
    while name.casefold() in taken:
        k += 1
        name = f"{stem}~{k}.docx"
    taken.add(name.casefold())
    return name


def write_letters(
    letters: Iterable[Letter], template: Template, folder: Path, done: Callable[[], None] = lambda: None
) -> Iterator[Path]:
    """Write letters into a folder, each whole or not at all, and yield their paths.

    Parameters
    ----------
    done : callable, optional
        Called after each letter.

    Raises
    ------
    InputError
        If the template does not fit.
    EngineError
        If the machine cannot write.
    """
    taken: set[str] = set()
    for letter in letters:
        path = folder / file_name(letter, taken)
        write_document(path, template.fill(letter))
        done()
        yield path


def write_document(path: Path, content: bytes) -> None:
    """Write a document in the place of an older one, whole or not at all.

    Raises
    ------
    EngineError
        If the machine cannot write.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, [content])
    except OSError as error:
        says = _("Cannot write {path}: {reason}.").format(path=path, reason=error.strerror or error)
        raise EngineError(says) from error
