"""Tests of docs/integrators.md: runs its shell blocks from top to bottom in one shell, and its Python from the files that it names."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.e2e.conftest import Deployment
from tests.e2e.stack import until

pytestmark = [pytest.mark.e2e, pytest.mark.media, pytest.mark.db, pytest.mark.broker]

PAGE = Path(__file__).parents[2] / "docs/integrators.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[str]:
    return [text for kind, text in BLOCK.findall(PAGE.read_text()) if kind == language]


async def test_everything_on_the_page_works(deployment: Deployment, tmp_path: Path) -> None:
    await until(deployment.online, "the camera is online")
    told = {
        "https://video.cidade.example": deployment.stack.address,
        "admin@cidade.example": deployment.stack.email,
        "the administrator's password": deployment.stack.password,
    }
    script = "\n".join(blocks("sh"))
    for example, real in told.items():
        assert example in script
        script = script.replace(example, real)
    shutil.copy(deployment.stack.authority, tmp_path / "ca.crt")
    for text in blocks("python"):
        name = re.match(r"# (\w+\.py)\n", text)
        assert name, f"the first line names the file: {text[:40]}"
        (tmp_path / name[1]).write_text(text)
    mine = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    command = ["bash", "-euo", "pipefail", "-c", script]
    done = await asyncio.to_thread(
        subprocess.run, command, cwd=tmp_path, env=mine, capture_output=True, text=True, check=False, timeout=1_200
    )
    assert done.returncode == 0, done.stderr
    assert deployment.camera_id in (tmp_path / "cameras.txt").read_text()
    assert "#EXTM3U" in done.stdout
    assert (tmp_path / "picture.jpg").read_bytes().startswith(b"\xff\xd8")
    assert "x-captured-at: " in (tmp_path / "picture.txt").read_text().lower()
    assert json.loads((tmp_path / "alerts.json").read_text())["openapi"]
    assert "Integrador Exemplo" in done.stdout
