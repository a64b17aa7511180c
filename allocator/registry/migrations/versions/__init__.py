"""Migrations of the registry's tables, in the order of their revisions."""
