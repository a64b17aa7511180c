"""Scenarios side by side: what differs, what moves, and which event costs what. See ``docs/comparing.md``.

``allocator.comparing.compare(model, ["price_war", "client_loss"])`` plans them and compares.
"""

from allocator.comparing.comparison import Case, Comparison, compare

__all__ = ["Case", "Comparison", "compare"]
