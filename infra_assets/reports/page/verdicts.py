"""How the page shows a verdict: a sign and a word, never a colour alone."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Look:
    """How one verdict, or the state of a cell without one, looks."""

    name: str
    sign: str
    tone: str
    """The colours and the height in a history: `bad`, `both`, `moved`, `due`, `maybe`, `none`, `clean`."""
    says: str

    def as_json(self) -> list[Any]:
        """Return it as the page's script wants it."""
        return [self.name, self.sign, self.tone, self.says]


# Signs that common fonts have and that no system turns into coloured pictures.
LOOKS = (
    Look("error", "✕", "bad", "it could not be looked at, or its program fails: nothing is known"),
    Look("failed", "✕", "bad", "its last operation failed"),
    Look("both", "⇄", "both", "the cloud is not as it was left, and the program or its configuration has moved on"),
    Look("drifted", "≠", "moved", "the cloud is not as it was left"),
    Look("pending", "→", "due", "the program or its configuration has moved on and was not deployed yet"),
    Look("changed", "Δ", "due", "resources would change"),
    Look("maybe", "?", "maybe", "what is upstream of it changes, so that it may"),
    Look("never", "○", "none", "never deployed"),
    Look("removed", "⊖", "none", "taken down"),
    Look("skipped", "»", "none", "not done, because something before it failed"),
    Look("deploying", "…", "none", "being deployed"),
    Look("queued", "…", "none", "waits to be deployed"),
    Look("deployed", "●", "none", "deployed; nobody has looked since"),
    Look("same", "=", "clean", "no resource would change, though what it rests on does"),
    Look("in-sync", "✓", "clean", "the cloud is as it was left, and so is the program"),
    Look("unchanged", "·", "clean", "not concerned"),
)
"""The worst first."""
