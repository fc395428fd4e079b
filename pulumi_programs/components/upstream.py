"""Outputs of the same tenant's other stacks.

They are awaited before a program creates anything: a stack that lacks one fails with one message and leaves nothing half made.

In a preview an output may be one that nobody knows yet: the stack is itself only being previewed. What is made of it is unknown as well.
Such an output can be handed to resources and to `apply`, but there is no text to look at, and no list to count.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import pulumi
from pulumi.output import Unknown
from pulumi.runtime import is_dry_run


class UpstreamError(pulumi.RunError):
    """A stack that this one builds on lacks an output. The SDK prints the message without a traceback."""


class Upstream:
    """The outputs of one stack. What was a secret there stays one here."""

    def __init__(self, stack: str, outputs: Mapping[str, Any], secrets: Sequence[str]) -> None:
        self._stack = stack
        self._outputs = outputs
        self._secrets = frozenset(secrets)

    def text(self, name: str) -> pulumi.Output[str]:
        """Return an output that is a text, unknown where a preview does not know it.

        Raises:
            UpstreamError: the stack has no such output, or it is not a text.
        """
        return self._output(name, self._text(name, self._outputs.get(name)))

    def texts(self, name: str) -> pulumi.Output[Sequence[str]]:
        """Return an output that is a list of texts, unknown where a preview does not know it or one of them.

        Raises:
            UpstreamError: the stack has no such output, or it is not a list of texts.
        """
        value = self._outputs.get(name)
        if _to_be_known(value):
            return self._output(name, value)
        if not isinstance(value, list):
            raise self._error(name, value, "a list")
        return self._output(name, [self._text(name, item) for item in cast("list[object]", value)])

    def _output(self, name: str, value: Any) -> pulumi.Output[Any]:
        return pulumi.Output.secret(value) if name in self._secrets else pulumi.Output.from_input(value)

    def _text(self, name: str, value: object) -> object:
        if not isinstance(value, str) and not _to_be_known(value):
            raise self._error(name, value, "a text")
        return value

    def _error(self, name: str, value: object, expected: str) -> UpstreamError:
        what = f"has no output {name}" if value is None else f"has an output {name} that is not {expected}"
        reader = f"{pulumi.get_project()}/{pulumi.get_stack()}"
        return UpstreamError(f"{reader}: the stack {self._stack} {what}; deploy {self._stack} first")


def _to_be_known(value: object) -> bool:
    """Whether deploying will tell. In a deployment nothing is: there what is unknown is missing."""
    return isinstance(value, Unknown) and is_dry_run()


async def upstream(project: str) -> Upstream:
    """Return the outputs of `project` for the running stack's tenant and environment.

    Each call reads a state: ask once per project, and for several with `asyncio.gather`. A stack that does not exist fails in the engine.
    """
    stack = f"{project}/{pulumi.get_stack()}"
    reference = pulumi.StackReference(f"{pulumi.get_organization()}/{stack}")
    outputs = await reference.outputs.future(with_unknowns=True)  # else one unknown would hide all of them
    secrets = await reference.secret_output_names.future()
    return Upstream(stack, outputs or {}, secrets or [])
