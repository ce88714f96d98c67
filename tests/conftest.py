"""What every test of the suite stands on."""

from __future__ import annotations

from hypothesis import settings

# The same examples on every machine and every run; no clock decides, and nothing is written beside the tests.
settings.register_profile("nnlab", derandomize=True, deadline=None, database=None)
settings.load_profile("nnlab")
