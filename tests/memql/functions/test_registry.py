"""Declaring and finding functions."""

import subprocess
import sys

from memoradb.memql.bind.types import Type
from memoradb.memql.functions.registry import FunctionDefinition, FunctionRegistry, all_functions, lookup


def a_function(name: str) -> FunctionDefinition:
    return FunctionDefinition(name, (Type.ANY,), 1, False, Type.ANY, True, lambda x: x)


def test_names_are_found_in_any_case():
    assert lookup("TOUPPER") is lookup("toUpper") is not None
    assert lookup("starts with") is not None
    assert lookup("no.such.function") is None


def test_functions_are_listed_by_name_once():
    names = [f.name.lower() for f in all_functions()]
    assert names == sorted(set(names))


def test_a_database_adds_functions_of_its_own_and_may_replace_one():
    registry = FunctionRegistry()
    mine, upper = a_function("my.Own"), a_function("toUpper")
    registry.register(mine)
    registry.register(upper)
    assert registry.lookup("MY.OWN") is mine
    assert registry.lookup("toupper") is upper
    assert registry.lookup("toLower") is lookup("toLower")
    assert lookup("my.own") is None
    assert mine in list(registry)


def test_signatures_are_readable():
    shown = {f.name: f.signature for f in all_functions()}
    assert shown["substring"] == "substring(STRING, INTEGER, INTEGER?) :: STRING"
    assert shown["valueType"] == "valueType(ANY) :: STRING"
    assert shown["pi"] == "pi() :: FLOAT"


def test_every_null_argument_is_declared_possible():
    for definition in all_functions():
        assert definition.result.may_be_null
        assert all(p.may_be_null for p in definition.parameters)
        assert definition.required <= len(definition.parameters)


def test_only_what_may_differ_from_call_to_call_is_volatile():
    volatile = {f.name for f in all_functions() if f.volatile}
    kinds = ("date", "datetime", "localdatetime", "localtime", "time")
    assert volatile == {"rand", "randomUUID", *(f"{kind}.realtime" for kind in kinds)}


FIRST_LOOKUPS = """
import threading
from memoradb.memql.functions.registry import lookup
barrier, found = threading.Barrier(8), []
def look():
    barrier.wait()
    found.append(lookup("="))
threads = [threading.Thread(target=look) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(sum(definition is not None for definition in found))
"""


def test_threads_that_look_a_function_up_first_at_the_same_time_all_find_it() -> None:
    done = subprocess.run([sys.executable, "-c", FIRST_LOOKUPS], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "8"
