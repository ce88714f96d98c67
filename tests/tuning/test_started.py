"""A resumed study has the settings it was started with, where neither command says otherwise."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from planning import DIGITS

from nnlab.errors import UserError
from nnlab.tuning.manifest import OFF, Manifest, versions
from nnlab.tuning.plan import Plan
from nnlab.tuning.planning import make_plan
from nnlab.tuning.resuming import resumed_arguments, resumed_plan
from nnlab.tuning.search.pruners import Median
from nnlab.tuning.search.samplers import TPE

OTHER_PRESET = [
    "sweep.trials=33",
    "sweep.pruner_options.startup_trials=7",
    "sweep.sampler_options.candidates=9",
    "sweep.space=null",
    "model.width=choice(5,6)",
    "model.depth=range(1,3)",
    "optimizer.lr=tag(log, interval(0.02, 0.2))",
]
"""What a preset might have said when a study was started."""


def resumed(folder: Path, preset: list[str], given: list[str], again: list[str]) -> Plan:
    """The plan of a study started with a preset and overrides, and resumed with others after the preset has changed."""
    study = folder / "a-study"
    study.mkdir(parents=True)
    place = f"runs_dir={folder}"
    started = make_plan([*DIGITS, *preset, *given, place])
    (study / "config.yaml").write_text(yaml.safe_dump(started.to_dict(), sort_keys=False), encoding="utf-8")
    said = [text for text in started.lasting_overrides if text in [*DIGITS, *given]]
    Manifest("a-study", said, None, started.fingerprint("c0"), versions()).save(study)
    now = [place, "sweep.resume=a-study", *again]
    whole, directory = resumed_arguments(now)
    assert directory == study
    return resumed_plan(whole, now, study)


def test_settings_of_a_preset_that_has_changed_are_those_of_the_start(tmp_path: Path) -> None:
    plan = resumed(tmp_path, OTHER_PRESET, [], [])
    assert plan.settings.trials == 33
    assert plan.fingerprint("c0") == Manifest.read(tmp_path / "a-study").fingerprint
    assert plan.space == make_plan([*DIGITS, *OTHER_PRESET]).space  # in the same order, which the samplers draw in


def test_what_is_given_at_the_resume_counts(tmp_path: Path) -> None:
    plan = resumed(tmp_path, OTHER_PRESET, ["sweep.retries=0"], ["sweep.trials=40", "sweep.confirm=2"])
    assert (plan.settings.trials, plan.settings.retries, plan.settings.confirm) == (40, 0, 2)
    Manifest.read(tmp_path / "a-study").check(plan.fingerprint("c0"))


@pytest.mark.parametrize("again", ["sweep.pruner=median", "sweep.sampler=tpe"])
def test_the_pruner_or_sampler_that_it_has_keeps_its_options_where_it_is_given_again(
    tmp_path: Path, again: str
) -> None:
    plan = resumed(tmp_path, [*OTHER_PRESET, "sweep.sampler=tpe"], [], [again])
    assert plan.settings.pruner == Median(startup_trials=7)
    assert plan.settings.sampler == TPE(candidates=9)
    Manifest.read(tmp_path / "a-study").check(plan.fingerprint("c0"))


def test_what_lasts_from_an_earlier_resume_counts(tmp_path: Path) -> None:
    resumed(tmp_path, OTHER_PRESET, [], [])
    manifest = Manifest.read(tmp_path / "a-study")
    replace(manifest, overrides=[*manifest.overrides, "sweep.confirm=3"]).save(tmp_path / "a-study")
    now = [f"runs_dir={tmp_path}", "sweep.resume=a-study"]
    assert resumed_plan(resumed_arguments(now)[0], now, tmp_path / "a-study").settings.confirm == 3


@pytest.mark.parametrize(
    ("again", "keys"),
    [
        ("sweep.pruner=none", {"sweep.pruner", "sweep.pruner_options"}),
        ("sweep.pruner_options.startup_trials=3", {"sweep.pruner_options.startup_trials"}),
        ("sweep.pruner_options={warmup_epochs: 4}", {"sweep.pruner_options.warmup_epochs"}),
        ("sweep.sampler=random", {"sweep.sampler", "sweep.sampler_options"}),
        ("optimizer.lr=0.1", {"sweep.space.optimizer.lr", "optimizer.lr"}),
        ("sweep.space.optimizer.lr=null", {"sweep.space.optimizer.lr", "optimizer.lr"}),
        ("trainer.batch_size=choice(16,32)", {"sweep.space.trainer.batch_size", "trainer.batch_size"}),
        ("sweep=sigmoid_mlp", {"sweep.space.optimizer.lr", "model.loss"}),
    ],
)
def test_whatever_is_given_otherwise_at_the_resume_is_a_difference(tmp_path: Path, again: str, keys: set[str]) -> None:
    plan = resumed(tmp_path, OTHER_PRESET, [], [again])
    with pytest.raises(UserError, match="can only be resumed as it was started") as caught:
        Manifest.read(tmp_path / "a-study").check(plan.fingerprint("c0"))
    named = {line.split(":")[0].strip() for line in str(caught.value).splitlines()[1:-1]}
    assert {key for key in keys if any(key in name for name in named)} == keys


def without_new_keys(study: Path) -> None:
    """Make a study one that was started before there were the keys of `OFF`."""
    config: dict[str, Any] = yaml.safe_load((study / "config.yaml").read_text(encoding="utf-8"))
    manifest: dict[str, Any] = json.loads((study / "study.json").read_text(encoding="utf-8"))
    for key in OFF:
        config["sweep"].pop(key.removeprefix("sweep."))
        manifest["fingerprint"].pop(key, None)
    (study / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    (study / "study.json").write_text(json.dumps(manifest), encoding="utf-8")


def test_keys_that_a_study_of_an_earlier_version_lacks_are_off_in_it(tmp_path: Path) -> None:
    plan = resumed(tmp_path, [], [], [])
    without_new_keys(tmp_path / "a-study")
    now = [f"runs_dir={tmp_path}", "sweep.resume=a-study"]
    again = resumed_plan(resumed_arguments(now)[0], now, tmp_path / "a-study")
    settings = again.to_dict()["sweep"]
    assert {key: settings[key.removeprefix("sweep.")] for key in OFF} == OFF
    fingerprint = plan.fingerprint("c0") | OFF  # whichever of them trials depend on
    Manifest.read(tmp_path / "a-study").check(fingerprint)
    with pytest.raises(UserError, match=r"sweep\.race: false in the study, true now"):
        Manifest.read(tmp_path / "a-study").check(fingerprint | {"sweep.race": True})


def test_batches_keep_their_size_on_another_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nnlab.tuning.plan.usable_cores", lambda: 2)
    resumed(tmp_path, [], ["sweep.deterministic=true"], [])
    monkeypatch.setattr("nnlab.tuning.plan.usable_cores", lambda: 16)
    now = [f"runs_dir={tmp_path}", "sweep.resume=a-study"]
    plan = resumed_plan(resumed_arguments(now)[0], now, tmp_path / "a-study")
    assert plan.workers == 2
    Manifest.read(tmp_path / "a-study").check(plan.fingerprint("c0"))


def test_a_damaged_config_is_named(tmp_path: Path) -> None:
    resumed(tmp_path, [], [], [])
    (tmp_path / "a-study" / "config.yaml").write_text("sweep: [1, 2]\n", encoding="utf-8")
    now = [f"runs_dir={tmp_path}", "sweep.resume=a-study"]
    with pytest.raises(UserError, match=r"config\.yaml .*is damaged"):
        resumed_plan(resumed_arguments(now)[0], now, tmp_path / "a-study")
