"""Operators as functions, by the names that ``plan.expr.Call`` uses."""

from __future__ import annotations

from memoradb.core import arithmetic, semantics
from memoradb.core.values import Value

from ..bind.types import Type
from .registry import declare_operator

_ANY, _BOOLEAN, _LIST, _STRING = Type.ANY, Type.BOOLEAN, Type.LIST, Type.STRING
_ADDED = Type.NUMBER | Type.STRING | Type.LIST | Type.TEMPORAL | Type.DURATION | Type.ANY
_SCALED = Type.NUMBER | Type.DURATION

for _name, _function in (
    ("=", semantics.equals),
    ("<>", semantics.not_equals),
    ("<", semantics.less),
    ("<=", semantics.less_equal),
    (">", semantics.greater),
    (">=", semantics.greater_equal),
):
    declare_operator(_name, _function, (_ANY, _ANY), _BOOLEAN)
for _name, _function in (
    ("STARTS WITH", semantics.starts_with),
    ("ENDS WITH", semantics.ends_with),
    ("CONTAINS", semantics.contains),
):
    declare_operator(_name, _function, (_ANY, _ANY), _BOOLEAN)
declare_operator("=~", semantics.matches, (_ANY, _STRING), _BOOLEAN)
declare_operator("NOT", semantics.not_, (_BOOLEAN,), _BOOLEAN)
declare_operator("XOR", semantics.xor_, (_BOOLEAN, _BOOLEAN), _BOOLEAN)
declare_operator("IN", semantics.in_list, (_ANY, _LIST), _BOOLEAN)
declare_operator("+", arithmetic.add, (_ADDED, _ADDED), _ADDED)
declare_operator(
    "-",
    arithmetic.subtract,
    (_SCALED | Type.TEMPORAL, _SCALED),
    _SCALED | Type.TEMPORAL,
)
declare_operator("*", arithmetic.multiply, (_SCALED, _SCALED), _SCALED)
declare_operator("/", arithmetic.divide, (_SCALED, Type.NUMBER), _SCALED)
declare_operator("%", arithmetic.modulo, (Type.NUMBER, Type.NUMBER), Type.NUMBER)
declare_operator("^", arithmetic.power, (Type.NUMBER, Type.NUMBER), Type.FLOAT)
declare_operator("||", arithmetic.concatenate, (_STRING | _LIST, _STRING | _LIST), _STRING | _LIST)
declare_operator("unary -", arithmetic.negate, (_SCALED,), _SCALED)
declare_operator("unary +", arithmetic.plus_sign, (Type.NUMBER,), Type.NUMBER)


def _slice_from(subject: Value, low: Value) -> Value:
    return semantics.slice_list(subject, low, None, True, False)


def _slice_to(subject: Value, high: Value) -> Value:
    return semantics.slice_list(subject, None, high, False, True)


declare_operator("slice", semantics.slice_list, (_LIST, Type.INTEGER, Type.INTEGER), _LIST)
declare_operator("slice from", _slice_from, (_LIST, Type.INTEGER), _LIST)
declare_operator("slice to", _slice_to, (_LIST, Type.INTEGER), _LIST)
