"""Many corrections in one process: statsmodels collects garbage at each, which takes longer than all of the rest."""

from __future__ import annotations

import gc

import pytest


@pytest.fixture(autouse=True)
def _no_collections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gc, "collect", lambda *_: 0)
