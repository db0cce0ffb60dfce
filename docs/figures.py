"""Draw the figures of the documents: `python docs/figures.py` writes them where they are shown.

Each is drawn by the library itself from the function that its page talks about.
"""

from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from gradcheck.render.curves import draw_line, draw_steps

FOLDER = Path(__file__).parent / "explanation" / "figures"
TABLE = np.random.default_rng(0).standard_normal(4096)


def noisy(x):
    """Evaluate the sine with an error of about 1e-7 that depends on x and has no pattern."""
    return np.sin(x) + 1e-7 * TABLE[hash(float(x)) % 4096]


def bent(x):
    """Evaluate a function whose slope jumps from 0.2 to 1.2 at 0."""
    return np.sin(0.7 * x) - 0.5 * x + max(x, 0.0)


def beside(x):
    """Evaluate the sine with a kink at a distance of 1e-4."""
    return np.sin(x + 0.3) + 2 * max(0.0, x - 1e-4)


FIGURES = {
    "smooth": lambda ax: draw_steps(np.exp, 1.0, truth=float(np.e), ax=ax),
    "kink": lambda ax: draw_line(bent, 0.0, reach=0.8, ax=ax),
    "beside-a-kink": lambda ax: draw_steps(beside, 0.0, truth=float(np.cos(0.3)), ax=ax),
    "noise": lambda ax: draw_steps(noisy, 1.0, truth=float(np.cos(1.0)), ax=ax),
}


def draw(name):
    """Draw one figure."""
    figure = Figure(figsize=(6.4, 3.4), layout="constrained", facecolor="white")
    FIGURES[name](figure.add_subplot())
    return figure


def main():
    """Write all figures, the same bytes at every run."""
    matplotlib.rcParams.update({"svg.hashsalt": "gradcheck", "svg.fonttype": "none"})
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in FIGURES:
        draw(name).savefig(FOLDER / f"{name}.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
