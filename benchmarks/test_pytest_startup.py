"""The pytest plugin costs nothing where no test asks for it.

What is measured: `pytest --collect-only` of an empty project with the plugin and without, in
turn in one fresh process, less the import of the plugin, which is measured apart; in time of the
processor.
Run it with `pytest benchmarks/test_pytest_startup.py -s -o addopts=--import-mode=importlib`.
"""

import json
import os
import statistics
import subprocess
import sys

import pytest

ROUNDS = 30
MOST = 5e-3  # seconds, promised: beyond the plugin's own import
MOST_IMPORT = 5e-3  # seconds: pytest and the standard library are loaded already
MEASURE = """
import contextlib, io, json, sys, time
import pytest

def collect(*plugins):
    started = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):
        code = pytest.main(["--collect-only", "-p", "no:cacheprovider"], plugins=plugins)
    assert code == pytest.ExitCode.NO_TESTS_COLLECTED
    return time.process_time() - started

without = [collect()]
started = time.process_time()
import _gradcheck_pytest
own = time.process_time() - started
with_it = [collect(_gradcheck_pytest)]
for _ in range(int(sys.argv[1])):
    without.append(collect())
    with_it.append(collect(_gradcheck_pytest))
loaded = [name for name in ("numpy", "gradcheck", "optree") if name in sys.modules]
print(json.dumps({"own": own, "without": without[1:], "with": with_it[1:], "loaded": loaded}))
"""


ALONE = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
ALONE.pop("PYTHONDONTWRITEBYTECODE", None)  # installed code is compiled


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Measure in a process that loads no plugin by itself, the second time with compiled code."""
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", MEASURE, str(ROUNDS)],
            cwd=tmp_path_factory.mktemp("empty"),
            env=ALONE,
            capture_output=True,
            text=True,
            check=True,
        )
    return json.loads(done.stdout)


def test_plugin_adds_less_than_5_ms_to_an_empty_run(measured):
    """The shortest time against the shortest, beyond its own import."""
    added = min(measured["with"]) - min(measured["without"])
    middle = statistics.median(measured["with"]) - statistics.median(measured["without"])
    shown = f"{1e3 * added:.2f} ms more than {1e3 * min(measured['without']):.0f} ms"
    print(f"an empty run takes {shown} ({1e3 * middle:.2f} in the median)")  # noqa: T201 - for -s
    assert added < MOST


def test_plugin_imports_neither_numpy_nor_gradcheck(measured):
    """So its own import is short."""
    print(f"import of the plugin: {1e3 * measured['own']:.2f} ms")  # noqa: T201 - shown by -s
    assert measured["loaded"] == []
    assert measured["own"] < MOST_IMPORT


@pytest.mark.parametrize("plugin", [(), ("-p", "_gradcheck_pytest")], ids=["without", "with"])
def test_time(benchmark, tmp_path, plugin):
    """The times of whole processes, import included, as a table."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-p", "no:cacheprovider", *plugin]
    run = {"cwd": tmp_path, "env": ALONE, "capture_output": True, "check": False}
    benchmark.pedantic(subprocess.run, (command,), run, rounds=5, warmup_rounds=1)
