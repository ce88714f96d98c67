"""The BLAS that NumPy multiplies with: its kernel, its threads, its copies, and how fast it is."""

from __future__ import annotations

import importlib
import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from nnlab.cpu import cpu_quota, usable_cores
from nnlab.doctor.finding import Finding

KERNEL_VARIABLE = "OPENBLAS_CORETYPE"
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS")
AVX512_KERNELS = ("SkylakeX", "Cooperlake", "SapphireRapids")
AVX2_KERNELS = ("Haswell", "Zen", *AVX512_KERNELS)
PRODUCT = (128, 784, 300)
"""Rows of a batch, features and units: what a layer on MNIST multiplies."""
REPETITIONS = 50


def arithmetic() -> Iterator[Finding]:
    """Everything about BLAS and processors."""
    libraries = [library for library in threadpool_info() if library["user_api"] == "blas"]
    yield kernel(libraries, processor_flags(), os.environ.get(KERNEL_VARIABLE))
    yield copies(_libraries_of_a_sweep())
    yield from thread_variables(os.environ, usable_cores())
    yield processors(os.cpu_count() or 1, usable_cores(), cpu_quota())
    yield others_at_work(os.getloadavg()[0], usable_cores())
    yield speed(usable_cores())
    yield exactness(usable_cores(), np.dot)


def kernel(libraries: Sequence[Mapping[str, Any]], flags: frozenset[str], chosen: str | None) -> Finding:
    """Whether the BLAS uses what the processor can do.

    Args:
        libraries: of threadpoolctl.
        flags: what the processor can do, as Linux names it; empty if that is not known.
        chosen: the value of OPENBLAS_CORETYPE.
    """
    if not libraries:
        return Finding("BLAS", "note", "threadpoolctl knows no BLAS in this process, so its threads cannot be set")
    library = next((each for each in libraries if "numpy" in each["filepath"]), libraries[0])
    name, used = f"{library['internal_api']} {library['version']}", library.get("architecture")
    fact = f"{name}, kernel {used or 'unknown'}"
    wanted = AVX512_KERNELS if "avx512f" in flags else AVX2_KERNELS if "avx2" in flags else ()
    if used is None or not wanted or used in wanted:
        verdict = "note" if chosen else "good"
        remedy = f"{KERNEL_VARIABLE}={chosen} chose it; report it with every result made with it" if chosen else ""
        return Finding("BLAS kernel", verdict, fact, remedy)  # type: ignore[arg-type]
    best = "AVX-512" if "avx512f" in flags else "AVX2"
    if chosen:
        remedy = (
            f"unset {KERNEL_VARIABLE} for speed. Results then differ in their last bits from those made with "
            f"{chosen}; keep it to reproduce those"
        )
    else:
        remedy = "update NumPy: its OpenBLAS does not know this processor"
    return Finding("BLAS kernel", "note", f"{fact}, but the processor has {best}", remedy)


def copies(libraries: Sequence[Mapping[str, Any]]) -> Finding:
    """Whether several BLAS libraries are in one process, whose threads would compete."""
    places = [f"{library['internal_api']} in {Path(library['filepath']).parent.name}" for library in libraries]
    if len(places) < 2:
        return Finding("copies of BLAS", "good", f"{len(places)} in a process that runs a sweep")
    return Finding(
        "copies of BLAS",
        "note",
        f"{len(places)} in a process that runs a sweep: {', '.join(places)}",
        "training uses NumPy's alone; do not use SciPy's at the same time on several threads",
    )


def thread_variables(environment: Mapping[str, str], cores: int) -> Iterator[Finding]:
    """Variables that set the threads of every process, workers included."""
    for name in THREAD_VARIABLES:
        text = environment.get(name)
        if text is None:
            continue
        if text.isdecimal() and int(text) > cores:
            fact = f"{name}={text}, but only {cores} core(s) are usable: threads wait for each other"
            yield Finding("threads", "note", fact, f"unset {name}; nnlab sets its own threads with trainer.threads")
        else:
            yield Finding("threads", "note", f"{name}={text}", "nnlab sets its own threads with trainer.threads")


