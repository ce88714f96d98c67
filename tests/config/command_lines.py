"""Random command lines: keys that exist and keys that do not, values, sweeps and options in any order."""

from __future__ import annotations

import random

from nnlab.config.groups import choices_of, groups
from nnlab.tuning.search.settings import study_rules

RIGHT = {
    "optimizer.lr": ["0.1", "range(0.1,0.5,0.1)", "0.1,0.2", "tag(log,interval(0.01,1))", "${oc.decode:'0.1'}"],
    "optimizer": ["adam,sgd", "glob(*)", "momentum", "choice(sgd,adam)", "glob(s*,exclude=sgd_unit)"],
    "seed": ["1,2", "range(3)", "sort(3,1)", "int(1.0)"],
    "trainer.epochs": ["1", "range(1.0,3)", "float(2)", "shuffle(range(1,4))"],
    "model.hidden": ["[3]", "[3],[4,5]", "choice([3],[4])", "[]", "shuffle([3,4])"],
    "regularizer": ["l2", "none", "l1,l2"],
    "tracking.experiment": ["x", "'a b'", '"ä"'],
    "trainer.batch_size": ["full", "1,2", "range(1,3)"],
    "trainer": ["{epochs: 2}"],
    "sweep.trials": ["3"],
    "sweep.sampler": ["random", "tpe", "grid"],
    "sweep": ["toy", "mlp"],
}
ODD_KEYS = """model.depth model.width.0 sweep.space trainer data.split hydra.run.dir hydra/launcher foo a.b lr
optimizer@x optimizer.lr.x model.hidden.0 0 größe -x"""
KEYS = [*study_rules(), *groups(), *ODD_KEYS.split(), "", "a b"]

WORDS = """0 1 -1 0.1 1e5 1e400 nan inf true null None ??? x sgd mlp toy csv float64 full tail val/loss tpe grid l2
3.0 1_0 0x1 'q' "d" it's a=b a#b ä 日 ~/x ${oc.env:HOME} ${seed} ${nope} ${ ${optimizer} $x \\ a\\,b
% * ? ! @ [1,2] [] {} {a:1} {lr:1} [16,x] [[1]] {a:{b:1}} --- = == , ,, ( ) [ ] { } sgd,adam
${oc.decode:'1'} ${hydra:runtime.cwd}"""
ATOMS = [*WORDS.split(), "", " ", "a b", "\n", "\x00", "\udcff", "9" * 30, "x" * 300]

CALLS = """choice({0},{1}) choice({0}) range({0},{1}) range({0}) range({0},{1},{2}) interval({0},{1}) glob({0})
glob([{0},{1}],exclude={2}) tag(log,{0}) tag({0},range({1},{2})) shuffle({0},{1}) sort({0},{1})
sort(range({0},{1},{2}),reverse=true) int({0}) float({0}) str({0}) bool({0}) [{0},{1}] '{0}' "{0}"
{{a:{0},b:{1}}} {0},{1} choice(choice({0},{1}),{2}) [range({0},{1})] foo({0}) range(start={0}) {0}{1}"""
FUNCTIONS = CALLS.split()

FLAGS = """-m -m -m -m --multirun --cfg=job --cfg job --info=config --resolve --package=optimizer --package=nope --help
--hydra-help -cn -cd --config-dir= --experimental-rerun=x --run --foo --lr=0.1 -z -- - = --show=x -c -i"""
OPTIONS = [*FLAGS.split(), ""]


def command_line(dice: random.Random) -> list[str]:
    """The arguments of a command."""
    rightly = dice.choice([0, 0.5, 1])
    line = [_override(dice, rightly) for _ in range(dice.choice([1, 1, 1, 2, 2, 3, 4]))]
    if dice.random() < 0.35:
        line.insert(dice.randint(0, len(line)), dice.choice(OPTIONS))
    return [*line, "data=toy", "model=toy"] if dice.random() < 0.5 else line


def _override(dice: random.Random, rightly: float) -> str:
    if dice.random() < rightly:
        key = dice.choice([*RIGHT])
        return f"{dice.choice(['', '', '', '+', '++'])}{key}={dice.choice(RIGHT[key])}"
    key = dice.choice(KEYS)
    value = dice.choice(choices_of(key)) if key in groups() and dice.random() < 0.6 else _value(dice)
    forms = [f"{key}={value}"] * 16 + [f"+{key}={value}", f"++{key}={value}", f"~{key}={value}", f"~{key}", key, value]
    return dice.choice(forms)


def _value(dice: random.Random, depth: int = 0) -> str:
    if depth > 2 or dice.random() < 0.55:
        return dice.choice(ATOMS)
    if dice.random() < 0.1:
        return "".join(dice.choice("ab01 '\"=,\\${}[]():;.~!?*%@+-#|<>&/\t\näß日") for _ in range(dice.randint(0, 8)))
    return dice.choice(FUNCTIONS).format(*(_value(dice, depth + 1) for _ in range(3)))
