"""Finding a stored study, and the command line that resumes it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from hydra.core.override_parser.types import Override

from nnlab.config.groups import choices_of
from nnlab.config.overrides import parsed
from nnlab.config.problems import ConfigError, ConfigProblem, as_typed
from nnlab.config.schema import VARIANTS
from nnlab.errors import UserError
from nnlab.paths import expanded
from nnlab.tuning.manifest import Manifest
from nnlab.tuning.plan import Plan
from nnlab.tuning.planning import make_plan
from nnlab.tuning.search.searchable import form_of
from nnlab.tuning.search.settings import study_rules
from nnlab.tuning.search.space import read_space
from nnlab.tuning.started import started_settings
from nnlab.tuning.trial_configs import composed_study

STORAGE = "sweep.storage"


def resumed_arguments(arguments: Sequence[str]) -> tuple[list[str], Path | None]:
    """The whole command line of a study that is resumed, and its directory.

    The overrides that started the study apply again, followed by those given now. What neither says of the sweep is
    what it was when the study started (`nnlab.tuning.started`).

    Args:
        arguments: overrides in Hydra's grammar.

    Returns:
        The arguments as they are and None, unless they name a study by `sweep.resume`.

    Raises:
        ConfigError: if an override is not in Hydra's grammar.
        UserError: if there is no such study.
    """
    given = parsed(arguments, study_rules())
    names = [override.value() for override in given if override.key_or_group == "sweep.resume"]
    if not names or names[-1] is None:
        return list(arguments), None
    directory = study_directory(str(names[-1]), arguments)
    manifest = Manifest.read(directory)
    keys = {override.key_or_group for override in given}
    earlier = [text for text in manifest.overrides if parsed([text], study_rules())[0].key_or_group not in keys]
    storage_url(manifest, [*earlier, *arguments])
    return [*earlier, *arguments], directory


def resumed_plan(arguments: Sequence[str], given: Sequence[str], directory: Path) -> Plan:
    """The plan of a study that is resumed; if it cannot be made, what differs from the study's start is reported too.

    Args:
        arguments: the whole command line, see `resumed_arguments`.
        given: the part of it that is given now.
        directory: of the study.

    Raises:
        ConfigError: with everything that is wrong with the configuration, and every difference.
    """
    manifest = Manifest.read(directory)
    try:
        return make_plan(arguments, started_settings(directory, manifest, given))
    except ConfigError as error:
        reported = {problem.key for problem in error.problems}
        differences = _differences(manifest, parsed(given, study_rules()))
        others = [problem for problem in differences if problem.key not in reported]
        raise ConfigError([*error.problems, *others]) from None


def _differences(manifest: Manifest, given: Sequence[Override]) -> Iterator[ConfigProblem]:
    """What is given now, and was something else when the study was started."""
    before = manifest.fingerprint
    for override in given:
        key = override.key_or_group
        now: object = override.value()
        place = key
        if override.is_sweep_override():
            key = key.removeprefix("sweep.space.")
            space, _ = read_space({key: override.get_value_string()})
            now, place = space.to_dict().get(key) if space else None, f"sweep.space.{key}"
        elif key in (*VARIANTS, "model", "data"):
            now, place = form_of(key, str(now)) if str(now) in choices_of(key) else None, f"{key}.name"
        if place in before and now is not None and before[place] != now:
            rule = f"was {as_typed(before[place])} when the study was started, and can only be resumed as that"
            yield ConfigProblem(key, rule, now, "leave it out, or start another study without sweep.resume")


def storage_url(manifest: Manifest, arguments: Sequence[str]) -> str | None:
    """The whole address of a study's storage; None is its journal.

    Args:
        manifest: of the study.
        arguments: overrides, which have to say the address if it is secret; `${oc.env:NAME}` is resolved.

    Raises:
        UserError: if they do not, or it cannot be resolved.
    """
    given = [override for override in parsed(arguments, study_rules()) if override.key_or_group == STORAGE]
    problems: list[ConfigProblem] = []
    url = composed_study(given, problems)["sweep"]["storage"] if given else None
    if problems:
        raise ConfigError(problems)
    if url is not None:
        return str(url)
    if "***" in (manifest.storage or ""):  # see `redacted`
        raise UserError(
            f"The study {manifest.name!r} is kept at {manifest.storage}, but without its password. "
            f"Give the whole address: {STORAGE}=URL."
        )
    return manifest.storage


def study_directory(name: str, arguments: Sequence[str]) -> Path:
    """The directory of a study in the folder of the runs that `arguments` (or the environment) name."""
    places = [override for override in parsed(arguments, study_rules()) if override.key_or_group == "runs_dir"]
    raw = composed_study(places, [])
    return expanded(raw["runs_dir"]).absolute() / name