def processors(machine: int, usable: int, quota: float | None) -> Finding:
    """How many processors nnlab can use; the defaults of `sweep.workers` and of `trainer.threads=auto`."""
    fact = f"{usable} of {machine} usable" + (f", quota {quota:g}" if quota else "")
    defaults = f"sweep.workers={usable}, each with trainer.threads=1"
    if quota is not None and quota < 1:
        return Finding("processors", "note", fact, "give the container at least one whole processor")
    return Finding("processors", "good", f"{fact}; so {defaults}")


def others_at_work(load: float, cores: int) -> Finding:
    """Whether the machine is busy with something else: times mean nothing then."""
    fact = f"load {load:.1f} over the last minute, on {cores} core(s)"
    if load > 0.5 * cores:
        return Finding("other work", "note", fact, "stop it, or wait, before you time anything")
    return Finding("other work", "good", fact)


def speed(cores: int) -> Finding:
    """How fast the product of a layer is, with one thread and with all."""
    rows, features, units = PRODUCT
    x, w = np.ones((rows, features), np.float32), np.ones((features, units), np.float32)
    out = np.empty((rows, units), np.float32)
    rates = []
    for threads in dict.fromkeys((1, cores)):
        with threadpool_limits(threads):
            seconds = statistics.median(_seconds(x, w, out) for _ in range(REPETITIONS))
        rates.append(f"{2e-9 * rows * features * units / seconds:.0f} GFLOP/s on {threads} thread(s)")
    return Finding(
        "product of a layer", "good", f"{rows}×{features} by {features}×{units}, float32: {', '.join(rates)}"
    )


def exactness(cores: int, product: Callable[..., Any]) -> Finding:
    """Whether products come out right: of whole numbers, whose sums have one exact value whatever their order.

    Args:
        cores: as many threads multiply, and one alone.
        product: `numpy.dot`, with its `out`.
    """
    rows, features, units = PRODUCT
    x = np.arange(rows * features).reshape(rows, features) % 17 - 8
    w = np.arange(features * units).reshape(features, units) % 13 - 6
    right = x @ w  # whole numbers are multiplied by NumPy itself, without a BLAS
    name = "exactness of products"
    for dtype in (np.float32, np.float64):
        out = np.empty((rows, units), dtype)
        for threads in dict.fromkeys((1, cores)):
            with threadpool_limits(threads):
                for _ in range(REPETITIONS // 10):
                    product(x.astype(dtype), w.astype(dtype), out=out)
                    if not np.array_equal(out, right):
                        fact = (
                            f"{np.sum(out != right)} of {out.size} entries are wrong in {np.dtype(dtype)} on {threads}"
                        )
                        remedy = f"choose another kernel ({KERNEL_VARIABLE}=Haswell, say), or install another NumPy"
                        return Finding(name, "problem", f"{fact} thread(s)", remedy)
    return Finding(name, "good", "whole numbers, float32 and float64, on one thread and on all: every entry is right")


def processor_flags() -> frozenset[str]:
    """What the processor can do, as Linux names it; empty elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return frozenset()
    line = next((line for line in lines if line.startswith("flags")), "")
    return frozenset(line.partition(":")[2].split())


def _libraries_of_a_sweep() -> list[dict[str, Any]]:
    importlib.import_module("nnlab.tuning.trial")
    importlib.import_module("scipy.linalg")
    return [library for library in threadpool_info() if library["user_api"] == "blas"]


def _seconds(x: np.ndarray[Any, Any], w: np.ndarray[Any, Any], out: np.ndarray[Any, Any]) -> float:
    started = time.perf_counter()
    np.dot(x, w, out=out)
    return time.perf_counter() - started
