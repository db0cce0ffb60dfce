"""Figures without a display, and as SVG for a page: their ink follows its light or dark.

Owns nothing that is drawn. Part of `render`; the one file that imports matplotlib, and only when
something is drawn.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes as Axes
    from matplotlib.figure import Figure as Figure

INK = "#010203"  # of text and axes; no line has it, so that it can be found in the file
STYLE: dict[Any, Any] = {
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "axes.labelpad": 1.5,
    "font.size": 8.0,
    "svg.fonttype": "none",  # letters stay letters: smaller, and they can be selected
    "svg.hashsalt": "gradcheck",  # the same names of parts for the same picture
}
PANEL_STYLE: dict[Any, Any] = {  # larger pictures, which are part of a page
    **STYLE,
    "axes.facecolor": "none",
    "axes.labelpad": 4.0,
    "axes.linewidth": 0.8,
    "font.size": 10.0,
    "savefig.dpi": 100,
    "xtick.minor.visible": False,
}
# An SVG in an `img` cannot see the page's colours, but it sees what the reader prefers.
FOLLOW = (
    "<style>svg{color:#24292f}text{font-family:system-ui,sans-serif!important}"
    "@media(prefers-color-scheme:dark){svg{color:#d0d7de}}</style>"
)


def make_figure(
    width: float,
    height: float,
    *,
    facecolor: str = "none",
    layout: Literal["constrained"] | None = None,
) -> Figure:
    """Make a figure of its own: no display, no state that is shared with the caller's pictures.

    Parameters
    ----------
    width, height : float
        In inches.
    facecolor : str
        Of the paper; "none" leaves that to what it lies on.
    layout : str, optional
        "constrained" makes room for everything; otherwise axes fill fixed margins.

    Raises
    ------
    ImportError
        Where matplotlib is missing; the message says how to install it.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as missing:
        raise ImportError(
            "pictures need matplotlib; install it with: pip install 'gradcheck[report]'"
        ) from missing
    return Figure(figsize=(width, height), facecolor=facecolor, layout=layout)


def make_small(width: float, height: float) -> tuple[Figure, Axes]:
    """Make a small picture for a page: one pair of axes without paper, in the page's ink."""
    figure = make_figure(width, height)  # first, for its sentence where matplotlib is missing
    import matplotlib

    with matplotlib.rc_context(STYLE):
        ax = figure.subplots()
    ax.set_facecolor("none")
    ax.tick_params(width=0.6, length=2.5, pad=2)
    figure.subplots_adjust(left=0.22, right=0.95, bottom=0.21, top=0.97)
    return figure, ax


def as_data_uri(figure: Figure) -> str:
    """Write the picture as an SVG that an `img` element holds without any file."""
    import matplotlib

    file = io.StringIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(file, format="svg", metadata={"Date": None})
    svg = file.getvalue().replace(INK, "currentColor")
    head, end, body = svg[svg.index("<svg") :].partition(">")
    content = f"{head}{end}{FOLLOW}{body}".encode()
    return f"data:image/svg+xml;base64,{base64.b64encode(content).decode('ascii')}"


def draw_panels(figure: Figure, draws: Sequence[Callable[[Axes], None]]) -> None:
    """Draw side by side, in our own style, whatever the caller's is."""
    import matplotlib
    import numpy as np

    with matplotlib.rc_context(PANEL_STYLE), np.errstate(all="ignore"):
        for n, draw in enumerate(draws):
            draw(figure.add_subplot(1, len(draws), n + 1))


def as_element(
    figure: Figure, prefix: str = "", colours: Mapping[str, str] | None = None, paper: str = "none"
) -> str:
    """Write the picture as an element of a page, which gives it the page's colours.

    Parameters
    ----------
    figure : Figure
        The picture.
    prefix : str
        Put before every id, because ids are of a page, not of a picture.
    colours : mapping of str to str, optional
        By colour, what the page calls it: each becomes a variable of that name.
    paper : str
        The background.
    """
    import matplotlib

    file = io.StringIO()
    with matplotlib.rc_context(PANEL_STYLE):
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(file, format="svg", metadata=nothing, facecolor=paper)
    svg = file.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", svg, flags=re.S)
    svg = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{prefix}", svg)
    svg = re.sub(r"font: (\S+) [^;\"]*", r"font-size: \1", svg)  # the font is the page's
    for colour, name in (colours or {}).items():
        svg = re.sub(colour, f"var(--{name}, {colour})", svg, flags=re.I)
    return re.sub(r"\n\s*", "\n", svg)
