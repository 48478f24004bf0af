import runpy
from pathlib import Path

from chassis.migrations import run_env

run_env(runpy.run_path(str(Path(__file__).parents[1] / "tables.py"))["metadata"], "sample")
