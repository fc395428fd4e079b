"""`fn::rotate::password`: random passwords; the one before stays known."""

import secrets
import string
from collections.abc import Mapping

from infra_assets.environments.language.model import ExecutionContext, JsonSchema, ProviderError, Value
from infra_assets.environments.providers.inputs import Inputs
from infra_assets.environments.providers.schemas import flag, number, object_of, text

SPECIAL = "!@#$%&*()-_=+[]{}<>:?"
SHORTEST, LONGEST, LENGTH = 8, 100, 16
CLASSES = {"lower": string.ascii_lowercase, "upper": string.ascii_uppercase, "numeric": string.digits, "special": SPECIAL}
STATE = object_of(
    {"current": text("The most recently generated password."), "previous": text("The prior generated password.")}, required=("current",)
)


class Password:
    """The rotator."""

    inputs: JsonSchema = object_of(
        {
            "length": number("The length of the generated password.", minimum=SHORTEST, maximum=LONGEST),
            **{name: flag(f"Whether to include {name} characters.") for name in CLASSES},
            **{
                f"min{name.capitalize()}": number(f"The minimum number of {name} characters.", minimum=0, maximum=LONGEST)
                for name in CLASSES
            },
            "overrideSpecial": text("The set of special characters to choose from."),
        }
    )
    state: JsonSchema = STATE
    outputs: JsonSchema = STATE

    def open(self, inputs: Mapping[str, Value], state: Mapping[str, Value], context: ExecutionContext) -> Value:  # noqa: ARG002
        """Return `current` and, after the second rotation, `previous`; both secret.

        Raises:
            ProviderError: there is no password yet.
        """
        if not state:
            raise ProviderError("password: there is none yet: rotate it first")
        kept = Inputs.of(state, "state.")
        return _state(kept.text("current"), kept.text("previous", ""))

    def rotate(self, inputs: Mapping[str, Value], state: Mapping[str, Value] | None, context: ExecutionContext) -> Value:  # noqa: ARG002
        """Return the state with a new password.

        Raises:
            ProviderError: no password can be as the inputs want it.
        """
        kept = Inputs.of(state or {}, "state.")
        return _state(generate(Inputs.of(inputs)), kept.text("current", ""))


def generate(wanted: Inputs) -> str:
    """Return a password of the wanted length, with at least as many characters of each class as wanted.

    Raises:
        ProviderError: the inputs contradict each other.
    """
    length = wanted.whole("length", LENGTH, SHORTEST, LONGEST)
    alphabets = CLASSES | {"special": wanted.text("overrideSpecial", "") or SPECIAL}
    least = {name: wanted.whole(f"min{name.capitalize()}", 0, 0, LONGEST) for name in CLASSES}
    allowed = [name for name in CLASSES if wanted.flag(name, True)]
    for name in CLASSES:
        if least[name] and name not in allowed:
            raise ProviderError(f"password: min{name.capitalize()} asks for characters that {name} forbids")
    if not allowed:
        raise ProviderError("password: no characters are left: one of lower, upper, numeric and special must be true")
    if sum(least.values()) > length:
        raise ProviderError("password: minLower, minUpper, minNumeric and minSpecial together are more than length")
    chosen = [secrets.choice(alphabets[name]) for name in allowed for _ in range(least[name])]
    anything = "".join(alphabets[name] for name in allowed)
    chosen += [secrets.choice(anything) for _ in range(length - len(chosen))]
    secrets.SystemRandom().shuffle(chosen)
    return "".join(chosen)


def _state(current: str, previous: str) -> Value:
    kept = {"current": current} | ({"previous": previous} if previous else {})
    return Value({name: Value(password, secret=True) for name, password in kept.items()})
