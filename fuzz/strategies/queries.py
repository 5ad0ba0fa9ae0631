"""Read queries over the generated graphs' vocabulary, as text."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from .graphs import KEYS, LABELS, TYPES

VARIABLES = ("a", "b", "c")


@dataclass(frozen=True)
class QuerySpec:
    """A query in parts, so that oracles can put it together in other ways."""

    match: str
    predicate: str
    items: str
    variables: tuple[str, ...]

    @property
    def text(self) -> str:
        """The query itself."""
        return f"{self.match} WHERE {self.predicate} RETURN {self.items}"


literals = st.sampled_from(
    ["null", "0", "1", "-2", "1.0", "1.5", "true", "false", "'a'", "'ab'", "[1]", "[]", "9223372036854775807"]
)


def _property(variables: tuple[str, ...]) -> st.SearchStrategy[str]:
    return st.builds("{}.{}".format, st.sampled_from(variables), st.sampled_from(KEYS))


def expressions(variables: tuple[str, ...]) -> st.SearchStrategy[str]:
    """Expressions of any type that cannot fail."""
    leaf = st.one_of(literals, _property(variables))

    def grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return st.one_of(
            st.builds("coalesce({}, {})".format, inner, inner),
            st.builds("CASE WHEN {} = {} THEN {} ELSE {} END".format, inner, inner, inner, inner),
            st.builds("[{}, {}]".format, inner, inner),
            st.builds("[z IN [{}, {}] WHERE z IS NOT NULL | z]".format, inner, inner),
        )

    return st.recursive(leaf, grow, max_leaves=4)


def predicates(variables: tuple[str, ...]) -> st.SearchStrategy[str]:
    """Conditions that are true, false or null, and never fail."""
    value = expressions(variables)
    leaf = st.one_of(
        st.builds("{} {} {}".format, value, st.sampled_from(["=", "<>", "<", "<=", ">", ">="]), value),
        st.builds("{} IS NULL".format, value),
        st.builds("{} IS NOT NULL".format, value),
        st.builds("{} IN [{}, {}]".format, value, value, value),
        st.builds("{} STARTS WITH {}".format, value, value),
        st.builds("{}:{}".format, st.sampled_from(variables), st.sampled_from(LABELS)),
        st.builds("({})-[:{}]->()".format, st.sampled_from(variables), st.sampled_from(TYPES)),
        st.builds("any(z IN [{}, {}] WHERE z = {})".format, value, value, value),
    )

    def grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return st.one_of(
            st.builds("({} AND {})".format, inner, inner),
            st.builds("({} OR {})".format, inner, inner),
            st.builds("NOT ({})".format, inner),
            st.builds("({} XOR {})".format, inner, inner),
        )

    return st.recursive(leaf, grow, max_leaves=4)


@st.composite
def queries(draw: st.DrawFn) -> QuerySpec:
    """One MATCH of a chain of one to three nodes, a predicate, and items to return."""
    count = draw(st.integers(1, 3))
    variables = VARIABLES[:count]
    parts = []
    for i, name in enumerate(variables):
        label = draw(st.sampled_from(["", *(f":{x}" for x in LABELS)]))
        parts.append(f"({name}{label})")
        if i + 1 < count:
            type = draw(st.sampled_from(["", *(f":{t}" for t in TYPES), ":R|S"]))
            length = draw(st.sampled_from(["", "", "", "*1..2", "*0..1"]))
            left, right = draw(st.sampled_from([("-", "->"), ("<-", "-"), ("-", "-")]))
            parts.append(f"{left}[{type}{length}]{right}")
    predicate = draw(predicates(variables))
    items = ", ".join(f"{draw(expressions(variables))} AS c{i}" for i in range(draw(st.integers(1, 3))))
    return QuerySpec(f"MATCH {''.join(parts)}", predicate, items, variables)
