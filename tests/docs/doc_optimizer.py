"""The page about the optimizer, made from the rules' docstrings and the golden files of plans.

Each rewrite rule and physical alternative with its law, a query, and its plan without and with it. ``pytest
--rewrite-golden tests/docs`` writes it with the other pages that are made from declarations.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from inspect import cleandoc
from pathlib import Path

from doc_runner import ROOT

import memoradb
from memoradb.memql.cost import constants
from memoradb.memql.explain.wording import alternative_in_words, duration
from memoradb.memql.optimize import feedback
from memoradb.memql.optimize.planner import PhysicalPlan
from memoradb.memql.plan.explain import logical_lines, physical_lines
from memoradb.memql.rewrite.driver import RULES
from memoradb.memql.rewrite.rule import Rule
from memoradb.memql.rewrite.switches import ALTERNATIVES

sys.path.insert(0, str(ROOT / "tests"))
from golden import DIRECTORY, Case, GoldenFile

NO_CACHE = ("",)
"""Names to disable, of which there is none: plans from the cache show no literals."""

VERBOSE_CASE = "EXPLAIN VERBOSE MATCH (p:Person {id: 7})"
"""How the golden query of ``golden/explain`` begins that the page explains line by line."""


@dataclass(frozen=True)
class Example:
    """A golden query, and its plan without and with one rule or alternative."""

    comment: str
    query: str
    logical: bool
    without: str
    with_it: str

    @property
    def lines(self) -> int:
        """How much there is to read."""
        return len(self.without.splitlines()) + len(self.with_it.splitlines())


@dataclass(frozen=True)
class _Planned:
    """A golden case, over the graph of its file."""

    database: memoradb.Database
    case: Case

    def rules(self) -> tuple[str, ...]:
        """The rules and alternatives of its plan."""
        return self._plan(NO_CACHE).rules

    def example(self, name: str, logical: bool) -> Example:
        """Its plan without and with ``name``: the ``logical`` or the physical one."""
        comment = " ".join(line.removeprefix("#").strip() for line in self.case.comment.splitlines())
        return Example(comment, self.case.text, logical, self._shown((name,), logical), self._shown(NO_CACHE, logical))

    def _plan(self, disabled: tuple[str, ...]) -> PhysicalPlan:
        return self.database.query_engine.prepare(self.case.text, self.database.storage.snapshot(), disabled).plan

    def _shown(self, disabled: tuple[str, ...], logical: bool) -> str:
        plan = self._plan(disabled)
        lines = logical_lines(plan.rewritten) if logical else physical_lines(plan.root)
        return "\n".join(f"{'  ' * x.depth}{x.name}  {x.details}".rstrip() for x in lines)


@cache
def _cases(path: Path) -> tuple[_Planned, ...]:
    """The cases of a golden file."""
    found: list[_Planned] = []
    database = memoradb.open(None)
    for case in GoldenFile.read(path).cases:
        if case.kind == "graph":
            database = memoradb.open(None)
            for statement in case.text.split(";"):
                if statement.strip():
                    database.execute(statement)
        else:
            found.append(_Planned(database, case))
    return tuple(found)


def rule_example(name: str) -> Example:
    """The first case of a rule's own golden file that it must fire on, or the next that shows it better."""
    cases = [c for c in _cases(DIRECTORY / "plans" / f"{name}.txt") if c.case.options.get("expect") == name]
    found = [case.example(name, case.case.kind == "logical") for case in cases]
    return next((e for e in found if e.without != e.with_it), found[0])


def alternative_example(name: str) -> Example:
    """The golden case that shows a physical alternative best: one that is about it, in few lines."""
    rules = {rule.__name__ for rule in RULES}
    found: list[tuple[tuple[bool, bool, bool, bool, int, str], Example]] = []
    for path in sorted((DIRECTORY / "plans").glob("*.txt")):
        for case in _cases(path):
            if name in case.rules():
                example = case.example(name, False)
                same, about = example.without == example.with_it, case.case.options.get("expect") == name
                rank = (
                    same,
                    not about,
                    "writes" in case.case.options,
                    path.stem in rules,
                    example.lines,
                    example.query,
                )
                found.append((rank, example))
    if not found:
        raise LookupError(f"no case in tests/golden/plans takes {name}")
    return replace(min(found, key=lambda item: item[0])[1], comment="")  # it speaks of the cases around it


