"""What a program's result depends on in files: its own folder, the components it imports, the SDKs it runs on.

So an edit of `components/network.py` concerns the projects that import it, directly or not, and no other.
"""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

SDKS = ("pulumi", "pulumi-aws", "pydantic")
IGNORED = ("__pycache__", ".pulumi")


def source_files(folder: Path) -> set[Path]:
    """Return what a program's result depends on in files: those of its project, and the modules of its package that they import."""
    return _own_files(folder) | _imported(folder, folder.parent)


def source_hash(folder: Path) -> str:
    """Return the SHA-256 over a project's files, the modules of its programs' package that they import, and the SDKs' versions."""
    digest = hashlib.sha256()
    package = folder.parent
    for path in sorted(source_files(folder)):
        digest.update(f"{path.relative_to(package).as_posix()}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    for sdk in SDKS:
        digest.update(f"{sdk}=={_installed(sdk)}\n".encode())
    return digest.hexdigest()


@cache
def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


def _own_files(folder: Path) -> set[Path]:
    """Every file of a project, but for stacks' settings (those are configuration, not program) and leftovers."""
    return {
        path
        for path in folder.rglob("*")
        if path.is_file()
        and not any(part in IGNORED for part in path.relative_to(folder).parts)
        and not (path.name.startswith("Pulumi.") and path.name != "Pulumi.yaml")
    }


def _imported(folder: Path, package: Path) -> set[Path]:
    """Modules of the programs' package that a project's modules import, and what those import."""
    found: set[Path] = set()
    waiting = list(folder.rglob("*.py"))
    while waiting:
        for path in _imports(waiting.pop(), package):
            if path not in found:
                found.add(path)
                waiting.append(path)
    return found


def _imports(module: Path, package: Path) -> Iterator[Path]:
    for name in _names(module.read_bytes()):
        yield from _files(name, package)


@lru_cache(maxsize=1024)
def _names(source: bytes) -> tuple[str, ...]:
    """Return what a module imports, by dotted names. By its content: a run meets the same components in each of its projects."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return ()  # the run will say so, with the line
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return tuple(dict.fromkeys(names))


def _files(name: str, package: Path) -> Iterator[Path]:
    """The files that importing a dotted name runs: the module and the packages above it."""
    top, *rest = name.split(".")
    if top != package.name:
        return
    for depth in range(len(rest) + 1):
        below = package.joinpath(*rest[:depth])
        for path in (below / "__init__.py", below.with_suffix(".py")):
            if path.is_file() and path != package.with_suffix(".py"):
                yield path
