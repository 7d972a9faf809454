"""`make bench`, or `python -m tests.benchmarks`: speed as ratios against peers measured in the same run."""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform

import numpy as np

from . import engine, flow, heston_paths, league, optimum
from .timing import table

SUBJECTS = ("heston", "engine", "optimum", "league", "flow", "memory", "import")
LONG_SUBJECTS = ("learning", "regret")
"""Minutes of training each, and so only on request."""


def main() -> None:
    """Print one table a subject. Nothing here fails on a slow day: a missed target is printed as such."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="times each contender runs (default 5)")
    parser.add_argument(
        "--only",
        choices=SUBJECTS + LONG_SUBJECTS,
        help="one subject instead of all but learning and regret, which train for minutes",
    )
    parser.add_argument("--markets", nargs="+", metavar="MARKET", help="of regret, instead of all eight")
    parser.add_argument(
        "--limit", type=float, default=300.0, help="of learning: processor seconds a training may take (300)"
    )
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error(f"--rounds must be at least 1, got {arguments.rounds}")
    if not arguments.limit > 0:
        parser.error(f"--limit must be greater than 0, got {arguments.limit:g}")
    if arguments.markets and arguments.only != "regret":
        parser.error("--markets goes with --only regret")

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
    if "flow" in wanted:
        print(table(*flow.run(arguments.rounds)), flush=True)
    if "memory" in wanted:
        print(table(*engine.run_memory()), flush=True)
    if "import" in wanted:
        print(table(*engine.run_import(arguments.rounds)), flush=True)
    if "learning" in wanted:
        from . import learning  # torch, which the others do without

        print(table(*learning.run_environment(arguments.rounds)), flush=True)
        if importlib.util.find_spec("stable_baselines3") is None:
            print("Stable-Baselines3 is not installed; it comes with the bench extra as well.\n")
        else:
            for text in learning.run_race(arguments.limit):
                print(text, flush=True)
    if "regret" in wanted:
        from . import regret

        unknown = set(arguments.markets or ()) - set(regret.MARKETS)
        if unknown:
            parser.error(
                f"--markets must be of {', '.join(regret.MARKETS)}, got {', '.join(sorted(unknown))}"
            )
        for text in regret.run(arguments.markets or tuple(regret.MARKETS)):
            print(text, flush=True)


if __name__ == "__main__":
    main()
