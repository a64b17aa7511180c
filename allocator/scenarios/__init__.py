"""Scenarios: named changes of a model, in sales words or cell by cell."""
