"""Reports as JSON: every kind goes through, keeps to the schema, and is read with suspicion."""

import copy
import json
from enum import StrEnum

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gradcheck import Cause, Report, UsageError, Verdict
from gradcheck.records import Mode
from gradcheck.render.reading import report_from_json, reports_from_json, run_from_json
from gradcheck.render.serial import report_schema, run_to_json

from .reports import KINDS, hostile, large, leaf, real, report

VALIDATOR = jsonschema.Draft202012Validator(report_schema())
MADE = {kind: (lambda kind=kind: real(kind)) for kind in KINDS} | {
    "hostile": hostile,
    "large": large,
    "nothing": report,
}


@pytest.mark.parametrize("kind", MADE)
def test_report_keeps_to_the_schema_and_comes_back_the_same(kind):
    """Real ones of every verdict, and made-up ones."""
    text = MADE[kind]().to_json()
    VALIDATOR.validate(json.loads(text))
    again = Report.from_json(text)
    assert again.to_json() == text
    assert str(again) == str(MADE[kind]())


def test_run_keeps_to_the_schema():
    """And a single report is read as a run of one."""
    text = run_to_json([real("row"), real("laws")])
    VALIDATOR.validate(json.loads(text))
    assert [r.name for r in reports_from_json(text)] == [real("row").name, real("laws").name]
    assert [r.name for r in reports_from_json(real("row").to_json())] == ["planted row"]


@pytest.mark.parametrize(
    ("name", "words"), [("verdict", Verdict), ("cause", Cause)], ids=["verdict", "cause"]
)
def test_schema_knows_every_word(name: str, words: type[StrEnum]):
    """A new cause is added there too."""
    assert report_schema()["$defs"][name]["enum"] == list(words)
    assert report_schema()["$defs"]["plan"]["properties"]["mode"]["enum"] == list(Mode)


def test_schema_refuses_what_is_no_report():
    """The wrong twin."""
    for wrong in ({}, [], {"format": "gradcheck-run/1"}, {**plain(), "verdict": "maybe"}):
        assert not VALIDATOR.is_valid(wrong)


# --- damaged ones -----------------------------------------------------------------------------


def plain():
    """Return the types of JSON that a report is written in."""
    return json.loads(real("row").to_json())


def damaged(**changes):
    """Make JSON text of a report with some fields replaced."""
    return json.dumps({**plain(), **changes})


def damaged_leaf(**changes):
    """Likewise, of its first leaf."""
    return damaged(leaves=[{**plain()["leaves"][0], **changes}])


def damaged_errors(**changes):
    """Likewise, of its map."""
    return damaged_leaf(errors={**plain()["leaves"][0]["errors"], **changes})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "this is not JSON", id="empty"),
        pytest.param("[" * 100_000, "this is not JSON", id="deeply-nested"),
        pytest.param("[" * 99 + "]" * 99, "nested more than 40 levels", id="nested"),
        pytest.param("[1]", "found a list of 1", id="list"),
        pytest.param("{}", "found None", id="no-format"),
        pytest.param('{"a": 1, "a": 2}', "the key 'a' stands twice", id="duplicate-key"),
        pytest.param(damaged(seconds=float("nan")), "NaN is no number of JSON", id="nan"),
        pytest.param("9" * 5000, "this is not JSON", id="huge-number"),
        pytest.param(damaged(format="other/9"), "found 'other/9'", id="format"),
        pytest.param(damaged(format="gradcheck-report/2"), "found 'gradcheck-report/2'", id="old"),
        pytest.param(damaged(verdict="maybe"),
                     "verdict is 'maybe', but should be one of pass, fail, inconclusive",
                     id="verdict"),
        pytest.param(damaged(name=3), "name is 3, but should be text", id="name"),
        pytest.param(damaged(name="x" * 99, seconds="y" * 99),
                     r"seconds is 'y{59}\.\.\., but should be a number", id="long"),
        pytest.param(damaged(leaves=None), "leaves is None, but should be a list", id="leaves"),
        pytest.param(damaged(leaves=[{}]), r"leaves\[0\] has no 'shape'", id="leaf-without-fields"),
        pytest.param(damaged(leaves=[3]), r"leaves\[0\] is 3, but should be an object", id="leaf"),
        pytest.param(damaged(leaves=plain()["leaves"][:1] * 2), "leaves has .* twice", id="twice"),
        pytest.param(damaged(plan={}), "plan has no 'budget'", id="plan"),
        pytest.param(damaged(plan={**plain()["plan"], "rtol": 2}), "plan: rtol=2", id="rtol"),
        pytest.param(damaged(seconds=[]), "seconds is a list of 0", id="seconds"),
        pytest.param(damaged(seconds=10**400), "that a float can hold", id="too-large"),
        pytest.param(damaged(evaluations=10**30), "at most", id="evaluations"),
        pytest.param(damaged(evaluations=True), "a whole number", id="bool"),
        pytest.param(damaged(findings=[{**plain()["findings"][0], "evidence": []}]),
                     "evidence is a list of 0, but should be an object", id="evidence"),
        pytest.param(damaged_leaf(wrong=[9999]), "entries outside", id="mask-outside"),
        pytest.param(damaged_leaf(shape=[10**12]), "entries outside", id="mask-too-large"),
        pytest.param(damaged_leaf(shape=[1.5]), "a whole number", id="shape"),
        pytest.param(damaged_leaf(shape=[2] * 99), "the shape of an array", id="axes"),
        pytest.param(damaged_leaf(complete=1), "true or false", id="flag"),
        pytest.param(damaged_leaf(line={**plain()["leaves"][0]["line"], "steps": [1.0]}),
                     "1 steps and 16 rises", id="steps"),
        pytest.param(damaged_errors(grid=[3, 9]), "a grid that is none of", id="grid"),
        pytest.param(damaged_errors(block=[0, 1]), "a grid that is none of", id="block"),
        pytest.param(damaged_errors(cells=[10**9] * 9), "cells outside", id="cells"),
        pytest.param(damaged_errors(errors=[1.0]), "one error each", id="errors"),
        pytest.param(
            damaged_errors(worst=[{**plain()["leaves"][0]["errors"]["worst"][0], "bar": []}]),
            r"leaves\[0\]\.errors\.worst\[0\]\.bar is a list of 0", id="entry"),
        pytest.param(
            damaged_errors(worst=[{**plain()["leaves"][0]["errors"]["worst"][0], "numeric": [1]}]),
            "the two parts of a complex", id="complex"),
    ],
)  # fmt: skip
def test_damaged_report_is_refused_in_one_sentence(text, message):
    """What is there, and what should be."""
    with pytest.raises(UsageError, match=message):
        Report.from_json(text)


