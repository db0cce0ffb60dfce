"""Reads a report from JSON text that anybody may have written: every value is looked at.

Owns the sentences for what is wrong with it, which name the place and the value. No pickle, no
eval; nothing is believed about sizes or depths. The format is that of `serial`.
Part of `render`.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np

from ..records import (
    BoolArray,
    Budget,
    Cause,
    EntryTrace,
    ErrorMap,
    Finding,
    LawReport,
    LeafReport,
    LineTrace,
    Mode,
    Plan,
    Report,
    UsageError,
    Verdict,
    WindowTrace,
)
from ..traces import MOST_CELLS, layout

FORMAT = "gradcheck-report/3"
RUN_FORMAT = "gradcheck-run/1"
MOST_ENTRIES = 10**9  # of all masks of a report: more are not believed
MOST_AXES = 32  # those of NumPy 1
MOST_NESTED = 40  # ours are 8 deep; the evidence is what a check put into it
LONGEST_SHOWN = 60  # characters of a value in a message

Word = TypeVar("Word", bound=StrEnum)
Item = TypeVar("Item")


class _Damaged(Exception):
    """A value that no report of ours holds: where it is, and what it should be."""


@dataclass(frozen=True)
class _Value:
    """A value of the file, and where it stands."""

    plain: Any
    where: str = ""

    def damaged(self, expected: str) -> _Damaged:
        """Say what is there, and what should be."""
        return _Damaged(f"{self.where or 'it'} is {_shown(self.plain)}, but should be {expected}")

    def __getitem__(self, name: str) -> _Value:
        if not isinstance(self.plain, dict):
            raise self.damaged("an object")
        if name not in self.plain:
            raise _Damaged(f"{self.where or 'it'} has no {name!r}")
        return _Value(self.plain[name], f"{self.where}.{name}" if self.where else name)

    def each(self, read: Callable[[_Value], Item]) -> tuple[Item, ...]:
        """Read the items of a list."""
        if not isinstance(self.plain, list):
            raise self.damaged("a list")
        return tuple(read(_Value(item, f"{self.where}[{n}]")) for n, item in enumerate(self.plain))

    def or_none(self, read: Callable[[_Value], Item]) -> Item | None:
        """Read it unless it is null."""
        return None if self.plain is None else read(self)

    def text(self) -> str:
        """Read text."""
        if not isinstance(self.plain, str):
            raise self.damaged("text")
        return self.plain

    def flag(self) -> bool:
        """Read true or false."""
        if not isinstance(self.plain, bool):
            raise self.damaged("true or false")
        return self.plain

    def whole(self) -> int:
        """Read a whole number of at least 0."""
        if isinstance(self.plain, bool) or not isinstance(self.plain, int) or self.plain < 0:
            raise self.damaged("a whole number of at least 0")
        return self.plain

    def count(self) -> int:
        """Read a whole number that a machine can count to."""
        if self.whole() > sys.maxsize:
            raise self.damaged(f"at most {sys.maxsize}")
        return self.whole()

    def number(self) -> float:
        """Read a number; JSON has no word for those that are not finite."""
        if self.plain in ("nan", "inf", "-inf"):
            return float(self.plain)
        if isinstance(self.plain, bool) or not isinstance(self.plain, (int, float)):
            raise self.damaged("a number, 'nan', 'inf' or '-inf'")
        try:
            return float(self.plain)
        except OverflowError:
            raise self.damaged("a number that a float can hold") from None

    def complex_number(self) -> complex:
        """Read a number, or one of two parts."""
        if not isinstance(self.plain, list):
            return self.number()
        parts = self.each(_Value.number)
        if len(parts) != 2:
            raise self.damaged("a number, or the two parts of a complex one")
        return complex(*parts)

    def word(self, words: type[Word]) -> Word:
        """Read a member of an enumeration."""
        try:
            return words(self.text())
        except ValueError:
            raise self.damaged(f"one of {', '.join(words)}") from None

    def evidence(self) -> Mapping[str, Any]:
        """Read whatever JSON holds."""
        if not isinstance(self.plain, dict):
            raise self.damaged("an object")
        return MappingProxyType(self.plain)


def _shown(plain: object) -> str:
    text = repr(plain) if isinstance(plain, (str, int, float, type(None))) else _kind(plain)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


def _kind(plain: object) -> str:
    return f"a list of {len(plain)}" if isinstance(plain, list) else "an object"


# --- the file ---------------------------------------------------------------------------------


def report_from_json(text: str) -> Report:
    """Read a report; the inverse of `serial.report_to_json`.

    Raises
    ------
    UsageError
        If the text is not JSON, not a report, or one of another format.
    """
    return _undamaged(_read_object(text, FORMAT, "report.to_json()"), _report)


def run_from_json(text: str) -> tuple[Report, ...]:
    """Read the reports of a run.

    Raises
    ------
    UsageError
        If the text is not such a run.
    """
    run = _read_object(text, RUN_FORMAT, "gradcheck verify --json FILE")
    return _undamaged(run, lambda value: value["reports"].each(_report_of_run))


def reports_from_json(text: str) -> tuple[Report, ...]:
    """Read the reports of a run, or a single one.

    Raises
    ------
    UsageError
        If the text is neither.
    """
    plain = _parsed(text)
    single = isinstance(plain, dict) and plain.get("format") == FORMAT
    return (report_from_json(text),) if single else run_from_json(text)


def _undamaged(plain: dict[str, Any], read: Callable[[_Value], Item]) -> Item:
    try:
        return read(_Value(plain))
    except _Damaged as damage:
        raise UsageError(f"this report is damaged: {damage}.") from None


def _read_object(text: str, expected: str, writer: str) -> dict[str, Any]:
    """Read a JSON object of the expected format."""
    plain = _parsed(text)
    found = _shown(plain.get("format") if isinstance(plain, dict) else plain)
    if not isinstance(plain, dict) or plain.get("format") != expected:
        raise UsageError(f"this is not of format {expected!r} (found {found}), as {writer} writes.")
    return plain


def _parsed(text: str) -> Any:  # noqa: ANN401 - whatever the file holds
    """Read JSON as strictly as it is meant: each key once, no NaN, not endlessly deep."""
    try:
        plain = json.loads(text, object_pairs_hook=_once, parse_constant=_refused)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"this is not JSON: {error}.") from None
    level: list[Any] = [plain]
    for _ in range(MOST_NESTED):
        level = [inner for item in level for inner in _inside(item)]
        if not level:
            return plain
    raise UsageError(f"this is no report: it is nested more than {MOST_NESTED} levels deep.")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    if len(plain) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {_shown(twice)} stands twice in one object")
    return plain


def _refused(constant: str) -> float:
    raise ValueError(f"{constant} is no number of JSON")


def _inside(item: object) -> Iterable[Any]:
    if isinstance(item, dict):
        return item.values()
    return item if isinstance(item, list) else ()


# --- the records ------------------------------------------------------------------------------


def _report_of_run(value: _Value) -> Report:
    if value["format"].plain != FORMAT:
        raise value["format"].damaged(repr(FORMAT))
    return _report(value)


def _report(value: _Value) -> Report:
    leaves = value["leaves"].each(_leaf)
    laws = value["laws"].each(_law)
    if sum(leaf.wrong.size for leaf in leaves if leaf.wrong is not None) > MOST_ENTRIES:
        raise _Damaged(f"{value.where or 'it'} has masks of more than {MOST_ENTRIES} entries")
    return Report(
        name=value["name"].text(),
        verdict=value["verdict"].word(Verdict),
        leaves=_by_name(value["leaves"], ((leaf.path, leaf) for leaf in leaves)),
        findings=value["findings"].each(_finding),
        evaluations=value["evaluations"].count(),
        seconds=value["seconds"].number(),
        plan=_plan(value["plan"]),
        laws=_by_name(value["laws"], ((law.name, law) for law in laws)),
    )


def _by_name(value: _Value, named: Iterable[tuple[str, Item]]) -> Mapping[str, Item]:
    found: dict[str, Item] = {}
    for name, item in named:
        if name in found:
            raise _Damaged(f"{value.where} has {_shown(name)} twice")
        found[name] = item
    return MappingProxyType(found)


def _plan(value: _Value) -> Plan:
    limits = value["budget"]
    try:
        budget = Budget(
            limits["evaluations"].or_none(_Value.whole), limits["seconds"].or_none(_Value.number)
        )
        return Plan(
            mode=value["mode"].word(Mode),
            count=value["count"].or_none(_Value.whole),
            rtol=value["rtol"].number(),
            seed=value["seed"].or_none(_Value.whole),
            budget=None if budget == Budget() else budget,
            naming=value["naming"].whole(),
            canary=value["canary"].flag(),
        )
    except UsageError as error:
        raise _Damaged(f"{value.where}: {str(error).rstrip('.')}") from None


def _leaf(value: _Value) -> LeafReport:
    shape = _shape(value["shape"])
    numbers = ("analytic", "numeric", "error_bar", "scale", "certified", "miss")
    return LeafReport(
        path=value["path"].text(),
        shape=shape,
        dtype=value["dtype"].text(),
        verdict=value["verdict"].word(Verdict),
        cause=value["cause"].or_none(lambda cause: cause.word(Cause)),
        reason=value["reason"].text(),
        wrong=value["wrong"].or_none(lambda wrong: _mask(shape, wrong)),
        complete=value["complete"].flag(),
        probes=value["probes"].count(),
        whole=value["whole"].number() if "whole" in value.plain else math.nan,
        canary=value["canary"].or_none(_Value.flag),
        line=value["line"].or_none(_line),
        errors=value["errors"].or_none(lambda errors: _errors(shape, errors)),
        **{name: value[name].number() for name in numbers},
    )


def _shape(value: _Value) -> tuple[int, ...]:
    shape = value.each(_Value.count)
    if len(shape) > MOST_AXES or math.prod(shape) > sys.maxsize:
        raise value.damaged("the shape of an array")
    return shape


def _mask(shape: tuple[int, ...], value: _Value) -> BoolArray:
    size, wrong = math.prod(shape), value.each(_Value.count)
    if size > MOST_ENTRIES or any(k >= size for k in wrong):
        raise _Damaged(f"{value.where} is a mask of shape {shape} with entries outside of it")
    mask = np.zeros(size, dtype=bool)
    mask[list(wrong)] = True
    return mask.reshape(shape)


def _line(value: _Value) -> LineTrace:
    steps, rises = (value[name].each(_Value.number) for name in ("steps", "rises"))
    if len(steps) != len(rises):
        raise _Damaged(f"{value.where} has {len(steps)} steps and {len(rises)} rises")
    return LineTrace(steps, rises, value["floor"].number(), value["windows"].each(_window))


def _window(value: _Value) -> WindowTrace:
    names = ("smallest", "largest", "value", "truncation", "rounding", "noise")
    numbers: dict[str, Any] = {name: value[name].number() for name in names}
    flags: dict[str, Any] = {name: value[name].flag() for name in ("believed", "chosen")}
    return WindowTrace(**numbers, **flags)


def _errors(shape: tuple[int, ...], value: _Value) -> ErrorMap:
    grid, block = (value[name].each(_Value.count) for name in ("grid", "block"))
    cells, errors = value["cells"].each(_Value.count), value["errors"].each(_Value.number)
    if not _fits(shape, grid, block):
        raise _Damaged(f"{value.where} has a grid that is none of a leaf of shape {shape}")
    if len(cells) != len(errors) or any(cell >= math.prod(grid) for cell in cells):
        raise _Damaged(f"{value.where} has cells outside of its grid, or not one error each")
    return ErrorMap(
        grid=(grid[0], grid[1]),
        block=(block[0], block[1]),
        cells=cells,
        errors=errors,
        measured=value["measured"].count(),
        worst=value["worst"].each(_entry),
    )


def _fits(shape: tuple[int, ...], grid: tuple[int, ...], block: tuple[int, ...]) -> bool:
    """Whether the blocks of a grid cover a leaf, with none left over."""
    if not len(grid) == len(block) == 2 or min(block) < 1 or max(grid) > MOST_CELLS:
        return False
    return grid == tuple(-(-n // by) for n, by in zip(layout(shape), block, strict=True))


def _entry(value: _Value) -> EntryTrace:
    return EntryTrace(
        index=value["index"].each(_Value.count),
        analytic=value["analytic"].complex_number(),
        numeric=value["numeric"].complex_number(),
        bar=value["bar"].number(),
        wrong=value["wrong"].flag(),
    )


def _finding(value: _Value) -> Finding:
    return Finding(
        cause=value["cause"].word(Cause),
        message=value["message"].text(),
        leaf=value["leaf"].or_none(_Value.text),
        evidence=value["evidence"].evidence(),
    )


def _law(value: _Value) -> LawReport:
    return LawReport(
        name=value["name"].text(),
        statement=value["statement"].text(),
        source=value["source"].text(),
        verdict=value["verdict"].or_none(lambda verdict: verdict.word(Verdict)),
        message=value["message"].text(),
        evidence=value["evidence"].evidence(),
    )
