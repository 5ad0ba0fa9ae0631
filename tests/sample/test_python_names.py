"""Reading and resolving, on a tiny package that has one of each."""

import textwrap
from pathlib import Path

import pytest

from memoradb.sample.python_compiled import compiled_modules
from memoradb.sample.python_names import Meaning, Names
from memoradb.sample.python_source import ModuleSource, read, source_files

PACKAGE = {
    "shop/__init__.py": """
        '''A shop.'''
        from .basket import Basket as Cart
        from .prices import *
        from . import prices as money
    """,
    "shop/basket.py": """
        import json as j
        from .base import Base, Missing

        class Basket(Base):
            '''Things to buy.'''

            limit = 3
            kinds = dict

            def __init__(self):
                super().__init__()
                self.log = []
                self.owner = Owner()
                self.mixed = Owner()

            def add(self, item):
                self.check(item)
                self.log.append(item)
                self.owner.greet()
                self.mixed.greet()
                self.total.bit_length()
                if not item:
                    raise Missing(item)
                return j.dumps(item)

            def change(self):
                self.mixed = 5

            @property
            def total(self):
                return len(self.log)

            @classmethod
            def make(cls):
                return cls()

            @staticmethod
            def parse(text):
                return text.split()

            def __call__(self):
                raise NotImplementedError

        class Owner:
            def greet(self):
                return ", ".join(["hello"])
    """,
    "shop/base.py": """
        class Missing(KeyError):
            pass

        class Root:
            def check(self, item): ...
            def close(self): ...

        class Base(Root):
            def __init__(self):
                self.items = {}

            def close(self):
                super().close()
                self.items.clear()
    """,
    "shop/prices.py": """
        def price(item, *, tax: float = 0.2): ...
        def _secret(): ...
    """,
    "use.py": """
        import os.path
        import shop
        import shop.basket as b
        from shop import Cart, price, money
        import functools

        DEFAULT = Cart()
        UNKNOWN = price(1)

        @functools.lru_cache(maxsize=None)
        def shopping(cart: b.Basket, other, size=len("abc")):
            mine = Cart()
            mine.add(1)
            mine.close()
            mine()
            cart.add(2)
            other.add(3)
            DEFAULT.add(4)
            UNKNOWN.add(5)
            Cart.make()
            b.Owner().greet()
            money.price(1)
            shop.prices.price(2)
            os.path.join("a", "b")
            maybe = Cart()
            maybe = other
            maybe.add(6)
            late = None
            late = Cart()
            late.parse("x")

            def nested():
                price(7)
                mine.change()
                inner()

            def inner():
                raise ValueError("no")

            return nested

        def shadowed(price, len):
            price(1)
            len(2)
            [print for print in ()]
            print(3)

        def caught():
            try:
                pass
            except b.Missing as error:
                raise error
            except (OSError, KeyError) as error:
                raise error
            else:
                raise RuntimeError

        def imports():
            import time
            return time.time()

        class Strange(UNKNOWN, Cart):
            def go(self):
                self.add(1)
                self.go()

        shopping(DEFAULT, None)
    """,
    "broken.py": "def f(:\n",
}


@pytest.fixture(scope="module")
def modules(tmp_path_factory) -> list[ModuleSource]:
    root: Path = tmp_path_factory.mktemp("library")
    for name, text in PACKAGE.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(textwrap.dedent(text))
    (root / "tests").mkdir()
    (root / "tests" / "__init__.py").write_text("")
    found = source_files(root, False)
    assert [n for n, _ in found] == ["broken", "shop", "shop.base", "shop.basket", "shop.prices", "use"]
    assert "tests" in [n for n, _ in source_files(root, True)]
    read_ones = [read(name, path, root) for name, path in found]
    assert read_ones[0] is None
    standard = Path(__import__("sysconfig").get_paths()["stdlib"])
    needed = [read(n, standard / f"{n}.py", standard) for n in ("posixpath", "os", "functools")]
    json = read("json", standard / "json" / "__init__.py", standard)
    return [m for m in [*compiled_modules(), *read_ones, *needed, json] if m is not None]


@pytest.fixture(scope="module")
def names(modules) -> Names:
    return Names(modules)


def calls(names: Names, qualified: str) -> set[str]:
    return set(names.called(names.functions[qualified].scope))


def raises(names: Names, qualified: str) -> set[str]:
    return set(names.raised(names.functions[qualified].scope))


def test_methods_are_found_in_the_class_its_bases_and_beyond_super(names):
    beyond = {"builtins.super", "shop.base.Base.__init__", "shop.basket.Owner"}
    assert calls(names, "shop.basket.Basket.__init__") == beyond
    assert "shop.base.Root.check" in calls(names, "shop.basket.Basket.add")
    assert calls(names, "shop.base.Base.close") == {"builtins.super", "shop.base.Root.close", "builtins.dict.clear"}


def test_attributes_of_self_are_known_where_every_assignment_agrees(names):
    found = calls(names, "shop.basket.Basket.add")
    assert {"builtins.list.append", "shop.basket.Owner.greet", "json.dumps", "shop.base.Missing"} <= found
    assert not any(f.endswith("bit_length") for f in found)
    assert len(found) == 5


