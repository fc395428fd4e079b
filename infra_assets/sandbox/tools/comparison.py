"""`python -m infra_assets.sandbox.tools.comparison`: compare the built provider with the classes of pulumi_aws.

What runs here must run on the official plugin: same names, lists where it has lists, required where it requires.
"""

import sys
from collections.abc import Iterator

from infra_assets import settings
from infra_assets.sandbox.tools import Tools, get
from infra_assets.sandbox.tools.mapping import RENAMES, read_newer, read_types
from infra_assets.sandbox.tools.shapes import PROVIDER, Shape, Signature, built, official

MISSING = "not in the built provider"


def differences(tools: Tools) -> list[str]:
    """Return a line for each difference between the built provider and pulumi_aws, over all mapped types; none is what is wanted.

    What newer.txt explains is no difference; what it explains without need is one.
    """
    ours = built(tools.provider)
    found: list[str] = []
    unused = read_newer()
    for name, token in [("provider", PROVIDER), *((mapped.upstream, mapped.token) for mapped in read_types())]:
        for place, difference in compare(ours[token], official(token)):
            explained = (name, place) in read_newer() and difference == MISSING
            unused.discard((name, place))
            found += [] if explained else [f"{token}: {place}: {difference}"]
    return found + [f"newer.txt: {name} {place}: the built provider has it, or pulumi_aws has not" for name, place in sorted(unused)]


def compare(ours: Signature, theirs: Signature) -> list[tuple[str, str]]:
    """Return the place of each difference between two signatures, and what it is."""
    found = [
        *_compare_all("", _without_id(ours.inputs), _without_id(theirs.inputs), strict=True),
        *_compare_all("", _without_id(ours.outputs), _without_id(theirs.outputs), strict=False),
    ]
    return list(dict.fromkeys(found))  # most are the same in inputs and outputs


def _without_id(shapes: dict[str, Shape]) -> dict[str, Shape]:
    return {name: shape for name, shape in shapes.items() if name != "id"}  # every resource and result has one


def _compare_all(prefix: str, ours: dict[str, Shape], theirs: dict[str, Shape], *, strict: bool) -> Iterator[tuple[str, str]]:
    # Only inputs are strict: whether an output is there is seen when it is read.
    for name in sorted(ours.keys() | theirs.keys()):
        place = f"{prefix}{name}"
        if name not in theirs:
            yield place, f"not in pulumi_aws's {'inputs' if strict else 'outputs'}"
        elif name not in ours:
            yield place, MISSING
        else:
            yield from _compare_one(place, ours[name], theirs[name], strict=strict)


def _compare_one(place: str, ours: Shape, theirs: Shape, *, strict: bool) -> Iterator[tuple[str, str]]:
    if ours.kind != theirs.kind:
        yield place, f"{ours.kind}, in pulumi_aws {theirs.kind}"
        return
    if strict and theirs.required is not None and ours.required != theirs.required:
        yield place, f"{_needed(ours)}, in pulumi_aws {_needed(theirs)}"
    if strict and ours.json != theirs.json:
        yield place, f"{_taken(ours)}, in pulumi_aws {_taken(theirs)}"
    if ours.element and theirs.element:
        yield from _compare_one(f"{place}[]", ours.element, theirs.element, strict=strict)
    yield from _compare_all(f"{place}.", ours.properties, theirs.properties, strict=strict)


def _needed(shape: Shape) -> str:
    return "required" if shape.required else "optional"


def _taken(shape: Shape) -> str:
    return "text or an object" if shape.json else "text alone"


def main() -> int:
    """Print the renames and the differences, and return 1 when there are any."""
    tools = get(settings.load(), lambda line: None)  # noqa: ARG005
    sys.stdout.write(RENAMES.read_text())
    found = differences(tools)
    sys.stdout.writelines(f"{line}\n" for line in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
