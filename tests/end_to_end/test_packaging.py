"""Every way to install: regular, editable, from a wheel that was built from the sdist; and what is in that wheel.

One environment gets the package with its dependencies as a user would install it; the others borrow its dependencies.
"""

from __future__ import annotations

import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from checkout import ROOT, copy_checkout, run

import memoradb

pytestmark = pytest.mark.timeout(600)  # a loaded machine and an empty cache of pip

FOLDERS = sorted(p.parent.name for p in ROOT.glob("*/__init__.py") if p.parent.name not in ("tests", "bench"))


class Environment:
    """A virtual environment."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.python = home / "bin" / "python"
        self.memoradb = home / "bin" / "memoradb"

    @staticmethod
    def make(home: Path, *, with_pip: bool = False) -> Environment:
        """A new, empty one."""
        run(sys.executable, "-m", "venv", *([] if with_pip else ["--without-pip"]), home, cwd=home.parent)
        return Environment(home)

    def borrow(self, other: Environment) -> None:
        """Let it see the other's packages behind its own. Only after installing: pip would think they were here."""
        (self.packages / "borrowed.pth").write_text(f"{other.packages}\n")

    @property
    def packages(self) -> Path:
        """Its site-packages."""
        return next((self.home / "lib").glob("python*/site-packages"))

    def home_of_memoradb(self, cwd: Path) -> Path:
        """Where ``import memoradb`` finds the package."""
        code = "import memoradb, memoradb.database; print(memoradb.__file__)"
        return Path(run(self.python, "-c", code, cwd=cwd).stdout.strip()).parent


def pip(environment: Environment, *arguments: str | Path, cwd: Path) -> None:
    run(environment.python, "-m", "pip", "-q", "--disable-pip-version-check", *arguments, cwd=cwd)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_checkout(tmp_path_factory.mktemp("packaging") / "checkout")


@pytest.fixture(scope="module")
def installed(checkout: Path) -> Environment:
    """``pip install .`` in a fresh environment: no extras, so no hnswlib, pyarrow, pandas or Hypothesis."""
    environment = Environment.make(checkout.parent / "installed", with_pip=True)
    pip(environment, "install", ".", cwd=checkout)
    return environment


@pytest.fixture(scope="module")
def sdist(checkout: Path, installed: Environment) -> Path:
    builder = Environment.make(checkout.parent / "builder")
    pip(installed, "--python", builder.python, "install", "hatchling>=1.27", cwd=checkout)
    run(builder.python, "-m", "hatchling", "build", "-t", "sdist", "-d", checkout.parent / "dist", cwd=checkout)
    (found,) = (checkout.parent / "dist").glob("*.tar.gz")
    return found


@pytest.fixture(scope="module")
def wheel(sdist: Path, installed: Environment) -> Path:
    """Built from the sdist alone, outside of any checkout."""
    target = sdist.parent / "wheels"
    pip(installed, "wheel", "--no-deps", "-w", target, sdist, cwd=sdist.parent)
    (found,) = target.glob("*.whl")
    return found


def test_pip_install_gives_a_command_that_works_from_any_directory(installed: Environment, tmp_path: Path) -> None:
    shown = run(installed.memoradb, "--help", cwd=tmp_path).stdout
    assert "Usage: memoradb" in shown
    assert "serve" in shown
    run(installed.memoradb, "query", "--data", "here", "CREATE (:Person {name: 'Ada'})", cwd=tmp_path)
    arguments = ("query", "--data", "here", "--format", "csv", "MATCH (p:Person) RETURN p.name AS name")
    assert run(installed.memoradb, *arguments, cwd=tmp_path).stdout == "name\nAda\n"
    assert run(installed.python, "-m", "memoradb", "--version", cwd=tmp_path).stdout.startswith("memoradb")
    assert installed.home_of_memoradb(tmp_path) == installed.packages / "memoradb"


