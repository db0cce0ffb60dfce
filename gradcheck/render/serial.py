"""A report as JSON, which `reading` reads back.

Owns the format, which carries its own version; `report.schema.json` describes it. Numbers that JSON
has no word for (NaN, infinity) are written as strings; masks as the flat indices of their wrong
entries; complex numbers as their two parts.
Part of `render`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from ..records import LeafReport, Plan, Report
from .reading import FORMAT, RUN_FORMAT


def report_to_json(report: Report) -> str:
    """Write a report as JSON text."""
    return json.dumps(report_to_dict(report), indent=2, allow_nan=False)


def run_to_json(reports: Sequence[Report]) -> str:
    """Write the reports of one run, such as those of `gradcheck verify`, as JSON text."""
    run = {"format": RUN_FORMAT, "reports": [report_to_dict(report) for report in reports]}
    return json.dumps(run, indent=2, allow_nan=False)


def report_schema() -> dict[str, Any]:
    """Return the JSON Schema of what is written: a report, or a run of several."""
    from importlib.resources import files  # loads what opens archives

    schema = files(__package__).joinpath("report.schema.json").read_text(encoding="utf-8")
    return dict(json.loads(schema))


def report_to_dict(report: Report) -> dict[str, Any]:
    """Write a report in the types that JSON has."""
    return {
        "format": FORMAT,
        "name": report.name,
        "verdict": str(report.verdict),
        "evaluations": report.evaluations,
        "seconds": report.seconds,
        "plan": _plan_to_dict(report.plan),
        "leaves": [_leaf_to_dict(leaf) for leaf in report.leaves.values()],
        "findings": [_plain_fields(_shallow(finding)) for finding in report.findings],
        "laws": [_plain_fields(_shallow(law)) for law in report.laws.values()],
    }


def _shallow(record: Any) -> dict[str, Any]:  # noqa: ANN401 - any of the records
    return {field.name: getattr(record, field.name) for field in fields(record)}


def _plan_to_dict(plan: Plan) -> dict[str, Any]:
    return _plain_fields({**_shallow(plan), "budget": _shallow(plan.limits)})


def _leaf_to_dict(leaf: LeafReport) -> dict[str, Any]:
    plain = _shallow(leaf)
    plain["wrong"] = None if leaf.wrong is None else np.flatnonzero(leaf.wrong).tolist()
    return _plain_fields(plain)


def _plain_fields(values: Mapping[str, Any]) -> dict[str, Any]:
    return {str(key): to_plain(item) for key, item in values.items()}


def to_plain(value: Any) -> Any:  # noqa: ANN401 - JSON values of any kind
    """Turn a value into one that JSON can hold exactly."""
    if isinstance(value, Mapping):
        return _plain_fields(value)
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        number = float(value)
        return number if math.isfinite(number) else str(number)
    if isinstance(value, (complex, np.complexfloating)):
        return [to_plain(value.real), to_plain(value.imag)]
    if is_dataclass(value):
        return _plain_fields(_shallow(value))
    return None if value is None else str(value)
