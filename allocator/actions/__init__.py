"""What each rep does: the plan's months as whole numbers for quarters, months, thirds and weeks."""

from allocator.actions.tables import actions, contracts

__all__ = ["actions", "contracts"]
