"""Optimise sales targets and resources: quotas, visits and budgets in one feasible plan."""
