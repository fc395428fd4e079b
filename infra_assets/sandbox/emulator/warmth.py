"""Loading ahead: what the first call to a service would wait for."""

import logging

from moto.core.routing import get_service_router
from moto.core.utils import get_service_model

from infra_assets.sandbox.emulator import routes, speed

LOG = logging.getLogger(__name__)
# moto's names, in the order in which a first deployment calls them.
SERVICES = ("sts", "s3", "iam", "ec2", "logs", "cloudwatch", "sns", "budgets", "autoscaling", "ecs", "ssm", "organizations")


def warm() -> None:
    """Load the services that the programs use: code, models, routes. Runs beside the first calls, and never fails them."""
    try:
        for service in SERVICES:
            routes.paths_of(service)
            get_service_model(service)
        get_service_router("s3")
    except Exception:
        LOG.exception("warming up failed; the first calls are slower")
    speed.freeze()
