"""The settings under `sweep` that a study was started with: a resumed one has them, whatever a preset says by now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from nnlab.config.leaves import leaves
from nnlab.config.overrides import parsed
from nnlab.runs.directory import CONFIG
from nnlab.runs.reading import read_stored
from nnlab.tuning.manifest import OFF, Manifest
from nnlab.tuning.plan import UNCHANGEABLE
from nnlab.tuning.search.settings import CHOSEN, study_rules
from nnlab.typed import OPEN, Fields

Group = dict[str, Any]
CONFIG_SHAPE = Annotated[
    Group,
    Fields(
        {
            "sweep": Annotated[
                Group, Fields({"space": dict[str, str], "sampler_options": Group, "pruner_options": Group}), OPEN
            ]
        }
    ),
    OPEN,
]

OF_A_COMMAND = ("name", "resume", "storage")
"""Keys that the command line and `study.json` say."""


@dataclass(frozen=True)
class Started:
    """What a study was started with, and what a command that resumes it says.

    Attributes:
        settings: under `sweep`, as its `config.yaml` has them; empty if it does not say.
        again: the keys under `sweep` that were given when it was started, or that have lasted since.
        now: key -> value of what is given at this resume, keys in full.
    """

    settings: Mapping[str, Any]
    again: Set[str]
    now: Mapping[str, Any]

    def over(self, composed: Mapping[str, Any]) -> dict[str, Any]:
        """The settings of the resumed study.

        Args:
            composed: the group `sweep` as the presets and the command line give it now.
        """
        kept = dict(composed)
        for key, before in self.settings.items():
            if key == "space":
                if "sweep.space" not in self.now:
                    kept[key] = {**before, **_under("sweep.space.", self.now)}
            elif key.removesuffix("_options") in CHOSEN and key not in CHOSEN:
                kept[key] = self._options(key, before, composed)
            elif f"sweep.{key}" not in (self.now if key in UNCHANGEABLE else self.now.keys() | self.again):
                kept[key] = before
        return kept

    def _options(self, key: str, before: Mapping[str, Any], composed: Mapping[str, Any]) -> Any:
        """The options of the sampler or the pruner; those of another one were never the study's."""
        chooser = key.removesuffix("_options")
        if f"sweep.{chooser}" in self.now and composed.get(chooser) != self.settings.get(chooser):
            return composed.get(key)
        return {**before, **_under(f"sweep.{key}.", self.now)}


def started_settings(study: Path, manifest: Manifest, given: Sequence[str]) -> Started:
    """What the study in a directory was started with.

    Args:
        study: its directory.
        manifest: its own.
        given: the overrides of the command that resumes it.

    Raises:
        ConfigError: if an override is not in Hydra's grammar.
        UserError: if its `config.yaml` cannot be read.
    """
    now = _single_values(given)
    before = _single_values(manifest.overrides)
    # With another preset than it was started with it is another study: `Manifest.check` says in what.
    is_itself = "sweep" not in now or now["sweep"] == before.get("sweep")
    settings = _settings(study) if is_itself else {}
    if settings and "sweep.workers" in manifest.fingerprint:  # the size of a batch; null meant the cores of its machine
        settings["workers"] = manifest.fingerprint["sweep.workers"]
    return Started(settings, before.keys(), now)


def _settings(study: Path) -> dict[str, Any]:
    try:
        config = read_stored(study / CONFIG, CONFIG_SHAPE, "Restore it: a study is resumed as it was started.")
    except FileNotFoundError:
        return {}
    settings = {**_under("sweep.", OFF), **config["sweep"]}
    return {key: value for key, value in settings.items() if key not in OF_A_COMMAND}


def _single_values(texts: Sequence[str]) -> dict[str, Any]:
    """The value of each key, also of those within a group that is given as a whole; None for one with several."""
    overrides = parsed(texts, study_rules())
    values = {each.key_or_group: None if each.is_sweep_override() else each.value() for each in overrides}
    return {**values, **dict(leaves(values))}


def _under(prefix: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix)}