def test_literals_and_built_in_functions_are_known(names):
    assert calls(names, "shop.basket.Owner.greet") == {"builtins.str.join"}
    assert calls(names, "shop.basket.Basket.total") == {"builtins.len"}


def test_class_methods_call_their_class(names):
    assert calls(names, "shop.basket.Basket.make") == {"shop.basket.Basket"}
    assert calls(names, "shop.basket.Basket.parse") == set()


def test_names_come_through_aliases_reexports_and_stars(names):
    found = calls(names, "use.shopping")
    assert found == {
        "shop.basket.Basket",
        "shop.basket.Basket.add",
        "shop.base.Base.close",
        "shop.basket.Basket.__call__",
        "shop.basket.Basket.make",
        "shop.basket.Basket.parse",
        "shop.basket.Owner",
        "shop.basket.Owner.greet",
        "shop.prices.price",
        "posixpath.join",
    }


def test_nested_functions_are_their_own_and_see_names_around_them(names):
    nested = "use.shopping.<locals>.nested"
    assert calls(names, nested) == {
        "shop.prices.price",
        "shop.basket.Basket.change",
        "use.shopping.<locals>.inner",
    }
    assert names.functions[nested].owner == "use.shopping"
    assert raises(names, "use.shopping.<locals>.inner") == {"builtins.ValueError"}
    assert raises(names, "use.shopping") == set()


def test_what_shadows_a_name_hides_it(names):
    assert calls(names, "use.shadowed") == set()


def test_decorators_and_defaults_are_called_by_the_body_around(names):
    module = set(names.called(names.modules["use"].scope))
    assert {"functools.lru_cache", "builtins.len", "use.shopping", "shop.basket.Basket"} <= module


def test_raised_classes_instances_and_caught_exceptions(names):
    assert raises(names, "shop.basket.Basket.add") == {"shop.base.Missing"}
    assert raises(names, "shop.basket.Basket.__call__") == {"builtins.NotImplementedError"}
    # `error` is bound by two handlers that differ, so `raise error` says nothing.
    assert raises(names, "use.caught") == {"builtins.RuntimeError"}


def test_imports_inside_functions_are_local_names_and_imports_of_the_module(names):
    assert calls(names, "use.imports") == {"time.time"}
    assert "time" in names.imported_modules(names.modules["use"])
    assert {"shop", "shop.basket", "shop.prices"} >= names.imported_modules(names.modules["use"]) - {
        "os",
        "posixpath",
        "functools",
        "time",
    }
    assert names.imported_modules(names.modules["shop"]) == {"shop.basket", "shop.prices"}


def test_an_unknown_base_hides_what_may_stand_behind_it(names):
    assert calls(names, "use.Strange.go") == {"use.Strange.go"}
    assert names.bases(names.classes["use.Strange"]) == ["shop.basket.Basket"]


def test_bases_and_resolution_order_are_pythons(names):
    assert names.bases(names.classes["shop.base.Missing"]) == ["builtins.KeyError"]
    order, whole = names.resolution_order("shop.basket.Basket")
    assert order == ["shop.basket.Basket", "shop.base.Base", "shop.base.Root", "builtins.object"]
    assert whole
    assert names.resolution_order("builtins.KeyError")[0] == [
        "builtins.KeyError",
        "builtins.LookupError",
        "builtins.Exception",
        "builtins.BaseException",
        "builtins.object",
    ]
    # Every built-in class, against the order that Python itself has.
    import builtins

    for name, value in vars(builtins).items():
        if isinstance(value, type) and value.__name__ == name:
            assert names.resolution_order(f"builtins.{name}")[0] == [f"builtins.{c.__name__}" for c in value.__mro__]


def test_kinds_of_functions(names):
    kinds = {n.rpartition(".")[2]: f.kind for n, f in names.functions.items() if n.startswith("shop.basket.Basket.")}
    assert kinds == {
        "__init__": "method",
        "add": "method",
        "change": "method",
        "total": "property",
        "make": "classmethod",
        "parse": "staticmethod",
        "__call__": "method",
    }
    assert names.functions["shop.prices.price"].kind == "function"


def test_parameters_are_as_written(names):
    item, tax = names.functions["shop.prices.price"].parameters
    assert (item.name, item.position, item.kind, item.annotation, item.default) == ("item", 0, "positional", None, None)
    assert (tax.name, tax.position, tax.kind, tax.annotation, tax.default) == ("tax", 1, "keyword-only", "float", "0.2")


def test_a_name_bound_through_itself_is_unknown():
    module = ModuleSource("m", "m.py", False, 1, None)
    module.scope.bind("a", "b")
    module.scope.bind("b", "a")
    assert Names([module]).meaning("a", module.scope) is None


def test_an_expression_can_mean_a_module(names):
    scope = names.modules["use"].scope
    assert names.meaning("shop.prices", scope) == Meaning("module", "shop.prices")
    assert names.meaning("os.path", scope) == Meaning("module", "posixpath")
    assert names.meaning("shop._secret", scope) is None
