"""What AWS publishes to everybody, images and parameters, made for an account when it is asked for.

moto makes all of it for each account at its first call: a third of a second and 10 MB an account, in a process that a whole fleet shares.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from moto.core.parse import default_timestamp_parser
from moto.core.utils import utcnow
from moto.ec2.models import amis
from moto.ec2.models.amis import Ami, AmiBackend
from moto.ssm.models import Parameter, ParameterDict
from moto.ssm.utils import convert_to_params
from moto.utilities.utils import load_resource

ECS_IMAGES = "/aws/service/ecs/optimized-ami"


def install() -> None:
    """Put the late forms in place of moto's own. Once, before the first call."""
    images: Any = AmiBackend
    images._load_amis = _load_nothing  # noqa: SLF001  # moto has no public seam here
    images.describe_images = _describing_published(images.describe_images)
    parameters: Any = ParameterDict
    parameters._check_loading_status = _checking_one(parameters._check_loading_status)  # noqa: SLF001  # nor here


def _load_nothing(backend: AmiBackend) -> None:
    """Stand in for the loading of all images."""


def _describing_published(describe: Any) -> Any:
    def describe_images(
        self: Any,
        ami_ids: list[str] | None = None,
        filters: dict[str, Any] | None = None,
        exec_users: list[str] | None = None,
        owners: list[str] | None = None,
    ) -> list[Ami]:
        published = published_images(self.region_name)
        for each in ami_ids or _asked_for(filters) or published:
            if each in published and each not in self.amis and each not in self.deleted_amis:
                self.amis[each] = Ami(self, **published[each])
        return describe(self, ami_ids, filters, exec_users, owners)

    return describe_images


def _asked_for(filters: Mapping[str, Any] | None) -> Iterable[str]:
    wanted = (filters or {}).get("image-id", [])
    return [wanted] if isinstance(wanted, str) else wanted


@cache
def published_images(region: str) -> Mapping[str, Mapping[str, Any]]:
    """Return the public images of a region by id, as moto's `Ami` takes them."""
    known: list[dict[str, Any]] = [*amis.AMIS]
    for folder in ("latest_amis", "ecs/optimized_amis"):
        known += _resource(f"ec2/resources/{folder}/{region}.json") or []
    return {image["ami_id"]: _with_owner(image) for image in known}


def _with_owner(image: dict[str, Any]) -> Mapping[str, Any]:
    created = image.get("creation_date")
    date = {"creation_date": default_timestamp_parser(created)} if isinstance(created, str) else {}
    return image | {"owner_alias": "amazon"} | date


def _checking_one(check: Any) -> Any:
    def check_loading_status(self: Any, key: str) -> None:
        published: Mapping[str, str] = published_parameters(self.region_name) if str(key).startswith(ECS_IMAGES) else {}
        if key not in published:
            # A path, or another part of the tree: moto loads it whole, without what is here already.
            for name in published if not self.latest_ecs_amis_loaded else ():
                self.pop(name, None)
            check(self, key)
        elif not _holds(self, key):
            self[key] = [_parameter(self.account_id, key, published[key])]

    return check_loading_status


@cache
def published_parameters(region: str) -> Mapping[str, str]:
    """Return the values of a region's public parameters for ECS-optimized images, by name."""
    return {each["Name"]: each["Value"] for each in convert_to_params(_resource(f"ssm/resources/ecs/optimized_amis/{region}.json") or {})}


def _holds(parameters: "dict[str, Any]", name: str) -> bool:
    """Look without moto's own looking, which would come back here."""
    return name in parameters.keys()  # noqa: SIM118  # the view does not ask __contains__ of a subclass


def _parameter(account: str, name: str, value: str) -> Any:
    return Parameter(
        account_id=account,
        name=name,
        value=value,
        parameter_type="String",
        description=None,
        allowed_pattern=None,
        keyid=None,
        last_modified_date=utcnow(),
        version=1,
        data_type="text",
    )


def _resource(path: str) -> Any:
    try:
        return load_resource(path)
    except FileNotFoundError:
        # A region that moto has no list for.
        return None
