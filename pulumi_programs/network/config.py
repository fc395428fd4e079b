"""Settings of the project `network`."""

from ipaddress import IPv4Network
from typing import Annotated

from pydantic import AfterValidator, Field

from pulumi_programs.components.addresses import MAX_ZONES, check_cidr
from pulumi_programs.components.configuration import Configuration
from pulumi_programs.components.fields import Retention
from pulumi_programs.components.network import Nat


class NetworkConfig(Configuration):
    """The network's addresses, zones, and way out."""

    cidr: Annotated[IPv4Network, AfterValidator(check_cidr)] = Field(
        description="The VPC's addresses, a private block from /16 to /24.", examples=["10.20.0.0/16"]
    )
    zones: int = Field(2, ge=2, le=MAX_ZONES, description="Availability zones, each with a public and a private subnet.", examples=[2])
    nat: Nat = Field(
        "single",
        description="NAT gateways: none, single, or per_zone (outlives a zone).",
        examples=["single"],
    )
    flow_logs: bool = Field(True, description="Whether the network's traffic is recorded.")
    flow_log_retention_days: Retention = Field(30, description="Days for which the record is kept.", examples=[30])
