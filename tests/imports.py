"""Which modules a module imports, read from its source."""

import ast
import functools

from samples import ROOT


@functools.cache
def modules() -> dict[str, str]:
    """Return the path of every module, relative to the repository, by dotted name."""
    found = {}
    for path in sorted([*(ROOT / "pipeline").rglob("*.py"), *(ROOT / "ablate").rglob("*.py")]):
        relative = path.relative_to(ROOT)
        name = ".".join(relative.with_suffix("").parts).removesuffix(".__init__")
        found[name] = str(relative)
    return found


def imported(module: str) -> set[str]:
    """Return the modules that this one imports directly, and the packages around them."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / modules()[module]).read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {str(node.module)} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value.partition(":")[0])  # the name of a kernel
    found &= set(modules())
    for name in tuple(found):
        parts = name.split(".")
        found |= {".".join(parts[:count]) for count in range(1, len(parts))}
    return found - {module}


def reached(module: str) -> set[str]:
    """Return the module and everything that it imports, directly or not."""
    parts = module.split(".")
    open_ = {".".join(parts[:count]) for count in range(1, len(parts) + 1)}
    found: set[str] = set()
    while open_:
        found |= open_
        open_ = {other for name in open_ for other in imported(name)} - found
    return found
