"""The damage that nnlab survives: every promise of `docs/reliability.md`, and what really breaks it.

A module here has `PROMISES`; `python -m faults` does their damage, to real processes, files and servers.
"""
