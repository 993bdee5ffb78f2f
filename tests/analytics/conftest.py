"""Timings never decide a test: hypothesis runs here without a deadline."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("analytics", deadline=None, max_examples=60)
settings.load_profile("analytics")
