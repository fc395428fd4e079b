"""Which configuration keys a project knows, read from its `config.py` without running it."""

import ast

from infra_assets.stacks.projects import Project

BASE = "Configuration"


def configuration_keys(project: Project) -> list[str]:
    """Return the fields of the project's configuration model; nothing where it has none, so that any key may be meant."""
    file = project.folder / "config.py"
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError):
        return []
    return [
        statement.target.id
        for node in tree.body
        if isinstance(node, ast.ClassDef) and any(isinstance(base, ast.Name) and base.id == BASE for base in node.bases)
        for statement in node.body
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
    ]
