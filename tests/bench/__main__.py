"""`python -m tests.bench [R3 R8 ...]`: measures, prints a table, writes build/bench.json, adds a section to docs/benchmarks.md.

The exit status is 1 where a figure misses its floor or could not be taken.
"""

from __future__ import annotations

import argparse
import signal
import sys

from tests.bench import runner


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started ends too
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measures the product, and the console in a browser.")
    which = f"which, of {' '.join(runner.modules())}, or W for all of the console; all where none is named"
    parser.add_argument("ids", nargs="*", metavar="ID", help=which)
    parser.add_argument("--rounds", type=int, default=7, help="rounds of each, 7 or more")
    parser.add_argument("--dry", action="store_true", help="leave docs/benchmarks.md alone")
    options = parser.parse_args()
    wanted = runner.chosen(options.ids)
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
        if result.left_out:
            print(f"{result.id} not taken: {result.left_out}", file=sys.stderr)
    named = [name.upper() for name in options.ids]
    command = "make bench" + ("" if not named else f" b={named[0]}" if len(named) == 1 else f' b="{" ".join(named)}"')
    runner.write_json(machine, results)
    if figures and not options.dry:
        runner.append_section(machine, command, results)
    return 0 if all(result.failure is None for result in results) and all(figure.holds for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
