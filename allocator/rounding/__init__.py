"""From exact quotas to published ones (section 6 of the mathematics)."""

from allocator.rounding.findings import rounding_findings
from allocator.rounding.publishing import round_quotas

__all__ = ["round_quotas", "rounding_findings"]