def test_without_hnswlib_vectors_are_searched_exactly_and_it_is_said(installed: Environment, tmp_path: Path) -> None:
    assert (
        "hnswlib: not installed (vector search scans exactly)"
        in run(installed.memoradb, "version", cwd=tmp_path).stdout
    )
    script = """
import memoradb
db = memoradb.open()
db.execute("CREATE VECTOR INDEX v FOR (n:N) ON (n.e) OPTIONS "
           "{indexConfig: {`vector.dimensions`: 3, `vector.similarity_function`: 'cosine'}}")
db.execute("UNWIND range(1, 20) AS i CREATE (:N {i: i, e: [1.0, i, 0.0]})")
nearest = db.execute("CALL db.index.vector.queryNodes('v', 1, [1.0, 7.0, 0.0]) YIELD node RETURN node.i")
print(nearest.value())
try:
    db.execute("RETURN 1").to_arrow()
except memoradb.MemoraDBError as error:
    print(error.hint)
"""
    assert run(installed.python, "-c", script, cwd=tmp_path).stdout.splitlines() == [
        "7",
        'Install it with: pip install "memoradb[arrow]"',
    ]


def test_import_is_quick_and_loads_neither_numpy_nor_lark(installed: Environment, tmp_path: Path) -> None:
    code = """
import sys, time
started = time.perf_counter()
import memoradb
took_ms = (time.perf_counter() - started) * 1e3
heavy = [m for m in ("numpy", "lark", "scipy", "tornado", "mcp", "msgspec") if m in sys.modules]
print(took_ms, *heavy)
"""
    run(installed.python, "-c", code, cwd=tmp_path)  # compiles
    took, *heavy = min(
        (run(installed.python, "-c", code, cwd=tmp_path).stdout.split() for _ in range(3)), key=lambda x: float(x[0])
    )
    assert heavy == []
    assert float(took) < 150


def test_the_help_of_a_command_loads_no_engine(installed: Environment, tmp_path: Path) -> None:
    heavy = "('numpy', 'lark', 'tornado', 'mcp')"
    code = f"import sys; import memoradb.cli.main; print([m for m in {heavy} if m in sys.modules])"
    assert run(installed.python, "-c", code, cwd=tmp_path).stdout.strip() == "[]"


def test_an_editable_install_runs_the_checkout(installed: Environment, checkout: Path, tmp_path: Path) -> None:
    environment = Environment.make(tmp_path / "editable")
    pip(installed, "--python", environment.python, "install", "--no-deps", "-e", ".", cwd=checkout)
    environment.borrow(installed)
    assert environment.home_of_memoradb(tmp_path).resolve() == (checkout / "src" / "memoradb").resolve()
    assert "Usage: memoradb" in run(environment.memoradb, "--help", cwd=tmp_path).stdout
    code = "import memoradb; print(memoradb.open().execute('RETURN 6 * 7').value())"
    assert run(environment.python, "-c", code, cwd=tmp_path).stdout.strip() == "42"


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"memoradb/py.typed", "memoradb/grammar/memql.lark", "memoradb/cli/main.py"} <= names
    for folder in FOLDERS:
        assert f"memoradb/{folder}/__init__.py" in names
    top = {name.split("/")[0] for name in names}
    assert top == {"memoradb", f"memoradb-{memoradb.__version__}.dist-info"}
    assert not [n for n in names if "test" in n.lower().split("/")[1:-1] or Path(n).name.startswith("test_")]
    for path in ROOT.glob("grammar/**/*"):
        if path.is_file() and path.suffix not in (".py", ".pyc"):
            assert f"memoradb/grammar/{path.relative_to(ROOT / 'grammar')}" in names


def test_the_sdist_holds_sources_tests_and_what_make_needs(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    assert {"pyproject.toml", "Makefile", "README.md", "LICENSE", "tests/test_layout.py", "core/values.py"} <= names
    assert not [n for n in names if n.startswith(("src/memoradb/core", ".venv", ".git/")) or n.endswith(".pyc")]


def test_a_wheel_built_from_the_sdist_is_installed_elsewhere(
    wheel: Path, installed: Environment, tmp_path: Path
) -> None:
    environment = Environment.make(tmp_path / "elsewhere")
    pip(installed, "--python", environment.python, "install", "--no-deps", wheel, cwd=tmp_path)
    environment.borrow(installed)
    assert environment.home_of_memoradb(tmp_path) == environment.packages / "memoradb"
    run(environment.memoradb, "query", "--data", "d", "CREATE (:A)-[:B]->(:C)", cwd=tmp_path)
    assert "2 nodes, 1 relationships" in run(environment.memoradb, "check", "--data", "d", cwd=tmp_path).stdout