@pytest.mark.parametrize(
    ("run", "message"),
    [
        pytest.param({}, "has no 'reports'", id="none"),
        pytest.param({"reports": {}}, "reports is an object, but should be a list", id="object"),
        pytest.param({"reports": [{"format": "x/1"}]}, r"\[0\].format is 'x/1'", id="format"),
        pytest.param({"reports": [3]}, r"reports\[0\] is 3", id="number"),
    ],
)  # fmt: skip
def test_damaged_run_is_refused_in_one_sentence(run, message):
    """Likewise."""
    with pytest.raises(UsageError, match=message):
        run_from_json(json.dumps({"format": "gradcheck-run/1", **run}))


def test_masks_are_believed_up_to_a_size_all_together():
    """Many small lies are one large one."""
    half = {**plain()["leaves"][1], "shape": [600_000_000], "wrong": [], "errors": None}
    with pytest.raises(UsageError, match="masks of more than 1000000000 entries"):
        report_from_json(damaged(leaves=[{**half, "path": name} for name in "ab"]))


# --- fuzzed ------------------------------------------------------------------------------------

NUMBERS = st.one_of(
    st.integers(), st.floats(), st.sampled_from([10**400, -1, 1e308, 2**63, "nan", "inf", True])
)
JSON = st.recursive(
    st.one_of(st.none(), NUMBERS, st.text(max_size=8)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=12,
)
OURS = [json.loads(real(kind).to_json()) for kind in ("row", "laws", "complex", "kink")]


def places(value, here=()):
    """List the ways to every value inside."""
    yield here
    if isinstance(value, (dict, list)):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*here, key))


WAYS = [(n, way) for n, ours in enumerate(OURS) for way in places(ours) if way]
HOW = ("replace", "delete", "swap", "repeat")


def mutated(n, way, how, value):
    """Change a report in one place."""
    changed = copy.deepcopy(OURS[n])
    *above, last = way
    outer = changed
    for key in above:
        outer = outer[key]
    if how == "delete":
        del outer[last]
    elif how == "repeat" and isinstance(outer, list):
        outer.append(outer[last])
    else:
        outer[last] = value
    return changed


def read(text):
    """Read text: a report, or the sentence that refuses it."""
    try:
        return report_from_json(text)
    except UsageError as error:
        return str(error)


def refused_or_sound(text):
    """Read text that is a report no more, or one that can be shown and written again."""
    found = read(text)
    if isinstance(found, str):
        assert "\n" not in found
    else:
        assert str(found)
        VALIDATOR.validate(json.loads(found.to_json()))


@settings(deadline=None)
@given(st.text(max_size=40) | JSON.map(json.dumps))
def test_any_text_is_refused(text):
    """Not only what was written by accident."""
    with pytest.raises(UsageError):
        reports_from_json(text)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.sampled_from(WAYS), st.sampled_from(HOW), JSON)
def test_mutated_report_is_refused_or_sound(place, how, value):
    """What is accepted keeps to the schema and can be shown."""
    refused_or_sound(json.dumps(mutated(*place, how, value)))


@settings(deadline=None)
@given(st.sampled_from(WAYS), st.sampled_from(WAYS))
def test_report_with_parts_exchanged_is_refused_or_sound(place, other):
    """Likewise, of values that stand elsewhere in a report."""
    value = OURS[other[0]]
    for key in other[1]:
        value = value[key]
    refused_or_sound(json.dumps(mutated(*place, "replace", value)))


@settings(deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 30), st.text(max_size=3))
def test_damaged_text_is_refused_or_sound(at, length, new):
    """Some characters cut out and others put in."""
    text = json.dumps(OURS[0])
    at %= len(text)
    refused_or_sound(text[:at] + new + text[at + length :])


def test_leaf_may_have_any_name():
    """Also one that no file can be written in."""
    odd = report(leaf("\ud800\x00 $\\frac{"))
    assert list(Report.from_json(odd.to_json()).leaves) == list(odd.leaves)
