"""Health checks: what happened, held against what a healthy business shows."""

from allocator.health.health import Health, health_checks

__all__ = ["Health", "health_checks"]
