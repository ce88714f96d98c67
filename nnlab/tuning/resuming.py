"""Finding a study again, and the command line that goes on with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nnlab.config.overrides import parsed
from nnlab.errors import UserError
from nnlab.tuning.composition import composed_study
from nnlab.tuning.identity import Identity

STORAGE = "sweep.storage"


def arguments_to_go_on(arguments: Sequence[str]) -> tuple[list[str], Path | None]:
    """The whole command line of a study that goes on, and its directory.

    What began the study counts again, followed by what is given now.

    Args:
        arguments: overrides in Hydra's grammar.

    Returns:
        The arguments as they are and None, unless they name a study by `sweep.resume`.

    Raises:
        ConfigError: if an override is not in Hydra's grammar.
        UserError: if there is no such study.
    """
    given = parsed(arguments)
    names = [override.value() for override in given if override.key_or_group == "sweep.resume"]
    if not names or names[-1] is None:
        return list(arguments), None
    directory = study_directory(str(names[-1]), arguments)
    identity = Identity.of(directory)
    keys = {override.key_or_group for override in given}
    earlier = [text for text in identity.overrides if parsed([text])[0].key_or_group not in keys]
    storage_url(identity, [*earlier, *arguments])
    return [*earlier, *arguments], directory


def storage_url(identity: Identity, arguments: Sequence[str]) -> str | None:
    """The whole address of a study's storage; None is its journal.

    Args:
        identity: of the study.
        arguments: overrides, which have to say the address if it is secret.

    Raises:
        UserError: if they do not.
    """
    urls = [override.value() for override in parsed(arguments) if override.key_or_group == STORAGE]
    if urls and urls[-1] is not None:
        return str(urls[-1])
    if "***" in (identity.storage or ""):  # see `redacted`
        raise UserError(
            f"The study {identity.name!r} is kept at {identity.storage}, whose password is not. "
            f"Give the whole address again: {STORAGE}=URL."
        )
    return identity.storage


def study_directory(name: str, arguments: Sequence[str]) -> Path:
    """The directory of a study in the folder of the runs that `arguments` (or the environment) name."""
    places = [override for override in parsed(arguments) if override.key_or_group == "runs_dir"]
    raw = composed_study(places, [])
    return Path(raw["runs_dir"]).expanduser().absolute() / name
