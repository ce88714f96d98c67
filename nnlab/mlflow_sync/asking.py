"""Requests to MLflow that must not be made twice."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

RETRIES = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"


@contextmanager
def asked_once() -> Iterator[None]:
    """MLflow's client does not repeat what is asked in this block, whose answer may get lost on the way.

    For what creates something: whether that was done is to be looked up before it is asked again.
    """
    before = os.environ.get(RETRIES)
    os.environ[RETRIES] = "0"
    try:
        yield
    finally:
        if before is None:
            del os.environ[RETRIES]
        else:
            os.environ[RETRIES] = before
