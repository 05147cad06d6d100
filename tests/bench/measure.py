"""Clocks: variants take turns, so that whatever else the machine does meets all of them alike."""

from __future__ import annotations

import gc
import os
import resource
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from tests.bench import memory


class Samples(NamedTuple):
    """
    Seconds per call, by variant.

    `clock` is what a caller waits; `processor` is this process's share of it, or another clock's,
    without the database's and without that of whatever else runs.
    """

    clock: dict[str, list[float]]
    processor: dict[str, list[float]]


def interleaved(
    variants: Mapping[str, Callable[[], object]],
    *,
    runs: int,
    warm_up: int,
    processor: Callable[[], float] = time.process_time,
) -> Samples:
    """
    Return seconds per call, by variant; in each round every variant runs once.

    The order turns by one with each round: none always follows the same other.

    :param processor: the clock of the processor, in seconds
    """
    names = list(variants)
    for _ in range(warm_up):
        for name in names:
            variants[name]()
    # What was built for the benchmark is not the collector's to walk through.
    gc.collect()
    gc.freeze()
    samples = Samples({name: [] for name in names}, {name: [] for name in names})
    for turn in range(runs):
        for place in range(len(names)):
            name = names[(turn + place) % len(names)]
            call = variants[name]
            began, spent = time.perf_counter(), processor()
            call()
            samples.clock[name].append(time.perf_counter() - began)
            samples.processor[name].append(processor() - spent)
    gc.unfreeze()
    return samples


def processor_time() -> float:
    """
    Return the processor seconds of this process and of all that it started, ended ones as well.

    Where messages are read, parser processes do part of the work.
    """
    while True:
        before = _of_ended()
        living = sum(of_process(pid) for pid in memory.family(os.getpid())[1:])
        # One that ended in between would be counted twice, or not at all.
        if _of_ended() == before:
            return time.process_time() + before + living


def of_process(pid: int) -> float:
    """Return the processor seconds of a process; 0 if it is gone (clock_getcpuclockid(3))."""
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return 0.0


def _of_ended() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def looped(call: Callable[[Any], object], cases: Sequence[Any], *, loops: int) -> float:
    """
    Return processor seconds per call over all `cases`, `loops` times.

    For what takes microseconds and waits for nothing: busy neighbours are not in it.
    """
    began = time.process_time()
    for _ in range(loops):
        for case in cases:
            call(case)
    return (time.process_time() - began) / (loops * len(cases))


def median(samples: Iterable[float]) -> float:
    return statistics.median(samples)


def p95(samples: Iterable[float]) -> float:
    return statistics.quantiles(samples, n=20)[-1]
