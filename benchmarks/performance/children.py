"""Fresh interpreters, which import what this one does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def output_of(arguments: list[str]) -> str:
    """Run an interpreter; return what it prints. Raises CalledProcessError where it fails."""
    path = os.pathsep.join([*(folder for folder in sys.path if folder), str(ROOT)])
    env = {**os.environ, "PYTHONPATH": path, "PYTHONSAFEPATH": "1"}
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # installed code is compiled
    return subprocess.run(
        [sys.executable, *arguments],
        env=env,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
