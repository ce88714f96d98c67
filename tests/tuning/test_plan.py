"""A sweep's command line: what it fixes, what it searches, what makes it another study, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from planning import OF_MLP, plan, space

from nnlab.check import field_rules
from nnlab.config.jobs import conf_dir
from nnlab.config.schema import as_dict
from nnlab.tuning.planning import make_plan
from nnlab.tuning.search.pruners import Median
from nnlab.tuning.search.settings import KEYWORDS, SweepSettings, as_plain
from nnlab.tuning.trial_configs import composed_study


def test_the_preset_says_what_is_searched() -> None:
    assert set(space()) == OF_MLP
    assert space()["optimizer.lr"] == "tag(log, interval(0.003, 0.3))"


def test_a_single_value_on_the_command_line_is_fixed_whatever_the_preset_searches() -> None:
    fixed = plan("optimizer.lr=0.05")
    assert set(fixed.space.to_dict()) == OF_MLP - {"optimizer.lr"}
    assert fixed.fixed.optimizer.lr == 0.05
    hidden = plan("model.hidden=[30,20]")
    assert set(hidden.space.to_dict()) == {"optimizer.lr", "trainer.batch_size"}
    assert hidden.fixed.model.hidden == (30, 20)


def test_several_values_on_the_command_line_are_searched_whatever_the_preset_says() -> None:
    searched = space("optimizer.lr=choice(0.1,0.2)", "model.dropout=interval(0,0.5)")
    assert searched == space() | {"optimizer.lr": "choice(0.1, 0.2)", "model.dropout": "interval(0.0, 0.5)"}
    assert list(searched)[:-1] == list(space())  # in the same places, which samplers go by


def test_whole_hidden_shapes_take_the_place_of_depth_and_widths() -> None:
    assert set(space("model.hidden=[64],[32,16]")) == {"optimizer.lr", "trainer.batch_size", "model.hidden"}


def test_the_group_sweep_space_says_the_same_as_the_keys_alone() -> None:
    assert space("sweep.space.optimizer.lr=interval(0.1,1)") == space("optimizer.lr=interval(0.1,1)")
    assert space("sweep.space.optimizer.lr='interval(0.1,1)'") == space("optimizer.lr=interval(0.1,1)")


def test_null_takes_a_key_out_of_the_preset_s_space() -> None:
    without = plan("sweep.space.optimizer.lr=null")
    assert set(without.space.to_dict()) == OF_MLP - {"optimizer.lr"}
    assert without.fixed.optimizer.lr == 0.01  # that of optimizer=momentum


def test_a_group_s_choice_is_fixed_or_searched_like_any_key() -> None:
    both = "sweep.space.optimizer='choice(sgd, adam)'"
    assert space(both)["optimizer"] == "choice(sgd, adam)"
    fixed = plan(both, "optimizer=nesterov")
    assert "optimizer" not in fixed.space.to_dict()
    assert as_dict(fixed.fixed)["optimizer"]["name"] == "nesterov"
    searched = plan("optimizer=choice(sgd,momentum)", "optimizer.momentum=0.8")
    values = {"optimizer.lr": 0.1, "trainer.batch_size": 32, "model.hidden": [8]}
    at = {name: searched.at({"optimizer": name, **values}, 5).config for name in ("sgd", "momentum")}
    assert as_dict(at["sgd"])["optimizer"] == {"name": "sgd", "lr": 0.1}
    assert as_dict(at["momentum"])["optimizer"] == {"name": "momentum", "lr": 0.1, "momentum": 0.8}
    assert at["sgd"].seed == at["momentum"].seed == 5


@pytest.mark.parametrize(
    ("arguments", "monitor", "restores"),
    [
        ([], "val/loss", True),
        (["sweep.objective=val/accuracy", "sweep.at=last"], "val/accuracy", False),
        (["sweep.objective=[val/accuracy,parameters]", "sweep.pruner=none"], "val/accuracy", True),
    ],
)
def test_the_monitored_score_and_the_kept_epoch_follow_the_objective(
    arguments: list[str], monitor: str, restores: bool
) -> None:
    made = plan(*arguments)
    trial = made.at({"optimizer.lr": 0.1, "trainer.batch_size": 32, "model.hidden": [8]}, 1).config
    for config in (made.fixed, trial):
        assert (config.trainer.monitor, config.trainer.restore_best) == (monitor, restores)


PRESETS = sorted(file.stem for file in (conf_dir() / "sweep").glob("*.yaml"))


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_makes_a_plan_and_opens_with_the_command_that_chooses_it(preset: str) -> None:
    embedded = {"records": ["data=digits"], "toy": []}.get(preset, [])
    made = make_plan([f"sweep={preset}", *embedded, "tracking.enabled=false"])
    assert made.space.dimensions
    assert made.at(next(made.space.corners()), 3).config.seed == 3
    first, second, *_ = (conf_dir() / "sweep" / f"{preset}.yaml").read_text(encoding="utf-8").splitlines()
    assert first == "# @package _global_"
    assert second.startswith("# python -m nnlab.sweep ")
    assert f"sweep={preset}" in second.split()


def test_every_setting_of_a_sweep_stands_in_the_root_with_its_default() -> None:
    written = set(composed_study([], [])["sweep"])
    keys = {KEYWORDS.get(name, name) for name in field_rules(SweepSettings)}
    assert written == keys | {"sampler_options", "pruner_options", "space"}
    settings = plan("sweep=sigmoid_mlp").settings
    assert isinstance(settings.pruner, Median)
    plain = as_plain(settings)
    documented = {"workers": None, "sampler": "tpe", "objective": "val/loss", "storage": None, "name": None}
    assert {key: plain[key] for key in documented} == documented


def test_the_workers_are_the_cores_unless_said_and_never_more_than_the_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda process: set(range(6)), raising=False)
    counts = {
        (): 6,
        ("trainer.threads=2",): 3,
        ("trainer.threads=9",): 1,
        ("sweep.workers=4",): 4,
        ("sweep.workers=9", "sweep.trials=5"): 5,
    }
    assert {arguments: plan(*arguments).workers for arguments in counts} == counts


def test_the_kept_command_line_leaves_out_this_session_and_passwords_and_has_absolute_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = "\n".join(f"{row % 2},{row},{row * 2}" for row in range(100))
    (tmp_path / "my data.csv").write_text(rows + "\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    kept = ["data=csv", "trainer.batch_size=8", "optimizer.lr=interval(0.1, 1)"]
    secret = "sweep.storage='postgresql://me:hunter2@127.0.0.1/studies'"
    session = ["runs_dir=here", "sweep.name=this", secret]
    made = make_plan([*kept, *session, "++data.root='my data.csv'"])
    assert made.lasting_overrides == [*kept, f'data.root="{tmp_path}/my data.csv"']
    again = make_plan([*made.lasting_overrides])
    assert again.fingerprint("c0ffee") == made.fingerprint("c0ffee")


def test_the_study_s_own_config_has_no_searched_key_and_says_how_it_searches() -> None:
    config = plan("sweep.trials=7").to_dict()
    assert "lr" not in config["optimizer"]
    assert "hidden" not in config["model"]
    assert config["optimizer"]["momentum"] == 0.9
    assert config["sweep"]["trials"] == 7
    assert set(config["sweep"]["space"]) == OF_MLP
