"""The engine (Pulumi's CLI) and the AWS provider: found, else downloaded, else built from Go modules.

`find` answers at once from what set-up left in the cache; `get` is set-up. Nobody else needs to know where the two come from.
"""

from infra_assets.sandbox.tools.model import Tools
from infra_assets.sandbox.tools.setup import find, get

__all__ = ["Tools", "find", "get"]