# --- the page ----------------------------------------------------------------


def optimizer_page(note: str) -> str:
    """The whole page; ``note`` says that it is made."""
    lines = ["# The optimizer", "", note, "", cleandoc(_INTRODUCTION), ""]
    lines += ["| What | Cost in ns | |", "|---|---|---|"]
    lines += [f"| `{name}` | {value:,.0f} | {text} |" for name, value, text in _constants()]
    lines += ["", cleandoc(_replanning()), "", "## How to read EXPLAIN VERBOSE", "", cleandoc(_READING), ""]
    lines += ["```text", *_verbose().split("\n"), "```", "", cleandoc(_AFTER_READING), ""]
    lines += ["## Rewrite rules", "", cleandoc(_RULES.format(count=len(RULES))), ""]
    for rule in RULES:
        lines += [f"### {rule.__name__}", "", _law(rule), "", *_shown(rule.__name__, rule_example(rule.__name__))]
    lines += ["## Physical alternatives", "", cleandoc(_ALTERNATIVES), ""]
    for name in ALTERNATIVES:
        lines += [f"### {name}", "", alternative_in_words(name), "", *_shown(name, alternative_example(name))]
    return "\n".join(lines)


def _constants() -> Iterator[tuple[str, float, str]]:
    from doc_reference import documented_constants

    for name, value, text in documented_constants(constants):
        if name.endswith("_NS"):
            assert isinstance(value, float)
            yield name, value, text


def _law(rule: Rule) -> str:
    """What the rule's module says: Markdown already, but for its quotes."""
    return cleandoc(sys.modules[rule.__module__].__doc__ or "").replace("``", "`")


def _shown(name: str, example: Example) -> Iterator[str]:
    if example.comment:
        yield from (example.comment, "")
    yield from ("```cypher", example.query, "```", "")
    what = "Logical plan" if example.logical else "Plan"
    if example.without == example.with_it:
        yield from (f"{what}; `{name}` changes how it is run, not what it shows:", "", "```text")
        yield from (*example.with_it.split("\n"), "```", "")
        return
    yield from (f"{what} without `{name}`:", "", "```text", *example.without.split("\n"), "```", "")
    yield from ("With it:", "", "```text", *example.with_it.split("\n"), "```", "")


def _verbose() -> str:
    cases = GoldenFile.read(DIRECTORY / "explain" / "verbose.txt").cases
    case = next(c for c in cases if c.kind == "show" and c.text.startswith(VERBOSE_CASE))
    return f"{case.text}\n\n{case.expected}"


def _replanning() -> str:
    return _REPLANNING.format(
        factor=f"{feedback.FACTOR:.0f}",
        most=feedback.REPLANS_MAX,
        rows=f"{feedback.ROWS_MIN:,}",
        slow=duration(feedback.SLOW_NS),
        slower=feedback.SLOWER,
    )


_INTRODUCTION = """
A query says what is wanted, not how it is found. The optimizer decides that: it rewrites the query into an equivalent
one that is less work, then chooses, by what the graph is known to hold, the cheapest way to run it. No answer depends
on its choices; the tests run every rule and every alternative alone off and alone on against an interpreter that has
none.

This page explains how that happens and how to see it, and then shows each rule with a plan before and after. To see
your own query's plan, write [EXPLAIN or PROFILE](memql/explain-profile.md) before it.

## How a query becomes a plan

1. The text is looked up in the plan cache, as it is and then with its literals lifted out: `{age: 30}` and `{age:
   31}` share a plan. What is in neither is parsed and bound: names become variables, types are checked.
2. The *logical plan* is built: a tree that says what each clause does to rows. A MATCH is one node of it, a whole
   pattern graph with its predicates, without an order.
3. [Rewrite rules](#rewrite-rules) change that tree, from its leaves up, until none applies any more. Each always
   helps, or makes room for another; none looks at costs.
4. Each pattern graph gets an order. All connected parts of it are planned, smaller ones first (dynamic programming
   over connected subgraphs), each by every access path, in every direction, by expanding, intersecting or joining;
   for each part the cheapest plan is kept. Patterns with too many parts are planned greedily: next comes what
   multiplies rows least.
5. Around that, [physical alternatives](#physical-alternatives) are considered where they apply: counting instead of
   making matches, adding up by messages instead of grouping rows, and so on. The cheapest is taken.
6. Some checks are left out because the graph makes them needless: where every `:LIVES_IN` leads to a `:City`, nobody
   looks at that label. Such a plan rests on a *fact*. It is asked for each run; where it is not true any more, a plan
   that rests on none takes over.

## Statistics

Estimates are made from counts that every commit keeps exact: nodes by label and pair of labels, relationships by type
and by the labels of their ends. Others are measured when they are first asked for, on a sample where there is much:
degrees of the nodes of a label, and for a property its number of different values, a histogram, and the values that
stand out. They are part of the state that a plan reads, also of one in the past. `CALL db.stats()` shows them.

A degree is not just a mean. Who follows a relationship meets nodes with many relationships more often; so the planner
asks how many relationships a node has *that was met by one*, which is larger the more unequal the degrees are.

## Costs

The cost of a plan is a time in nanoseconds: rows, times what an operator takes for one. `memoradb calibrate` measures
these figures on the machine at hand and writes a table into the database's directory, which is used from the next
`open` on. Without it the built-in ones are used; what counts is their ratio. Tests always plan with the built-in
ones.
"""

