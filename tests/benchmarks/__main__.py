"""`make bench`, or `python -m tests.benchmarks`: speed as ratios against peers measured in the same run."""

from __future__ import annotations

import argparse
import os
import platform

import numpy as np

from . import engine, heston_paths, league, optimum
from .timing import table

SUBJECTS = ("heston", "engine", "optimum", "league", "memory", "import")


def main() -> None:
    """Print one table a subject. Nothing here fails on a slow day: a missed target is printed as such."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="times each contender runs (default 5)")
    parser.add_argument("--only", choices=SUBJECTS, help="one subject instead of all")
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error(f"--rounds must be at least 1, got {arguments.rounds}")

    wanted = SUBJECTS if arguments.only is None else (arguments.only,)
    print(f"Python {platform.python_version()}, numpy {np.__version__}, {os.cpu_count()} cores; ", end="")
    print(f"best and median of {arguments.rounds} rounds in which the contenders take turns\n", flush=True)
    if "heston" in wanted:
        try:
            import QuantLib as ql
        except ImportError:
            ql = None
            print(
                "QuantLib is not installed, so the comparisons with it are left out. It comes with the bench "
                "extra:\n    python -m pip install -e '.[bench]'\n"
            )
        for title, figures in heston_paths.run(ql, arguments.rounds):
            print(table(title, figures), flush=True)
    if "engine" in wanted:
        print(table(*engine.run_engine(arguments.rounds)), flush=True)
    if "optimum" in wanted:
        print(table(*optimum.run(arguments.rounds)), flush=True)
    if "league" in wanted:
        print(table(*league.run()), flush=True)
    if "memory" in wanted:
        print(table(*engine.run_memory()), flush=True)
    if "import" in wanted:
        print(table(*engine.run_import(arguments.rounds)), flush=True)


if __name__ == "__main__":
    main()
