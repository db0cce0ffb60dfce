"""How a report is shown: as text (`text`), on a terminal (`terminal`), as a page (`html`).

Also as JSON (`serial`, read by `reading`), and in pictures (`pictures` of a report, `curves` of a
survey). Presents records and computes nothing. At the edge: a report knows these functions only by
the names under which they are entered here; what needs another package is imported when asked for.
"""

from os import PathLike
from typing import Any

from ..records import PRESENTERS, Report
from .text import render_report, summarise


def _to_json(report: Report) -> str:
    from .serial import report_to_json

    return report_to_json(report)


def _from_json(text: str) -> Report:
    from .reading import report_from_json

    return report_from_json(text)


def _write_html(report: Report, path: str | PathLike[str]) -> None:
    from .html import write_page

    write_page([report], path)


def _fragment(report: Report) -> str | None:
    """Show a report in a notebook; None, which means its text, where pages cannot be made."""
    try:
        from .html import fragment

        return fragment(report)
    except ImportError:
        return None


def _plot(report: Report, path: str | None) -> Any:  # noqa: ANN401 - see pictures.Picture
    from .pictures import plot

    return plot(report, path)


def _renderable(report: Report) -> Any:  # noqa: ANN401 - what rich prints
    from .terminal import renderable

    return renderable(report)


PRESENTERS.update(
    {
        "text": render_report,
        "line": summarise,
        "json": _to_json,
        "from json": _from_json,
        "write html": _write_html,
        "fragment": _fragment,
        "plot": _plot,
        "rich": _renderable,
    }
)
