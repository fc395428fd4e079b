"""From layers to cells: what each project of a TEP gets, what is opened for it, and what is refused."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from infra_assets.environments.access import AccessRules
from infra_assets.environments.language.model import ExecutionContext, ProviderError, Value, value_of
from infra_assets.environments.library import Library
from infra_assets.environments.providers import BuiltinProviders
from infra_assets.environments.resolution import Resolution, Wanted
from infra_assets.environments.resolver import Resolver
from infra_assets.environments.sources.folder import FolderSource
from infra_assets.environments.sources.register import FleetSource, WithFacts
from infra_assets.fleet.models import Ring, Tep

ACME = Tep("acme", "prod", Ring.BETA, "us-east-1", "111111111111", "ext-1")
OTHER = Tep("acme-labs", "prod", Ring.BETA, "us-east-1", "222222222222", "ext-2")
WANTED = [
    Wanted("account"),
    Wanted("network", ("account",)),
    Wanted("service", ("account", "network"), ("TOKEN", "KUBECONFIG")),
]
Write = Callable[..., None]


class Vault:
    """A provider that gives secrets by name, and counts."""

    inputs: Mapping[str, Any] = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    outputs: Mapping[str, Any] = {"type": "string"}

    def __init__(self) -> None:
        self.opened: list[str] = []
        self.broken = False

    def open(self, inputs: Mapping[str, Value], context: ExecutionContext) -> Value:
        if self.broken:
            raise ProviderError("the vault does not answer")
        name = str(inputs["name"].value)
        self.opened.append(name)
        return value_of(f"{name}-s3cret", secret=True)


class Stacks:
    def outputs(self, project: str, stack: str) -> Value:
        return value_of({"vpc_id": f"vpc-of-{project}-{stack}"})


class WithVault:
    """The built-in providers and a vault."""

    def __init__(self, vault: Vault) -> None:
        self._builtin = BuiltinProviders(stacks=Stacks())
        self._vault = vault

    def provider(self, name: str) -> Any:
        return self._vault if name == "vault" else self._builtin.provider(name)

    def rotator(self, name: str) -> Any:
        return self._builtin.rotator(name)


@pytest.fixture
def vault() -> Vault:
    return Vault()


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def do(name: str, values: Mapping[str, Any] | None = None, imports: tuple[Any, ...] = (), text: str = "") -> None:
        file = tmp_path / "environments" / f"{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text or json.dumps({"imports": list(imports), "values": dict(values or {})}, indent=1))

    return do


@pytest.fixture
def resolver(tmp_path: Path, vault: Vault, write: Write) -> Resolver:
    write("shared/app", {"pulumiConfig": {"network:zones": 2, "service:size": "small"}})
    write("tenants/acme", {"pulumiConfig": {"service:size": "large"}})
    write("tenants/acme-prod", {"pulumiConfig": {"network:cidr": "10.0.0.0/16"}}, ("shared/app", "tenants/acme", "fleet/acme-prod"))
    fleet = [ACME, OTHER]
    facts = FleetSource(lambda: fleet, operations_account="123456789012")
    teps = {tep.name: tep.tenant for tep in (ACME, OTHER)}
    rules = AccessRules(tenants=lambda environment: [teps[environment]] if environment in teps else [])
    return Resolver(Library(WithFacts(facts, FolderSource(tmp_path / "environments"))), WithVault(vault), rules)


WITHOUT_ASKING = [Wanted(item.project, item.depends_on) for item in WANTED]


def plain(resolution: Resolution, project: str) -> dict[str, Any]:
    assert resolution.problems == [], resolution.problems
    return {key: value.plain() for key, value in resolution.cell(project).values.items()}


def test_each_project_gets_its_own_part_of_the_layers(resolver: Resolver) -> None:
    found = resolver.resolve(ACME, WITHOUT_ASKING)
    assert plain(found, "network") == {"network:zones": 2, "network:cidr": "10.0.0.0/16"}
    assert plain(found, "service") == {"service:size": "large"}
    assert plain(found, "account") == {"account:external_id": "ext-1", "account:deployer_arn": "arn:aws:iam::123456789012:root"}
    assert set(found.closure) == {"tenants/acme-prod", "shared/app", "tenants/acme", "fleet/acme-prod"}


def test_a_login_is_handed_on_unopened_by_role(resolver: Resolver) -> None:
    logins = resolver.resolve(ACME, WITHOUT_ASKING).logins
    assert set(logins) == {"deploy", "bootstrap", "preview", "inspect"}
    assert logins["deploy"].inputs is not None
    assert logins["deploy"].inputs.plain()["assumeRole"] == {
        "roleArn": "arn:aws:iam::111111111111:role/infra-deploy",
        "externalId": "ext-1",
        "sessionName": "infra-acme-prod",
        "duration": "1h",
    }


def test_what_only_looks_enters_as_who_may_only_read(resolver: Resolver) -> None:
    logins = resolver.resolve(ACME, WITHOUT_ASKING).logins
    preview, inspect = logins["preview"].inputs, logins["inspect"].inputs
    assert preview is not None
    assert inspect is not None
    assert preview.plain()["assumeRole"] == {
        "roleArn": "arn:aws:iam::111111111111:role/infra-preview",
        "externalId": "ext-1",
        "sessionName": "infra-preview-acme-prod",
    }
    assert inspect.plain()["assumeRole"] == {
        "roleArn": "arn:aws:iam::111111111111:role/OrganizationAccountAccessRole",
        "externalId": "ext-1",
        "sessionName": "infra-preview-acme-prod",
        "policyArns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
    }


def test_a_tep_without_logins_to_look_with_is_deployed(resolver: Resolver, write: Write) -> None:
    login = {"fn::open::aws-login": {"static": {"accessKeyId": "a", "secretAccessKey": "b"}}}
    write("tenants/acme-prod", {"aws": {"login": login, "bootstrap": login}})
    deployed = [Wanted("account", role="bootstrap"), Wanted("network", role="deploy")]
    found = resolver.resolve(ACME, deployed)
    assert (set(found.logins), found.problems) == ({"deploy", "bootstrap"}, [])
    (problem,) = resolver.resolve(ACME, [*deployed, Wanted("network", role="preview")]).problems
    assert "has no aws.preview" in str(problem)


def test_a_login_to_look_with_is_no_reason_to_open_anything(resolver: Resolver, vault: Vault, write: Write) -> None:
    role = {"roleArn": "arn:aws:iam::111111111111:role/mine", "externalId": {"fn::open::vault": {"name": "id"}}}
    login = {"fn::open::aws-login": {"assumeRole": role}}
    write("tenants/acme-prod", {"aws": {"preview": login}}, ("fleet/acme-prod",))
    deployed = resolver.resolve(ACME, [Wanted("network", role="deploy")])
    assert (set(deployed.logins), vault.opened) == ({"deploy", "bootstrap", "inspect"}, [])
    looked_at = resolver.resolve(ACME, [Wanted("network", role="preview")])
    assert "preview" in looked_at.logins
    assert vault.opened == ["id"]


def test_for_looking_at_it_logins_are_left_out_and_still_missed(resolver: Resolver, write: Write) -> None:
    deployed = [Wanted("network", role="deploy")]
    found = resolver.resolve(ACME, deployed, logins=False)
    assert (found.logins, found.problems) == ({}, [])
    write("tenants/acme-prod", {"pulumiConfig": {"network:cidr": "10.0.0.0/16"}}, ("shared/app",))
    resolver.refresh()
    problems = [resolver.resolve(ACME, deployed, logins=logins).problems for logins in (True, False)]
    assert "has no aws.login" in str(problems[1][0])
    assert problems[0] == problems[1]


def test_what_is_charged_for_is_counted_without_what_we_write_ourselves(resolver: Resolver, write: Write) -> None:
    write("tenants/acme", {"key": {"fn::secret": "s3cret"}, "pulumiConfig": {"service:sizes": [1, {"two": 2}, {}]}})
    resolver.resolve(ACME, WITHOUT_ASKING)
    used = {use.environment: (use.opens, use.secrets, use.values) for use in resolver.uses()}
    assert used["tenants/acme"] == (0, 1, 4)
    assert used["tenants/acme-prod"][:2] == (1, 0)
    assert used.keys() == {"tenants/acme-prod", "tenants/acme", "shared/app"}


def test_a_key_without_a_project_is_every_projects_and_null_takes_a_key_away(resolver: Resolver, write: Write) -> None:
    write("tenants/acme-prod", {"pulumiConfig": {"owner": "me", "network:zones": None}}, ("shared/app",))
    found = resolver.resolve(ACME, WITHOUT_ASKING)
    assert plain(found, "network") == {"network:owner": "me"}
    assert plain(found, "service") == {"service:owner": "me", "service:size": "small"}


def test_only_what_a_cell_needs_is_opened_and_each_thing_once(resolver: Resolver, vault: Vault, write: Write) -> None:
    values = {
        "db": {"fn::open::vault": {"name": "db"}},
        "unused": {"fn::open::vault": {"name": "unused"}},
        "pulumiConfig": {"network:cidr": "10.0.0.0/16", "service:password": "${db}", "account:note": "user:${db}"},
    }
    write("tenants/acme-prod", values, ("fleet/acme-prod",))
    found = resolver.resolve(ACME, WITHOUT_ASKING)
    assert vault.opened == ["db"]
    service = found.cell("service")
    assert service.mask == {"service:password"}
    assert service.values["service:password"].plain(reveal=True) == "db-s3cret"
    assert found.cell("account").values["account:note"].plain(reveal=True) == "user:db-s3cret"
    assert resolver.bill.opens == {"tenants/acme-prod": 1}


def test_what_cannot_be_opened_concerns_its_cell_alone(resolver: Resolver, vault: Vault, write: Write) -> None:
    vault.broken = True
    values = {"pulumiConfig": {"network:cidr": "10.0.0.0/16", "service:password": {"fn::open::vault": {"name": "db"}}}}
    write("tenants/acme-prod", values, ("fleet/acme-prod",))
    found = resolver.resolve(ACME, WITHOUT_ASKING)
    assert plain(found, "network") == {"network:cidr": "10.0.0.0/16"}
    assert "environments/tenants/acme-prod.yaml:8:" in found.cell("service").unresolved
    assert "the vault does not answer" in found.cell("service").unresolved


def test_outputs_of_stacks_are_a_dependency_that_the_project_must_declare(resolver: Resolver, write: Write) -> None:
    stacks = {"fn::open::pulumi-stacks": {"stacks": {"net": {"stack": "network/acme-prod"}}}}
    values = {"stacks": stacks, "pulumiConfig": {"service:vpc": "${stacks.net.vpc_id}"}}
    write("tenants/acme-prod", values, ("fleet/acme-prod",))
    found = resolver.resolve(ACME, WITHOUT_ASKING)
    assert plain(found, "service") == {"service:vpc": "vpc-of-network-acme-prod"}
    assert found.cell("service").stacks == ("network",)
    undeclared = resolver.resolve(ACME, [Wanted("service", ("account",))])
    assert "the configuration of service reads outputs of network" in str(undeclared.problems[0])
    assert "add it to depends_on" in str(undeclared.problems[0])
    itself = {"fn::open::pulumi-stacks": {"stacks": {"me": {"stack": "service/acme-prod"}}}}
    write("tenants/acme-prod", {"pulumiConfig": {"service:vpc": itself}}, ("fleet/acme-prod",))
    resolver.refresh()
    assert "service cannot be configured by its own outputs" in str(resolver.resolve(ACME, WITHOUT_ASKING).problems[0])


def test_variables_and_files_reach_only_who_asked(resolver: Resolver, vault: Vault, write: Write) -> None:
    values = {
        "environmentVariables": {"TOKEN": {"fn::open::vault": {"name": "tok"}}, "OTHER": "x"},
        "files": {"KUBECONFIG": "clusters: []"},
    }
    write("tenants/acme-prod", values, ("fleet/acme-prod",))
    found = resolver.resolve(ACME, WANTED)
    assert vault.opened == ["tok"]
    service = found.cell("service")
    assert ({*service.variables}, {*service.files}) == ({"TOKEN"}, {"KUBECONFIG"})
    assert found.cell("network").variables == {}
    write("tenants/acme-prod", {}, ("fleet/acme-prod",))
    resolver.refresh()
    assert "project service reads TOKEN: it is neither in environmentVariables nor in files" in str(
        resolver.resolve(ACME, WANTED).problems[0]
    )


@pytest.mark.parametrize(
    ("imports", "values", "said"),
    [
        (("global/operations",), {}, "tenants/acme-prod may not import global/operations"),
        (("global/operations@3",), {}, "may not import global/operations@3"),
        (("tenants/acme-labs",), {}, "may not import tenants/acme-labs"),
        (("fleet/acme-labs-prod",), {}, "may not import fleet/acme-labs-prod"),
        (("tenants/acme-labs-prod",), {}, "may not import tenants/acme-labs-prod"),
        (({"global/operations": {"merge": False}},), {}, "may not import global/operations"),
        ((), {"stolen": "${environments.global.operations.token}"}, "may not import global/operations"),
        (("shared/leaky",), {}, "shared/leaky may not import global/operations"),
    ],
)
def test_nothing_is_imported_that_may_not_be(
    resolver: Resolver, write: Write, imports: tuple[Any, ...], values: dict[str, Any], said: str
) -> None:
    write("global/operations", {"token": "t0ken"})
    write("shared/leaky", {}, ("global/operations",))
    write("tenants/acme-labs", {})
    write("tenants/acme-labs-prod", {})
    write("tenants/acme-prod", values, imports)
    found = resolver.resolve(ACME, WITHOUT_ASKING)
    assert found.cells == {}
    assert said in found.problems[0].message
    assert found.problems[0].place.startswith("environments/")
    assert "t0ken" not in str(found)


def test_an_error_fails_the_tep_closed_with_its_place_and_others_go_on(resolver: Resolver, write: Write) -> None:
    write("tenants/acme-labs-prod", text="values:\n  pulumiConfig:\n    network:cidr: ${nowhere.cidr}\n")
    broken, good = resolver.resolve(OTHER, WITHOUT_ASKING), resolver.resolve(ACME, WITHOUT_ASKING)
    assert broken.cells == {}
    assert str(broken.problems[0]).startswith(
        'environments/tenants/acme-labs-prod.yaml:3:21: values.pulumiConfig["network:cidr"]: unknown property'
    )
    assert good.problems == []


def test_a_warning_is_told_and_stops_nothing(resolver: Resolver, write: Write) -> None:
    write("tenants/acme", {"pulumiConfig": {"service:size": {"fn::final": "large"}}})
    write("tenants/acme-prod", {"pulumiConfig": {"service:size": "huge"}}, ("tenants/acme", "fleet/acme-prod"))
    found = resolver.resolve(ACME, WITHOUT_ASKING)
    assert plain(found, "service") == {"service:size": "large"}
    assert "cannot override final value" in found.warnings[0]


def test_who_the_provider_is_is_not_for_configuration_to_say(resolver: Resolver, write: Write) -> None:
    write("tenants/acme-prod", {"pulumiConfig": {"aws:accessKey": "AKIA", "aws:defaultTags": {"tags": {"a": "b"}}}}, ("fleet/acme-prod",))
    (problem,) = resolver.resolve(ACME, WITHOUT_ASKING).problems
    assert str(problem).startswith("environments/tenants/acme-prod.yaml:7:21: aws:accessKey is not for environments to set")


def test_that_nobody_can_log_in_is_known_before_anything_runs(resolver: Resolver, write: Write) -> None:
    write("tenants/acme-prod", {}, ("shared/app",))
    (problem,) = resolver.resolve(ACME, [Wanted("network", role="deploy")]).problems
    assert str(problem).startswith("environments/tenants/acme-prod.yaml: has no aws.login: import fleet/acme-prod")


def test_a_tep_without_an_environment_says_where_it_was_looked_for(resolver: Resolver) -> None:
    (problem,) = resolver.resolve(OTHER, WITHOUT_ASKING).problems
    assert problem.place == "tenants/acme-labs-prod"
    assert "environments/tenants/acme-labs-prod.yaml" in problem.message


def test_an_edit_is_noticed_and_only_then(resolver: Resolver, write: Write) -> None:
    before = resolver.resolve(ACME, WITHOUT_ASKING).cell("network").fingerprint(b"k")
    assert resolver.refresh() == set()
    write("shared/app", {"pulumiConfig": {"network:zones": 3}})
    assert resolver.resolve(ACME, WITHOUT_ASKING).cell("network").fingerprint(b"k") == before  # one plan sees one revision of each
    assert resolver.refresh() == {"shared/app"}
    after = resolver.resolve(ACME, WITHOUT_ASKING)
    assert plain(after, "network")["network:zones"] == 3
    assert after.cell("network").fingerprint(b"k") != before


@pytest.mark.parametrize(
    ("configuration", "said"),
    [
        ("hello", "pulumiConfig is not an object of keys and values"),
        ([1, 2], "pulumiConfig is not an object of keys and values"),
        ({"network:all": "${environments}"}, "network:all has no value"),
        ({"aws:defaultTags": "hello"}, "aws:defaultTags is not an object with tags by name"),
        ({"aws:defaultTags": {"tags": {"a": [1], "b": None}}}, "aws:defaultTags has a tag that is no text: a, b"),
        ({"aws:defaultTags": {"tags": {"a": {"fn::secret": "x"}}}}, "aws:defaultTags holds a secret"),
    ],
)
def test_configuration_of_another_form_is_refused_with_its_place(resolver: Resolver, write: Write, configuration: Any, said: str) -> None:
    write("tenants/acme-prod", {"pulumiConfig": configuration}, ("shared/app",))
    (problem,) = resolver.resolve(ACME, WITHOUT_ASKING).problems
    assert problem.place.startswith("environments/tenants/acme-prod.yaml:")
    assert said in problem.message


def test_what_is_no_yaml_is_told_with_its_file_also_where_it_is_imported(resolver: Resolver, write: Write) -> None:
    write("tenants/acme", text="values:\n  a: [1, 2\n  b: : c")
    (problem,) = resolver.resolve(ACME, WITHOUT_ASKING).problems
    assert str(problem).startswith("environments/tenants/acme.yaml: yaml: line ")


def test_a_missing_import_is_told_with_what_may_be_meant(resolver: Resolver, write: Write) -> None:
    write("tenants/acme-prod", {}, ("shared/apps",))
    (problem,) = resolver.resolve(ACME, WITHOUT_ASKING).problems
    assert problem.place.startswith("environments/tenants/acme-prod.yaml:3:")
    assert "did you mean shared/app?" in problem.message
