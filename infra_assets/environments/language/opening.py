"""`fn::open` and `fn::rotate`: what providers and rotators bring in."""

from typing import TYPE_CHECKING

from infra_assets.environments.language.expressions import Call
from infra_assets.environments.language.model import Provider, ProviderError, Rotator, Site
from infra_assets.environments.language.model import Value as Exported
from infra_assets.environments.language.paths import join_key, parse_path
from infra_assets.environments.language.schema import ALWAYS, NULL, Schema, one_of
from infra_assets.environments.language.values import Value, imported, unknown

if TYPE_CHECKING:
    from infra_assets.environments.language.frame import Frame, Slot


def evaluate_open(frame: "Frame", slot: "Slot", call: Call) -> Value:
    """Return what a provider has; unknown where it was not asked."""
    if call.provider is None:
        return unknown(call)
    provider, accept, outputs = _provider(frame, call, call.provider)
    inputs, fits = frame.typed(slot.parts()[0], accept)
    value = Value(call, None, None, outputs, unknown=True)
    if frame.session.checking or not fits or provider is None:
        return value
    site = Site(frame.name, call.path, call.provider)
    wanted = frame.session.opens(site)
    frame.record.asked[site] = wanted
    if not wanted or inputs.pendings:
        frame.pend(site, None if inputs.unknowns else inputs)
        value.pending = inputs.pendings | {site}
        return value
    if inputs.unknowns:
        return value
    return _open(frame, call, provider, site, inputs) or value


def _provider(frame: "Frame", call: Call, name: str) -> tuple[Provider | None, Schema, Schema]:
    try:
        provider = frame.session.providers.provider(name)
    except ProviderError as problem:
        frame.record.volatile = True
        frame.error(call, str(problem))
        return None, ALWAYS, ALWAYS
    return provider, frame.session.schema(provider.inputs), frame.session.schema(provider.outputs)


def _open(frame: "Frame", call: Call, provider: Provider, site: Site, inputs: Value) -> Value | None:
    frame.record.volatile = True
    given = _object(frame, call, inputs)
    if given is None:
        return None
    frame.record.opened.append(site)
    try:
        return imported(provider.open(given, frame.context), call)
    except ProviderError as problem:
        frame.error(call, str(problem))
        return None


def _object(frame: "Frame", call: Call, inputs: Value) -> dict[str, Exported] | None:
    given = inputs.export().value
    if isinstance(given, dict):
        return given
    frame.error(call, "provider inputs must be an object")
    return None


def evaluate_rotate(frame: "Frame", slot: "Slot", call: Call) -> Value:
    """Return what a rotator has, after it has rotated where that is what is being done."""
    if call.provider is None:
        return unknown(call)
    rotator, accept, accept_state, outputs = _rotator(frame, call, call.provider)
    inputs, inputs_fit = frame.typed(slot.parts()[0], accept)
    state, state_fits = frame.typed(slot.parts()[1], accept_state)
    value = Value(call, None, None, outputs, unknown=True, pending=inputs.pendings | state.pendings)
    if frame.session.checking or not (inputs_fit and state_fits) or rotator is None:
        return value
    if inputs.observable_unknowns(rotating=frame.session.rotating and frame.is_root) or state.unknowns:
        return value
    frame.record.volatile = True
    given = _object(frame, call, inputs)
    if given is None:
        return value
    held = state.export().value
    old = held if isinstance(held, dict) else None
    try:
        new = _rotated(frame, call, rotator, given, old)
    except ProviderError as problem:
        frame.error(call, f"rotate: {problem}")
        return value
    try:
        return imported(rotator.open(given, new or {}, frame.context), call)
    except ProviderError as problem:
        frame.error(call, str(problem))
        return value


def _rotator(frame: "Frame", call: Call, name: str) -> tuple[Rotator | None, Schema, Schema, Schema]:
    try:
        rotator = frame.session.providers.rotator(name)
    except ProviderError as problem:
        frame.record.volatile = True
        frame.error(call, str(problem))
        return None, ALWAYS, ALWAYS, ALWAYS
    schema = frame.session.schema
    return rotator, schema(rotator.inputs), one_of(schema(rotator.state), NULL), schema(rotator.outputs)


def _rotated(
    frame: "Frame", call: Call, rotator: Rotator, inputs: dict[str, Exported], state: dict[str, Exported] | None
) -> dict[str, Exported] | None:
    if not frame.is_root or not frame.session.rotates(parse_path(call.path)[1:]):
        return state
    new = rotator.rotate(inputs, state, frame.context)
    frame.session.patch(f"{join_key(call.path, call.name)}.state", new)
    return new.value if isinstance(new.value, dict) else None
