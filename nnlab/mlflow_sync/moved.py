"""A SQLite store that was moved with its files.

MLflow keeps the whole address of each: it looks for them in the folder that is gone, makes that again for new ones, and
has no way of its own to change it.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from nnlab.mlflow_sync.places import local_path

STATEMENTS = (
    "UPDATE experiments SET artifact_location = :new || substr(artifact_location, length(:old) + 1) "
    "WHERE substr(artifact_location, 1, length(:old)) = :old",
    "UPDATE runs SET artifact_uri = :new || substr(artifact_uri, length(:old) + 1) "
    "WHERE substr(artifact_uri, 1, length(:old)) = :old",
    "UPDATE logged_models SET artifact_location = :new || substr(artifact_location, length(:old) + 1) "
    "WHERE substr(artifact_location, 1, length(:old)) = :old",
)


def follow(path: Path, artifact_root: Path) -> None:
    """Correct the addresses of files that were moved into `artifact_root`; where they were there must be nothing now.

    Args:
        path: the store, with the installed MLflow's schema.
        artifact_root: the folder of the experiments' files, absolute.
    """
    # A store that may only be read stays as it is.
    with (
        suppress(sqlite3.OperationalError),
        closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=20)) as database,
    ):
        places = [place for (place,) in database.execute("SELECT artifact_location FROM experiments")]
        for old in {f"{place.rpartition('/')[0]}/" for place in places if _is_moved(place, artifact_root)}:
            with database:
                for statement in STATEMENTS:
                    database.execute(statement, {"old": old, "new": f"{artifact_root.as_uri()}/"})


def _is_moved(address: str | None, artifact_root: Path) -> bool:
    """Whether an experiment's folder is in `artifact_root`, and nothing is left where MLflow's address says."""
    folder = local_path(address)
    return (
        folder is not None
        and folder.parent != artifact_root
        and not folder.parent.exists()
        and (artifact_root / folder.name).is_dir()
    )
