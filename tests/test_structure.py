"""How the code is laid out: no import circles, short files and functions, and a start that waits for no library.

An import in a function, or for its types alone, counts as one at the top: a hidden circle is a circle all the same.
"""

import ast
import itertools
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[1]
SRC = REPO / "src"
SOURCES = sorted(SRC.rglob("*.py"))
RULES = [REPO / "Snakefile", *sorted((REPO / "workflow").rglob("*.smk"))]
MOST_LINES_OF_A_FILE = 350
MOST_LINES_OF_A_FUNCTION = 50


def module_of(path: Path) -> str:
    """The name by which a file is imported."""
    return ".".join(path.relative_to(SRC).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_of(path): path for path in SOURCES}


def imports(node: ast.AST) -> Iterator[str]:
    """The modules of this repository that a file imports: at its top, in a function, or for its types alone."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (name.name for name in child.names if name.name in MODULES)
        if isinstance(child, ast.ImportFrom):
            assert child.level == 0, "imports name their module in full"
            inner = (f"{child.module}.{name.name}" for name in child.names)
            yield from {name if name in MODULES else str(child.module) for name in inner} & MODULES.keys()
        yield from imports(child)


def reached(graph: dict[str, set[str]], start: str) -> set[str]:
    """All modules that importing ``start`` may come to."""
    found: set[str] = set()
    ahead = [*graph[start]]
    while ahead:
        if (name := ahead.pop()) not in found:
            found.add(name)
            ahead += graph[name]
    return found


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = {name: set(imports(ast.parse(path.read_text()))) - {name} for name, path in MODULES.items()}
    assert sum(map(len, graph.values())) > 100  # imports were found
    assert [name for name in graph if name in reached(graph, name)] == []


def test_no_folder_imports_itself_by_way_of_others() -> None:
    """A module at the top counts as a folder of its own."""
    folders: dict[str, set[str]] = {}
    for name, path in MODULES.items():
        folder, *others = (".".join(module.split(".")[:2]) for module in (name, *imports(ast.parse(path.read_text()))))
        folders.setdefault(folder, set()).update(set(others) - {folder})
    assert len(folders) > 10  # folders were found
    assert [folder for folder in folders if folder in reached(folders, folder)] == []


@pytest.mark.parametrize("path", [*SOURCES, *RULES], ids=lambda path: str(path.relative_to(REPO)))
def test_files_and_functions_are_short(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= MOST_LINES_OF_A_FILE
    functions = ast.walk(ast.parse(text)) if path.suffix == ".py" else []
    long = [
        (node.name, length)
        for node in functions
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or 0) - node.lineno + 1) > MOST_LINES_OF_A_FUNCTION
    ]
    assert long == []


def imported_by_rules() -> list[str]:
    """The import statements of the workflow's files that name this package."""
    lines = itertools.chain.from_iterable(path.read_text().splitlines() for path in RULES)
    return sorted({line for line in lines if re.match(r"(from|import) soundclr", line)})


@pytest.mark.parametrize("statements", [["import soundclr.method"], imported_by_rules()], ids=["method", "workflow"])
def test_planning_waits_for_no_library(statements: list[str]) -> None:
    """Torch and pandas take seconds, at each start of Snakemake and of each of its jobs."""
    assert statements
    code = "; ".join(
        [*statements, "import sys; print(*{'torch', 'pandas', 'matplotlib', 'sklearn'} & set(sys.modules))"]
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
