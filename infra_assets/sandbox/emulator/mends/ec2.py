"""EC2."""

from collections.abc import Mapping
from typing import Any

from moto.ec2.models import EC2Backend
from moto.ec2.models.internet_gateways import InternetGateway
from moto.ec2.models.launch_templates import LaunchTemplate
from moto.ec2.models.route_tables import Route
from moto.ec2.utils import parse_user_data

from infra_assets.sandbox.emulator.mends.registry import mend

BACKEND: Any = EC2Backend


@mend("ec2")
def template_tags_are_its_own() -> None:
    """Keep a launch template's own tags out of what it launches.

    So does AWS (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplate.html); moto puts them into the first
    version's TagSpecifications, which reads as drift. aws:ec2/launchTemplate:LaunchTemplate with default tags.
    """
    create = BACKEND.create_launch_template

    def create_launch_template(self: Any, name: str, description: str, data: dict[str, Any], tag_spec: Mapping[str, Any]) -> Any:
        specifications = [each for each in data.pop("TagSpecifications", []) if each["ResourceType"] != "launch-template"]
        launched = {"TagSpecifications": specifications} if specifications else {}
        return create(self, name, description, data | launched, tag_spec)

    BACKEND.create_launch_template = create_launch_template


@mend("ec2")
def later_versions_launch() -> None:
    """Launch from a template's later versions as from the first; moto leaves their user data undecoded, and then fails at it.

    aws:autoscaling/group:Group on a launch template whose user data was changed.
    """
    template: Any = LaunchTemplate
    create = template.create_version

    def create_version(self: Any, data: dict[str, Any], description: str) -> Any:
        raw = data.get("UserData")
        return create(self, data | {"UserData": parse_user_data(raw)} if isinstance(raw, str) else data, description)

    template.create_version = create_version


@mend("ec2")
def routes_into_nothing_are_blackholes() -> None:
    """Say `blackhole` of a route whose NAT gateway was deleted, or whose internet gateway was detached; moto says that all are active.

    Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Route.html. Health checks of networks.
    """
    route: Any = Route
    route.state = property(lambda self: "blackhole" if _leads_nowhere(self) else "active")


def _leads_nowhere(route: Any) -> bool:
    if route.nat_gateway is not None:
        return route.nat_gateway.state in ("deleting", "deleted", "failed")
    return isinstance(route.gateway, InternetGateway) and route.gateway.vpc is None
