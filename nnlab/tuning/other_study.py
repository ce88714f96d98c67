"""Another study that a study takes something over from."""

from __future__ import annotations

from pathlib import Path

from nnlab.config.quoting import as_override
from nnlab.redaction import redacted
from nnlab.tuning.manifest import Manifest
from nnlab.tuning.plan import Plan
from nnlab.tuning.stored_study import StoredStudy


def other_study(directory: Path, plan: Plan) -> StoredStudy:
    """The study in a directory; where it is in the storage of `plan`, that says the password, which is kept nowhere.

    Raises:
        UserError: if there is none, or its storage cannot be opened.
    """
    places = [as_override("runs_dir", str(directory.parent))]
    url = plan.settings.storage
    if url is not None and redacted(url) == Manifest.read(directory).storage:
        places.append(as_override("sweep.storage", url))
    return StoredStudy.open(directory.name, places)
