"""The file: SQLite, written ahead, so that it can be read after a kill at any moment.

What one run writes, only later ones are answered from: a function that is called twice in one run
is called twice. Values are bits, never code.
Part of `journal`.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from .. import __version__
from ..execution import Origin, Output
from ..execution.coding import decode, encode
from ..records import Cause, Finding, Plan, Problem, PyTree, UsageError
from ..space import Space
from .identity import answers_of, digest_of, identity_of, refuse

FORMAT = "gradcheck journal 1"
EVERY = 0.1  # seconds between commits: what a kill may lose, and is measured again
TABLES = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS calls (name TEXT PRIMARY KEY, run INTEGER, value BLOB);
CREATE TABLE IF NOT EXISTS lines (name TEXT PRIMARY KEY, value BLOB);
"""


class Journal:
    """What a check has measured, kept in a file. See `execution.Memory`, which it is.

    Parameters
    ----------
    path : str or path
        Of the file, which is made where there is none.

    Raises
    ------
    UsageError
        If the file cannot be used: it is none of ours, or another check has it open.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        try:
            self._base = sqlite3.connect(self.path, timeout=0.5, isolation_level=None)
        except sqlite3.Error as error:
            raise UsageError(self._why_not(error)) from error
        try:
            self._open()
        except sqlite3.Error as error:
            self._base.close()
            raise UsageError(self._why_not(error)) from error
        self._committed = time.monotonic()
        self.failure = ""

    def _open(self) -> None:
        base = self._base
        base.execute("PRAGMA locking_mode = EXCLUSIVE")  # one check at a time
        base.execute("PRAGMA journal_mode = WAL")
        base.execute("PRAGMA synchronous = NORMAL")
        tables = {name for (name,) in base.execute("SELECT name FROM sqlite_master")}
        if tables and "facts" not in tables:
            raise sqlite3.DatabaseError("it holds tables of somebody else")
        base.execute("BEGIN IMMEDIATE")
        for statement in filter(None, map(str.strip, TABLES.split(";"))):
            base.execute(statement)
        if self._fact("format") not in (None, FORMAT):
            raise sqlite3.DatabaseError(f"it is a {self._fact('format')}, and this is {FORMAT}")
        self._set("format", FORMAT)
        self._run = int(self._fact("runs") or 0) + 1
        self._set("runs", str(self._run))
        self._commit()

    def _why_not(self, error: sqlite3.Error) -> str:
        if "locked" in str(error):
            return f"the journal {self.path} is in use by another check; give each its own path."
        if not Path(self.path).parent.is_dir():
            return f"the journal {self.path} is to be in a folder that does not exist; make it."
        return (
            f"the journal {self.path} cannot be used ({error}); give the path of a journal, or of "
            f"a file that does not exist yet."
        )

    # --- of which check it is ---------------------------------------------------------------

    def seed(self, given: int | None) -> int | None:
        """Return the seed of the check that it is of; the one given where it is of none.

        Raises
        ------
        UsageError
            If that is another one than the one given.
        """
        kept = self._fact("seed")
        if kept is None:
            return given
        if given is not None and given != int(kept):
            raise refuse(self.path, [f"the seed ({kept} then, {given} now)"])
        return int(kept)

    def claim(self, problem: Problem, space: Space, plan: Plan) -> None:
        """Require that it is of this check; where it is of none, make it so.

        Raises
        ------
        UsageError
            If it is of another; what differs.
        """
        identity, kept = identity_of(problem, space, plan, __version__), self._fact("identity")
        if kept is None:
            self._begin({"identity": json.dumps(identity.parts), "seed": str(plan.seed)})
            return
        different = identity.differences(json.loads(kept))
        if different:
            raise refuse(self.path, different)

    def require_same_answers(self, origin: Origin) -> None:
        """Require that `f` and the claim answer at x as they did in the first run.

        Raises
        ------
        UsageError
            If they do not: their code is the same, but not the data that they use.
        """
        answers, kept = answers_of(origin), self._fact("answers")
        if kept is None:
            self._begin({"answers": json.dumps(answers)})
            return
        different = [name for name, value in json.loads(kept).items() if answers[name] != value]
        if different:
            raise refuse(self.path, different)

    def _begin(self, facts: dict[str, str]) -> None:
        """Write down of which check it is."""
        try:
            for name, value in facts.items():
                self._set(name, value)
            self._commit()
        except sqlite3.Error as error:
            raise UsageError(self._why_not(error)) from error

    # --- what was measured ------------------------------------------------------------------

    def find(self, who: str, point: PyTree, like: Output) -> Output | None:
        """Return what `f` returned at a point in an earlier run; None where it was not called."""
        row = self._base.execute(
            "SELECT value FROM calls WHERE name = ? AND run < ?", (self._key(who, point), self._run)
        ).fetchone()
        if row is None:
            return None
        return replace(like, arrays=decode(row[0]))

    def keep(self, who: str, point: PyTree, output: Output) -> None:
        """Remember what it returned."""
        row = (self._key(who, point), self._run, encode(output.arrays))
        self._write("INSERT OR IGNORE INTO calls VALUES (?, ?, ?)", row)

    def name_of(self, where: PyTree) -> str:
        """Name the numbers in a pytree by a digest of them."""
        return digest_of([where])

    def find_line(self, name: str) -> bytes | None:
        """Return what was kept of a whole line; None where nothing was."""
        row = self._base.execute("SELECT value FROM lines WHERE name = ?", (name,)).fetchone()
        return None if row is None else bytes(row[0])

    def keep_line(self, name: str, line: bytes) -> None:
        """Remember what a worker has measured along it."""
        self._write("INSERT OR IGNORE INTO lines VALUES (?, ?)", (name, line))

    def close(self) -> tuple[Finding, ...]:
        """Write down the rest; say so, if the file could not hold all."""
        self._guarded(self._commit)
        self._base.close()
        if not self.failure:
            return ()
        message = (
            f"the journal {self.path} could not be written any more ({self.failure}); the check "
            f"went on without it, and what came after that would be measured again."
        )
        return (Finding(Cause.SETUP, message),)

    def _key(self, who: str, point: PyTree) -> str:
        return f"{who} {digest_of([point])}"

    def _write(self, statement: str, row: tuple[object, ...]) -> None:
        def written() -> None:
            if not self._base.in_transaction:
                self._base.execute("BEGIN")
            self._base.execute(statement, row)
            if time.monotonic() - self._committed > EVERY:
                self._commit()

        self._guarded(written)

    def _guarded(self, step: Callable[[], None]) -> None:
        """Give up writing where the disk is full, or a value too large; not the check."""
        if self.failure:
            return
        try:
            step()
        except (sqlite3.Error, OverflowError) as error:
            self.failure = str(error)

    def _commit(self) -> None:
        if self._base.in_transaction:
            self._base.execute("COMMIT")
        self._committed = time.monotonic()

    def _fact(self, name: str) -> str | None:
        row = self._base.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def _set(self, name: str, value: str) -> None:
        if not self._base.in_transaction:
            self._base.execute("BEGIN")
        self._base.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))
