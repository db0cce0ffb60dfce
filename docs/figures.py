"""Draw the pictures of the documents: `python docs/figures.py`, or into another folder.

The same bytes at every run on one machine; nothing in them tells when or where.
"""

import math
import sys
from hashlib import blake2b
from pathlib import Path

import matplotlib
import numpy as np

from gradcheck.render.curves import draw_line, draw_noise, draw_steps
from gradcheck.survey import survey

FOLDER = Path(__file__).parent / "explanation" / "figures"
STYLE = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "gradcheck",
    "font.family": ["DejaVu Sans", "sans-serif"],
    "font.size": 10.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def hashed(x):
    """Return a number in [-1, 1] that depends on every bit of x and on nothing else."""
    digest = blake2b(np.float64(x).tobytes(), digest_size=8).digest()
    return int.from_bytes(digest, "little") / 2**63 - 1


def noisy(x):
    """Evaluate a sine with noise of 1e-8."""
    return math.sin(x) + 1e-8 * hashed(x)


def leaky(x):
    """Evaluate a leaky ReLU with a parabola beneath."""
    return x**2 + (2.0 * x if x > 0 else -0.5 * x)


def kinked_far_out(x):
    """Evaluate a sine on a million, which costs six digits, with a kink at 1.01."""
    return 1e6 + math.sin(x) + 50.0 * max(x - 1.01, 0.0)


def rounded(x):
    """Evaluate x rounded to sixteenths."""
    return round(x * 16) / 16


def in_single(x):
    """Evaluate a sine in float32."""
    return float(np.sin(np.float32(x)))


FIGURES = {
    "v-curve": lambda: draw_steps(survey(math.sin, 1.0), truth=math.cos(1.0)).figure,
    "single": lambda: draw_steps(survey(in_single, 1.0), truth=math.cos(1.0)).figure,
    "moving": lambda: draw_steps(survey(kinked_far_out, 1.0), truth=math.cos(1.0)).figure,
    "wave": lambda: (
        draw_steps(survey(lambda x: math.sin(3e5 * x), 1.0), truth=3e5 * math.cos(3e5)).figure
    ),
    "kink": lambda: draw_line(survey(leaky, 0.0)).figure,
    "noise": lambda: draw_noise(survey(noisy, 1.0)).figure,
    "steps": lambda: draw_line(survey(rounded, 1.01)).figure,
}


def write(folder, names=tuple(FIGURES)):
    """Write the pictures, or some of them, into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context(STYLE):
        for name in names:
            FIGURES[name]().savefig(
                folder / f"{name}.svg", metadata={"Date": None, "Creator": None}
            )


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
