"""`python -m tests.bench [R3 R8 ...]`: measures, prints a table, writes build/bench.json, adds a section to docs/benchmarks.md.

The exit status is 1 where a figure misses its floor or could not be taken.
"""

from __future__ import annotations

import argparse
import sys

from tests.bench import runner


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Ratios against baselines measured in the same run.")
    parser.add_argument("ids", nargs="*", metavar="ID", help=f"which, of {' '.join(runner.modules())}; all where none is named")
    parser.add_argument("--rounds", type=int, default=7, help="rounds of each, 7 or more")
    parser.add_argument("--dry", action="store_true", help="leave docs/benchmarks.md alone")
    options = parser.parse_args()
    wanted = [name.upper() for name in options.ids] or list(runner.modules())
    if unknown := sorted(set(wanted) - set(runner.modules())):
        parser.error(f"there is no {', '.join(unknown)}; there are {', '.join(runner.modules())}")
    machine = runner.Machine.here()
    results = []
    for name in wanted:
        print(f"{name} …", file=sys.stderr, flush=True)
        results.append(runner.take(name, runner.modules()[name], max(options.rounds, 7)))
    figures = [figure for result in results for figure in result.figures]
    print(runner.table(figures))
    for result in results:
        if result.failure:
            print(f"{result.id} could not be measured: {result.failure}", file=sys.stderr)
    some = "" if wanted == list(runner.modules()) else f" b={wanted[0]}" if len(wanted) == 1 else f' b="{" ".join(wanted)}"'
    command = "make bench" + some
    runner.write_json(machine, results)
    if figures and not options.dry:
        runner.append_section(machine, command, results)
    return 0 if all(result.failure is None for result in results) and all(figure.holds for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
