"""How a report is shown: as text (`text`), as JSON (`serial`), on a terminal (`terminal`).

Presents records and computes nothing. At the edge: a report knows these functions only by the names
under which they are entered here.
"""

from ..records import PRESENTERS
from .serial import report_from_json, report_to_json
from .text import render_report, summarise

PRESENTERS.update(
    {
        "text": render_report,
        "line": summarise,
        "json": report_to_json,
        "from json": report_from_json,
    }
)
