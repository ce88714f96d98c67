"""What can be said of two groups, in a sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence

from nnlab.analysis.comparison.answer import Answer, JudgedPair
from nnlab.analysis.comparison.numbers import Decimals, p_text
from nnlab.stats import Interval, McNemar
from nnlab.stats.power import MOST
from nnlab.wording import number_of


def sentence(pair: JudgedPair, comparison: Answer) -> str:
    """The verdict on a pair: `relu is better than sigmoid: val/accuracy higher by 0.012 (95 % interval ...)`."""
    verdict = pair.judged.verdict
    if verdict == "equal":
        return f"{pair.a} and {pair.b} are {_equal(pair, comparison)}"
    if verdict == "cannot tell":
        return f"{pair.a} or {pair.b}: cannot tell{_why(pair, comparison)}"
    return _told(pair, comparison)


def of_the_best(pairs: Sequence[JudgedPair], comparison: Answer) -> str:
    """What can be said of the group with the best mean and each of many others."""
    name = comparison.best.name
    apart: list[str] = []
    equal: list[str] = []
    open_: list[str] = []
    for pair in pairs:
        found = {"equal": equal, "cannot tell": open_}.get(pair.judged.verdict, apart)
        found.append(pair.b if pair.a == name else pair.a)
    way = "highest" if comparison.lower_is_better is None else "best"
    than = "higher" if comparison.lower_is_better is None else "better"
    parts = {f"is {than} than": apart, "is equal for practice to": equal, "cannot be told from": open_}
    said = [f"{words} {', '.join(names)}" for words, names in parts.items() if names]
    return f"{name}, which has the {way} mean, {'; it '.join(said)}"


def mcnemar_sentence(found: McNemar, comparison: Answer) -> str:
    """Of two single runs, on the rows of a split."""
    a, b = (group.name for group in comparison.groups)
    rows = found.both + found.neither + found.only_a + found.only_b
    split = "test" if comparison.metric.startswith("test/") else "validation"
    better = a if found.only_a > found.only_b else b
    verdict = f"the model of {better} is right more often" if found.p <= 0.05 else "cannot tell these two models apart"
    return (
        f"On the {rows:,} {split} rows both are right on {found.both:,} and both wrong on {found.neither:,}; {a} alone "
        f"is right on {found.only_a:,}, {b} alone on {found.only_b:,}: {verdict} (McNemar's exact test, "
        f"p {p_text(found.p)}). That is said of these two models, not of what other seeds would give."
    )


def _told(pair: JudgedPair, comparison: Answer) -> str:
    """One of the two is higher."""
    judged, lower_is_better = pair.judged, comparison.lower_is_better
    a_is_higher = judged.verdict == "higher"
    a_first = a_is_higher if lower_is_better is None else a_is_higher != lower_is_better
    first, second = (pair.a, pair.b) if a_first else (pair.b, pair.a)
    way = "higher" if a_first == a_is_higher else "lower"
    claim = f"{first} is {'higher' if lower_is_better is None else 'better'} than {second}"
    low, high = judged.difference.interval
    interval = Interval(*sorted((abs(low), abs(high)))) if low * high >= 0 else judged.difference.interval
    decimals = decimals_of(pair)
    return (
        f"{claim}: {comparison.metric} {way} by {decimals.text(abs(judged.difference.mean))} "
        f"({_basis(pair, decimals, interval)}); {_how_often(pair, first, second, comparison)}; {_p(pair, comparison)}"
    )


def _basis(pair: JudgedPair, decimals: Decimals, interval: Interval) -> str:
    difference = pair.judged.difference
    pairing = (
        f"paired by {number_of(difference.n_a, 'seed')}"
        if difference.paired
        else f"unpaired, {difference.n_a} and {number_of(difference.n_b, 'seed')}"
    )
    return f"95 % interval {decimals.interval(interval)}, {pairing}"


def _how_often(pair: JudgedPair, first: str, second: str, comparison: Answer) -> str:
    difference = pair.judged.difference
    word = "higher" if comparison.lower_is_better is None else "better"
    sign = 1 if (pair.judged.verdict == "higher") else -1
    if difference.paired:
        wins = sum(sign * (one - other) > 0 for one, other in zip(difference.a, difference.b, strict=True))
        return f"it is {word} in {wins} of {number_of(difference.n_a, 'seed')}"
    share = difference.probability if sign > 0 else 1 - difference.probability
    return f"a run of {first} is {word} than one of {second} in {100 * share:.0f} % of the cases"


def _p(pair: JudgedPair, comparison: Answer) -> str:
    count = len(comparison.judged)
    judged, difference = pair.judged, pair.judged.difference
    corrected = f", {p_text(judged.p_corrected)} after Holm's correction" if judged.p_corrected != judged.p else ""
    if judged.exact_cannot:
        least = f"the exact test cannot go below {p_text(difference.smallest_p)} with so few seeds"
        least += f" ({p_text(min(1.0, difference.smallest_p * count))} among {count} differences)" if count > 1 else ""
        return f"p {p_text(difference.p_t)} by the t test{corrected}; {least}"
    word = "exact p" if difference.p_exact is not None and judged.p == difference.p_exact else "p"
    return f"{word} {p_text(judged.p)}{corrected}"


def _equal(pair: JudgedPair, comparison: Answer) -> str:
    difference = pair.judged.difference
    if difference.is_zero:
        return f"equal: {comparison.metric} is the same in every seed"
    decimals = decimals_of(pair)
    return (
        f"equal for practice: {pair.a} - {pair.b} is {decimals.text(difference.mean, sign=True)} "
        f"({_basis(pair, decimals, difference.interval)}), which is within +-{comparison.margin:g}"
    )


def _why(pair: JudgedPair, comparison: Answer) -> str:
    judged, difference = pair.judged, pair.judged.difference
    decimals = decimals_of(pair)
    if judged.why:
        size = f"; {pair.a} - {pair.b} is {decimals.text(difference.mean, sign=True)}"
        return f": {judged.why}" + (size if math.isfinite(difference.mean) else "")
    known = f"{_basis(pair, decimals, difference.interval)}; {_p(pair, comparison)}"
    measured = f"{pair.a} - {pair.b} is {decimals.text(difference.mean, sign=True)} ({known})"
    count, about = (MOST, "more than") if judged.more_seeds is None else (judged.more_seeds, "about")
    needed = number_of(count, "more seed is", "more seeds are")
    return (
        f": {about} {needed} needed (for a power of 80 %, if the difference and its spread "
        f"stay as they are); so far {measured}"
    )


def decimals_of(pair: JudgedPair) -> Decimals:
    """How to write the difference of a pair: by half the width of its interval."""
    difference = pair.judged.difference
    low, high = difference.interval
    return Decimals([(high - low) / 2], [difference.mean])
