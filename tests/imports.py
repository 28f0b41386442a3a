"""What a module of the pipeline imports from the pipeline, read from its source."""

import ast
import functools

from samples import ROOT


@functools.cache
def modules() -> dict[str, str]:
    """Dotted name to path, relative to the repository."""
    found = {}
    for path in sorted([*(ROOT / "pipeline").rglob("*.py"), *(ROOT / "ablate").rglob("*.py")]):
        relative = path.relative_to(ROOT)
        name = ".".join(relative.with_suffix("").parts).removesuffix(".__init__")
        found[name] = str(relative)
    return found


def imported(module: str) -> set[str]:
    """The modules that this one imports directly, with the packages that Python imports on the way."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / modules()[module]).read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {str(node.module)} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value.partition(":")[0])  # a kernel, which is named to the library that compiles it
    found &= set(modules())
    for name in tuple(found):
        parts = name.split(".")
        found |= {".".join(parts[:count]) for count in range(1, len(parts))}
    return found - {module}


def reached(module: str) -> set[str]:
    """The module and everything that is imported when it is."""
    parts = module.split(".")
    open_ = {".".join(parts[:count]) for count in range(1, len(parts) + 1)}
    found: set[str] = set()
    while open_:
        found |= open_
        open_ = {other for name in open_ for other in imported(name)} - found
    return found
