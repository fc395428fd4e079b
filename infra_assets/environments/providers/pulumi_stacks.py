"""`fn::open::pulumi-stacks`: outputs of stacks; here a stack is a project in a TEP, `network/acme-prod`."""

from collections.abc import Mapping

from infra_assets.environments.language.model import ExecutionContext, JsonSchema, ProviderError, Value
from infra_assets.environments.providers.inputs import Inputs
from infra_assets.environments.providers.ports import MayRead, StackOutputs
from infra_assets.environments.providers.schemas import map_of, object_of, text


class PulumiStacks:
    """The provider."""

    inputs: JsonSchema = object_of(
        {
            "stacks": map_of(
                object_of({"stack": text("The project-qualified name of the stack: project/stack.")}, required=("stack",)),
                "A map of names to stacks to get outputs from.",
            )
        },
        required=("stacks",),
    )
    outputs: JsonSchema = map_of({"type": "object", "additionalProperties": True}, "The outputs, by the names of stacks.")

    def __init__(self, stacks: StackOutputs | None, may_read: MayRead | None = None) -> None:
        self._stacks = stacks
        self._may_read = may_read

    def open(self, inputs: Mapping[str, Value], context: ExecutionContext) -> Value:
        """Return the stacks' outputs by name; what is a secret there is one here.

        Raises:
            ProviderError: a name is none of a stack, or the stack has no outputs to give.
        """
        named = _named(inputs)
        if self._stacks is None:
            raise ProviderError("pulumi-stacks: outputs of stacks are not to be had here")
        for project, stack in named.values():
            if self._may_read is not None and not self._may_read(context, stack):
                raise ProviderError(f"pulumi-stacks: {context.root_environment} may not read stack {project}/{stack}")
        return Value({name: self._stacks.outputs(*stack) for name, stack in named.items()})


def stack_references(inputs: Mapping[str, Value]) -> list[tuple[str, str]]:
    """Return the stacks (project, stack) that an `fn::open::pulumi-stacks` with these inputs reads, each once, in order.

    Raises:
        ProviderError: a name is none of a stack, or is not known yet.
    """
    return list(dict.fromkeys(_named(inputs).values()))


def _named(inputs: Mapping[str, Value]) -> dict[str, tuple[str, str]]:
    return {name: _stack(each) for name, each in Inputs.of(inputs).parts("stacks").items()}


def _stack(given: Inputs) -> tuple[str, str]:
    project, slash, stack = given.text("stack").partition("/")
    if not (project and slash and stack) or "/" in stack:
        raise ProviderError(f"pulumi-stacks: {given.place('stack')} is not the name of a stack: project/stack")
    return project, stack
