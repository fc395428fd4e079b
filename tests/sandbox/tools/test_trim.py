"""Trimming, on an upstream of four services: one is wanted, it imports another and uses a third one's client."""

from pathlib import Path

import pytest

from infra_assets.errors import InfraError
from infra_assets.sandbox.tools.mapping import MappedType
from infra_assets.sandbox.tools.trim import copy_trimmed, services_of, with_clients, with_imports

MODULE = "github.com/hashicorp/terraform-provider-aws"
TOPIC = MappedType("aws_topic", "aws:sns/topic:Topic", function=False)


def service(upstream: Path, name: str, resource: str, body: str = "") -> None:
    folder = upstream / "internal/service" / name
    folder.mkdir(parents=True)
    (folder / "service_package_gen.go").write_text(
        "func (p *servicePackage) SDKDataSources(ctx context.Context) {\n}\n\n"
        f"func (p *servicePackage) ServicePackageName() string {{\n\treturn names.{name.upper()}\n}}\n\n"
        f'func (p *servicePackage) FrameworkResources(ctx context.Context) {{\n\t\tTypeName: "{resource}",\n}}\n'
    )
    (folder / "use.go").write_text(body)
    (folder / "use_test.go").write_text("package test")


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    root = tmp_path / "upstream"
    imports_iam = f'import (\n\ttfiam "{MODULE}/internal/service/iam"\n)\n'
    service(root, "sns", "aws_topic", f"{imports_iam}Delay:  30 * time.Second,\nc.SNSClient(ctx)\nc.KMSClient(ctx)\n")
    service(root, "iam", "aws_role", "PollInterval: 5 * time.Minute,\nretry(WithDelay(5*time.Second))\nc.IAMClient(ctx)\n")
    service(root, "kms", "aws_key")
    service(root, "s3", "aws_bucket", "c.S3Client(ctx)\n")
    names = ("iam", "kms", "s3", "sns")
    (root / "internal/service/smarterr.hcl").write_text("")
    (root / "internal/provider/sdkv2").mkdir(parents=True)
    (root / "internal/provider/sdkv2/service_packages_gen.go").write_text(
        "".join(f'\t"{MODULE}/internal/service/{name}"\n' for name in names)
        + "".join(f"\t\t{name}.ServicePackage(ctx),\n" for name in names)
    )
    (root / "internal/conns").mkdir()
    imports = "".join(f'\t"github.com/aws/aws-sdk-go-v2/service/{name}"\n' for name in names)
    getter = "func (c *AWSClient) {0}Client(ctx context.Context) *{1}.Client {{\n\treturn client(ctx, c, names.{0})\n}}\n"
    getters = "".join(getter.format(name.upper(), name) for name in names)
    (root / "internal/conns/awsclient_gen.go").write_text(f'import (\n\t"context"\n{imports})\n\n{getters}')
    (root / "website").mkdir()
    return root


def test_the_service_of_a_type_is_found_and_what_it_imports_and_calls(upstream: Path) -> None:
    assert services_of(upstream, [TOPIC]) == {"sns"}
    assert with_imports(upstream, {"sns"}) == {"sns", "iam"}
    assert with_clients(upstream, {"sns"}) == {"sns", "iam", "kms"}  # iam, for it uses its own client


def test_a_resource_type_is_not_taken_for_a_function(upstream: Path) -> None:
    with pytest.raises(InfraError, match="upstream has no aws_topic"):
        services_of(upstream, [MappedType("aws_topic", "aws:sns/getTopic:getTopic", function=True)])


def test_only_what_is_needed_is_copied_and_registered(upstream: Path, tmp_path: Path) -> None:
    target = tmp_path / "trimmed"
    assert "sns" in copy_trimmed(upstream, target, [TOPIC])
    assert sorted(path.name for path in (target / "internal/service").iterdir()) == ["iam", "kms", "smarterr.hcl", "sns"]
    assert not list(target.rglob("*_test.go"))
    assert not (target / "website").exists()
    assert (target / "shim/shim.go").exists()
    registered = (target / "internal/provider/sdkv2/service_packages_gen.go").read_text()
    assert "sns.ServicePackage" in registered
    assert "kms.ServicePackage" in registered  # or sns gets no client of it
    assert "s3.ServicePackage" not in registered
    clients = (target / "internal/conns/awsclient_gen.go").read_text()
    assert "SNSClient" in clients
    assert "IAMClient" in clients
    assert "service/s3" not in clients
    assert '"context"' in clients


def test_waits_are_shortened(upstream: Path, tmp_path: Path) -> None:
    copy_trimmed(upstream, tmp_path / "trimmed", [TOPIC])
    services = tmp_path / "trimmed/internal/service"
    assert "Delay:  0 * time.Second," in (services / "sns/use.go").read_text()
    used = (services / "iam/use.go").read_text()
    assert "PollInterval: 200 * time.Millisecond," in used
    assert "retry(WithDelay(0 * time.Second))" in used
