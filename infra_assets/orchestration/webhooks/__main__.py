"""The process that receives webhooks: `python -m infra_assets.orchestration.webhooks`. `services` runs it."""

import logging
import sys

from infra_assets import settings
from infra_assets.errors import InfraError
from infra_assets.orchestration.sensors import follow_environments, follow_targets
from infra_assets.orchestration.webhooks.server import serve


def main() -> None:
    """Serve until terminated; what a webhook is about is looked at here, by what the sensors look with."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    try:
        serve(settings.load(), lambda: follow_targets("webhook"), lambda: follow_environments("webhook"))
    except InfraError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