_REPLANNING = """
## When estimates prove wrong

The first run of a plan counts the rows of its operators. Where one gave more or fewer than expected by more than a
factor of {factor}, for what it was given, that is remembered, by the part of the pattern or the predicate, for all
statements that ask the same; and the plan is made again when its statement comes next, {most} times at most. Runs
that handled fewer than {rows} rows teach nothing. A run that takes more than {slow} and {slower} times as long as
usual makes the next one counted again. Statements that write keep their plans. EXPLAIN says which estimates were
corrected, and by what.
"""

_READING = """
EXPLAIN VERBOSE shows what was considered, not only what was taken. It runs nothing. Here is one, whole:
"""

_AFTER_READING = """
- **Logical plan**: what is left to do after the rewrite rules. Read it from the bottom: rows begin at `Argument` (one
  empty row) and flow upwards. Made-up names begin with `_`.
- **Physical plan**: an operator a line, numbered. `estimated` is the rows it is expected to give, `cost` the time
  until then with all that is below it. In braces: the form in which it reads relationships, and the alternatives that
  put it there. `CSR` is compressed sparse rows, all neighbours of a node side by side in one array; `CSR degrees`
  reads only how many there are; `bit frontier` is a breadth-first search that marks nodes in an array.
- **Choices**: for each operator that was one of several ways to the same rows, the others, with rows and costs. `a
  scan ... (c)<-[r:T]-(b)` is a plan that begins with a scan of `a` and ends with that step. Rows differ where another
  way tests a predicate sooner. The last line says why.
- **Rules**: in the order in which they fired, with the lines of the logical plan that went (`-`) and came (`+`).
- **Facts** and **statistics**: what the plan rests on, and what the planner was told when it asked. If a plan looks
  wrong, look here first: an estimate that is off shows as a statistic that is not what you would have said.

`PROFILE VERBOSE` runs the statement too. An estimate that was off by more than 10 (its *q-error*: the larger over the
smaller of what was expected and what came) is marked with `!` and listed at the end. Begin with the lowest one in the
tree: those above it inherit its error.

## How to switch a rule off

For tests and experiments, `Options.disabled_rules` takes the names of rules and alternatives, and of the kernels that
run expressions on whole columns (`kernel CONTAINS`). Plans made so are not cached.

```python
import memoradb
from memoradb.memql.session import Options

with memoradb.open() as db:
    db.execute("UNWIND range(1, 5) AS i CREATE (:A {k: i})")
    query = "MATCH (a:A) RETURN a.k AS k ORDER BY k LIMIT 2"
    off = Options(disabled_rules=["order_by_limit_to_top"])
    print([row["k"] for row in db.execute(query)])
    print([row["k"] for row in db.execute(query, options=off)])
    print("Sort" in db.execute(f"EXPLAIN {query}", options=off).summary.plan)
```

```text
[1, 2]
[1, 2]
True
```

`memoradb.memql.rewrite.switches` lists all names. Whoever adds a rule adds a file, its golden plans, and queries that
make it fire: see [Contributing](../CONTRIBUTING.md).
"""

_RULES = """
There are {count}, and this is the order in which they are tried at each node. Each says what it does, when it holds,
and why it helps.
"""

_ALTERNATIVES = """
Other ways to run a part of a plan. Unlike a rule, an alternative may be slower; it is taken where it is expected to
cost less.
"""
