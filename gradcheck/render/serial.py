"""A report as JSON and back, without pickle.

Owns the format, which carries its own version. Numbers that JSON has no word for (NaN, infinity)
are written as strings; masks as the flat indices of their wrong entries.
Part of `render`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from types import MappingProxyType
from typing import Any

import numpy as np

from ..records import (
    BoolArray,
    Budget,
    Cause,
    Finding,
    LawReport,
    LeafReport,
    Mode,
    Plan,
    Report,
    UsageError,
    Verdict,
)

FORMAT = "gradcheck-report/1"
RUN_FORMAT = "gradcheck-run/1"
MOST_ENTRIES = 10**9  # a mask larger than this is not believed


def report_to_json(report: Report) -> str:
    """Write a report as JSON text."""
    return json.dumps(report_to_dict(report), indent=2, allow_nan=False)


def run_to_json(reports: Sequence[Report]) -> str:
    """Write the reports of one run, such as those of `gradcheck verify`, as JSON text."""
    run = {"format": RUN_FORMAT, "reports": [report_to_dict(report) for report in reports]}
    return json.dumps(run, indent=2, allow_nan=False)


def run_from_json(text: str) -> tuple[Report, ...]:
    """Read the reports of a run.

    Raises
    ------
    UsageError
        If the text is not such a run.
    """
    run = _read_object(text, RUN_FORMAT, "gradcheck verify --json FILE")
    reports = run.get("reports")
    if not isinstance(reports, list):
        raise UsageError("this run is damaged: it has no list of reports.")
    return tuple(_read_report(report) for report in reports)


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
    return {str(key): _plain(item) for key, item in values.items()}


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON values of any kind
    """Turn a value into one that JSON can hold exactly."""
    if isinstance(value, Mapping):
        return _plain_fields(value)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        number = float(value)
        return number if math.isfinite(number) else str(number)
    return None if value is None else str(value)


def report_from_json(text: str) -> Report:
    """Read a report; the inverse of `report_to_json`.

    Raises
    ------
    UsageError
        If the text is not JSON, not a report, or one of another format.
    """
    return _read_report(_read_object(text, FORMAT, "report.to_json()"))


def _read_object(text: str, expected: str, writer: str) -> dict[str, Any]:
    """Read a JSON object of the expected format."""
    try:
        plain = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"this is not JSON: {error}.") from None
    found = plain.get("format") if isinstance(plain, dict) else type(plain).__name__
    if not isinstance(plain, dict) or found != expected:
        raise UsageError(
            f"this is not of format {expected!r} (found {found!r}), as {writer} writes."
        )
    return plain


def _read_report(plain: Any) -> Report:  # noqa: ANN401 - whatever the file holds
    try:
        return _report_from_dict(plain)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise UsageError(f"this report is damaged: {type(error).__name__} {error}.") from None


def _report_from_dict(plain: dict[str, Any]) -> Report:
    leaves = [_leaf_from_dict(leaf) for leaf in plain["leaves"]]
    laws = [_law_from_dict(law) for law in plain["laws"]]
    return Report(
        name=_text(plain["name"]),
        verdict=Verdict(plain["verdict"]),
        leaves=MappingProxyType({leaf.path: leaf for leaf in leaves}),
        findings=tuple(_finding_from_dict(finding) for finding in plain["findings"]),
        evaluations=int(plain["evaluations"]),
        seconds=float(plain["seconds"]),
        plan=_plan_from_dict(plain["plan"]),
        laws=MappingProxyType({law.name: law for law in laws}),
    )


def _plan_from_dict(plain: dict[str, Any]) -> Plan:
    budget = Budget(**plain["budget"])
    return Plan(
        mode=Mode(plain["mode"]),
        count=plain["count"],
        rtol=float(plain["rtol"]),
        seed=plain["seed"],
        budget=None if budget == Budget() else budget,
    )


def _leaf_from_dict(plain: dict[str, Any]) -> LeafReport:
    shape = tuple(int(n) for n in plain["shape"])
    numbers = ("analytic", "numeric", "error_bar", "scale", "certified", "miss")
    return LeafReport(
        path=_text(plain["path"]),
        shape=shape,
        dtype=_text(plain["dtype"]),
        verdict=Verdict(plain["verdict"]),
        cause=None if plain["cause"] is None else Cause(plain["cause"]),
        reason=_text(plain["reason"]),
        wrong=None if plain["wrong"] is None else _mask(shape, plain["wrong"]),
        probes=int(plain["probes"]),
        **{name: float(plain[name]) for name in numbers},
    )


def _mask(shape: tuple[int, ...], wrong: list[int]) -> BoolArray:
    size = math.prod(shape)
    if not (0 <= size <= MOST_ENTRIES and all(0 <= k < size for k in wrong)):
        raise ValueError(f"a mask of shape {shape} with entries outside of it")
    mask = np.zeros(size, dtype=bool)
    mask[wrong] = True
    return mask.reshape(shape)


def _finding_from_dict(plain: dict[str, Any]) -> Finding:
    leaf = plain["leaf"]
    return Finding(
        cause=Cause(plain["cause"]),
        message=_text(plain["message"]),
        leaf=None if leaf is None else _text(leaf),
        evidence=MappingProxyType(dict(plain["evidence"])),
    )


def _law_from_dict(plain: dict[str, Any]) -> LawReport:
    verdict = plain["verdict"]
    return LawReport(
        name=_text(plain["name"]),
        statement=_text(plain["statement"]),
        source=_text(plain["source"]),
        verdict=None if verdict is None else Verdict(verdict),
        message=_text(plain["message"]),
        evidence=MappingProxyType(dict(plain["evidence"])),
    )


def _text(value: Any) -> str:  # noqa: ANN401 - whatever the file holds
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return value
