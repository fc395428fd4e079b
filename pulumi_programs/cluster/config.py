"""Settings of the project `cluster`: the capacity is the tenant's own."""

from typing import Self

from pydantic import Field, model_validator

from pulumi_programs.components.configuration import Configuration

AMI_PARAMETER = "/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id"
"""Where AWS publishes the newest ECS-optimized image (Amazon ECS developer guide, "Retrieving Amazon ECS-optimized Linux AMI metadata")."""


class ClusterConfig(Configuration):
    """The cluster's instances: kind and number."""

    instance_type: str = Field(pattern=r"^[a-z][a-z0-9-]*\.[a-z0-9-]+$", description="The instances' type.", examples=["t3.medium"])
    min_size: int = Field(ge=0, description="Fewest instances.", examples=[1])
    desired: int | None = Field(
        None, ge=0, description="Instances to run when this is deployed; left out, managed scaling alone decides.", examples=[2]
    )
    max_size: int = Field(ge=1, description="Most instances.", examples=[4])
    ami_parameter: str = Field(
        AMI_PARAMETER, pattern=r"^/[\w./-]+$", description="Name of the SSM parameter that holds the image's id.", examples=[AMI_PARAMETER]
    )
    target_capacity: int = Field(
        100, ge=1, le=100, description="Percent of the instances that managed scaling keeps in use; below 100 is headroom.", examples=[90]
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        desired = self.min_size if self.desired is None else self.desired
        if not self.min_size <= desired <= self.max_size:
            raise ValueError(f"min_size {self.min_size} <= desired {desired} <= max_size {self.max_size} does not hold")
        return self
