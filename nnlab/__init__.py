"""nnlab: an experiment-tracking research harness around a from-scratch NumPy training core."""

import time

__version__ = "0.1.0"

LOADED_AT = time.time()
"""Seconds since 1970, before any other file of nnlab was read: what was changed later is not what runs."""
