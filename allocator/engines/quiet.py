"""Silence for solvers that print whatever they are told."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Send what native code prints to the null device while the block runs.

    Works on the process's standard output itself: another thread that prints meanwhile is silenced too.
    """
    try:
        kept = os.dup(1)
    except OSError:
        # A process without standard output has nothing to silence.
        yield
        return
    _flush()
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 1)
        yield
        _flush()
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(null)


def _flush() -> None:
    """Empty C's own buffers, which would otherwise be printed later."""
    library = ctypes.CDLL("ucrtbase" if sys.platform == "win32" else None)
    library.fflush(None)
