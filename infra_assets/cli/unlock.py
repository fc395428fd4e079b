"""`infra unlock`."""

from typing import Annotated

import typer

from infra_assets.cli.context import Context
from infra_assets.cli.output import stderr
from infra_assets.errors import UsageError
from infra_assets.stacks.cell import Cell


def unlock(
    stack: Annotated[str, typer.Argument(metavar="PROJECT/TEP", help="The stack, such as network/acme-prod.")],
    lock: Annotated[str, typer.Option("--lock", help="The lock's id, as the refusal names it.")],
) -> None:
    """Take a lock away that a killed operation has left; only when its owner is gone.

    Example: infra unlock network/acme-prod --lock 0f6e9b1c-53c5-4b0e-9d0f-0d8a6c0a2b11
    """
    from infra_assets.stacks.operator import Operator  # imports the Pulumi SDK, which no other command needs

    project, slash, tep = stack.partition("/")
    if not slash:
        raise UsageError(f"{stack}: a stack is PROJECT/TEP, such as network/acme-prod")
    context = Context()
    cell = Cell(context.catalogue.get(project), context.registry.get(tep))
    taken = Operator(context.settings).unlock(cell, lock)
    stderr.print(f"{cell.name} is unlocked; the lock was {taken.owner}'s", highlight=False)
