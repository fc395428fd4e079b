"""What goes beyond the official evaluator, or is not in its cases: pending opens, secrets, bombs, what is kept between roots."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from infra_assets.environments.language import (
    DecryptionError,
    Diagnostic,
    Document,
    Evaluation,
    Evaluator,
    LoadError,
    Number,
    ProviderError,
    Site,
    Value,
    parse,
    plain,
    references,
    seal_envelope,
    secrets,
    symbols,
    value_of,
)
from infra_assets.environments.language.model import ExecutionContext, JsonSchema
from infra_assets.environments.structure import leaves


@dataclass
class Library:
    """Documents that may change; counts how often each was loaded."""

    sources: dict[str, str]
    loads: list[str] = field(default_factory=list)
    decrypter: object = None

    def load(self, name: str) -> Document:
        self.loads.append(name)
        if name not in self.sources:
            raise LoadError(f"no environment {name}")
        source = self.sources[name].encode()
        return Document(name, str(hash(source)), source, self.decrypter)


@dataclass
class Echo:
    """Returns its inputs, and remembers for whom."""

    inputs: JsonSchema = field(default_factory=dict)
    outputs: JsonSchema = field(default_factory=dict)
    opened: list[ExecutionContext] = field(default_factory=list)

    def open(self, inputs: Mapping[str, Value], context: ExecutionContext) -> Value:
        self.opened.append(context)
        return Value(dict(inputs))


@dataclass
class Providers:
    echo: Echo = field(default_factory=Echo)

    def provider(self, name: str) -> Echo:
        if name != "echo":
            raise ProviderError(f"there is no provider {name}")
        return self.echo

    def rotator(self, name: str) -> None:
        raise ProviderError(f"there is no rotator {name}")


def never(site: Site) -> bool:
    return False


def evaluator(**sources: str) -> Evaluator:
    return Evaluator(Library({name.replace("__", "/"): source for name, source in sources.items()}), Providers())


def evaluate(source: str, *, opens=None, **imports: str) -> Evaluation:
    document = Document("root", "1", source.encode())
    return evaluator(**imports).evaluate(document, **({"opens": opens} if opens else {}))


def shown(evaluation: Evaluation, *, reveal: bool = True) -> dict:
    assert evaluation.properties is not None
    return plain(evaluation.properties, reveal=reveal)


def summaries(evaluation: Evaluation) -> list[str]:
    return [diagnostic.summary for diagnostic in evaluation.diagnostics]


# --- opens that are left out

OPENS = """\
values:
  login:
    fn::open::echo: {role: "${account}"}
  second:
    fn::open::echo: {of: "${login.role}"}
  account: "1"
  copy: ${login.role}
  text: role ${login.role}
  joined: {fn::join: [",", ["${copy}", x]]}
  json: {fn::toJSON: {a: "${login}"}}
  other: {inner: "${copy}"}
"""
LOGIN, SECOND = (Site("root", f"values.{name}", "echo") for name in ("login", "second"))


def test_what_is_not_opened_is_unknown_and_waits_wherever_it_flows() -> None:
    found = evaluate(OPENS, opens=never)
    assert found.diagnostics == ()
    for name in ("copy", "text", "joined", "json", "login"):
        value = found.at(name)
        assert value is not None
        assert (value.unknown, value.pending) == (True, {LOGIN}), name
    inner = found.at("other", "inner")
    assert inner is not None
    assert inner.pending == {LOGIN}
    assert shown(found)["account"] == "1"
    assert found.opened == ()


def test_an_open_whose_inputs_wait_for_another_waits_for_both() -> None:
    found = evaluate(OPENS, opens=lambda site: site == SECOND)
    second = found.at("second")
    assert second is not None
    assert second.pending == {LOGIN, SECOND}
    sites = found.sites
    assert sites[SECOND] is None
    assert {key: value.value for key, value in (sites[LOGIN] or {}).items()} == {"role": "1"}


def test_what_is_opened_is_listed_and_known() -> None:
    found = evaluate(OPENS)
    assert shown(found)["text"] == "role 1"
    assert shown(found)["second"] == {"of": "1"}
    assert found.opened == (LOGIN, SECOND)
    assert found.sites == {}


def test_inputs_of_what_is_not_opened_are_checked_all_the_same() -> None:
    strict = Echo(inputs={"type": "object", "properties": {"role": {"type": "string"}}, "required": ["role"]})
    source = b"values: {a: {fn::open::echo: {role: 1}}, b: {fn::open::echo: {}}}"
    found = Evaluator(Library({}), Providers(strict)).evaluate(Document("root", "1", source), opens=never)
    assert summaries(found) == ["expected string, got number", "missing required properties: role"]
    assert found.sites == {}


def test_an_open_within_an_import_waits_and_is_opened_for_who_imports_it() -> None:
    library, providers = Library({"login": "values: {login: {fn::open::echo: {role: r}}}"}), Providers()
    subject = Evaluator(library, providers)
    site = Site("login", "values.login", "echo")
    one, two = (Document(name, "1", b"imports: [login]") for name in ("one", "two"))
    for document in (one, two):
        waiting = subject.evaluate(document, opens=never)
        assert dict(waiting.sites) == {site: {"role": value_of_role(waiting, site)}}
    assert providers.echo.opened == []
    for document in (one, two, one):
        found = subject.evaluate(document)
        assert shown(found) == {"login": {"role": "r"}}
        assert found.opened == (site,)
    assert [context.root_environment for context in providers.echo.opened] == ["one", "two", "one"]
    assert {context.current_environment for context in providers.echo.opened} == {"login"}
    assert subject.evaluate(two, opens=never).opened == ()


def value_of_role(found: Evaluation, site: Site) -> Value:
    inputs = found.sites[site]
    assert inputs
    assert inputs["role"].value == "r"
    return inputs["role"]


def test_a_provider_that_is_not_there_is_named() -> None:
    found = evaluate("values: {a: {fn::open::nowhere: {}}}")
    assert summaries(found) == ["there is no provider nowhere"]
    assert found.diagnostics[0].path == "values.a"


# --- secrets


def test_the_parts_of_a_split_secret_stay_secret() -> None:
    found = evaluate(
        'values: {p: {fn::split: [",", {fn::secret: "a,b"}]}, first: "${p[0]}", t: "x${p[1]}", plain: {fn::split: [",", "c,d"]}}'
    )
    assert shown(found, reveal=False) == {"p": "[secret]", "first": "[secret]", "t": "[secret]", "plain": ["c", "d"]}
    assert shown(found)["first"] == "a"


def test_a_secret_stays_secret_though_something_reaches_into_it_first() -> None:
    found = evaluate("values: {a: '${s.x}', s: {fn::secret: hunter2}}")
    assert shown(found, reveal=False)["s"] == "[secret]"


@pytest.mark.parametrize(
    "source",
    [
        "values: {s: {fn::fromJSON: {fn::secret: '{\"hunter2\": 1}'}}, a: '${s.hunter3}'}",
        "values: {s: {fn::fromJSON: {fn::secret: hunter2}}}",
        "values: {s: {fn::validate: {schema: {const: {fn::secret: hunter2}}, value: x}}}",
        "values: {s: {fn::validate: {schema: {pattern: {fn::secret: '[hunter2'}}, value: x}}}",
        "values: {s: {fn::validate: {schema: {required: [{fn::secret: hunter2}], type: object}, value: {}}}}",
    ],
)
def test_no_diagnostic_shows_a_secret(source: str) -> None:
    found = evaluate(source)
    assert summaries(found)
    assert "hunter2" not in repr(found.diagnostics)
    assert "'h'" not in repr(found.diagnostics)


def test_a_value_does_not_print_its_secrets() -> None:
    found = evaluate("values: {o: {s: {fn::secret: hunter2}, p: {fn::split: ['', {fn::secret: hunter2}]}, n: 1}}")
    assert "[secret]" in repr(found.at("o"))
    assert "hunter2" not in repr(found.properties) + repr(Document("root", "1", b"hunter2"))


def test_a_secret_that_cannot_be_decrypted_is_an_error_and_tried_again() -> None:
    class Refuses:
        def __init__(self) -> None:
            self.key = False

        def decrypt(self, ciphertext: bytes) -> bytes:
            if not self.key:
                raise DecryptionError("the key is not there")
            return b"plain"

    refuses = Refuses()
    sealed = f"values: {{s: {{fn::secret: {{ciphertext: {seal_envelope(b'ciphertext')}}}}}}}"
    subject = Evaluator(Library({"e": sealed}, decrypter=refuses), Providers())
    root = Document("root", "1", b"imports: [e]")
    assert summaries(subject.evaluate(root)) == ["decrypting: the key is not there"]
    refuses.key = True
    assert shown(subject.evaluate(root)) == {"s": "plain"}


# --- what is kept between roots


def test_what_is_shared_is_loaded_and_evaluated_once() -> None:
    library = Library({"app": "values: {a: 1, b: {c: 2}}", "ring": "imports: [app]\nvalues: {b: {d: 3}}"})
    subject = Evaluator(library, Providers())
    for index in range(5):
        found = subject.evaluate(Document(f"leaf{index}", "1", f"imports: [app, ring]\nvalues: {{n: {index}}}".encode()))
        assert shown(found) == {"a": 1, "b": {"c": 2, "d": 3}, "n": index}
        assert set(found.closure) == {"app", "ring", f"leaf{index}"}
    assert library.loads == ["app", "ring"]


def test_what_depends_on_the_root_is_evaluated_for_each() -> None:
    app = "values: {root: '${context.rootEnvironment.name}', here: '${context.currentEnvironment.name}'}"
    subject = evaluator(app=app, ring="imports: [app]\nvalues: {copy: '${root}'}")
    for name in ("one", "two"):
        found = subject.evaluate(Document(name, "1", b"imports: [ring]"))
        assert shown(found) == {"root": name, "here": "app", "copy": name}


def test_what_depends_on_the_hosts_context_is_evaluated_for_each() -> None:
    subject = evaluator(app="values: {who: '${context.user}'}")
    root = Document("root", "1", b"imports: [app]")
    for who in ("ann", "ben", "ann"):
        assert shown(subject.evaluate(root, context={"user": value_of(who)})) == {"who": who}


def test_diagnostics_of_what_is_shared_are_told_for_each_root_once() -> None:
    bad = "values: {a: '${nowhere}'}\nodd: 1"
    sources = {"bad": bad, "one": "imports: [bad]\nvalues: {x: 1}", "two": "imports: [bad]\nvalues: {y: '${nothing}'}"}
    subject = evaluator(**sources)
    told = [summaries(subject.evaluate(Document(f"r{index}", "1", b"imports: [one, two]\nvalues: {z: 1}"))) for index in range(2)]
    assert told[0] == told[1]
    assert told[0] == summaries(evaluate("imports: [one, two]\nvalues: {z: 1}", **sources))
    assert len([summary for summary in told[0] if "nowhere" in summary]) == 1


def test_a_cycle_is_found_from_wherever_it_is_entered() -> None:
    sources = {"a": "imports: [b]\nvalues: {a: 1}", "b": "imports: [c]\nvalues: {b: 1}", "c": "imports: [a]\nvalues: {c: 1}"}
    subject = evaluator(**sources)
    for name in ("root", "a", "b", "c", "root"):
        source = sources.get(name, "imports: [a, c]").encode()
        alone = evaluator(**sources).evaluate(Document(name, "1", source))
        found = subject.evaluate(Document(name, "1", source))
        assert (found.diagnostics, shown(found)) == (alone.diagnostics, shown(alone))
        assert any(summary.startswith("cyclic import of") for summary in summaries(found))


def test_what_has_changed_is_evaluated_again_and_all_that_rests_on_it() -> None:
    library = Library({"app": "values: {a: 1}", "ring": "imports: [app]", "else": "values: {b: 1}"})
    subject = Evaluator(library, Providers())
    root = Document("root", "1", b"imports: [ring, else]")
    assert shown(subject.evaluate(root)) == {"a": 1, "b": 1}
    library.sources["app"] = "values: {a: 2}"
    assert shown(subject.evaluate(root)) == {"a": 1, "b": 1}, "nobody has said yet that it changed"
    subject.forget(["app"])
    library.loads.clear()
    assert shown(subject.evaluate(root)) == {"a": 2, "b": 1}
    assert library.loads == ["app"]


def test_an_import_that_was_missing_is_found_once_it_is_there() -> None:
    library = Library({"ring": "imports: [app]"})
    subject = Evaluator(library, Providers())
    root = Document("root", "1", b"imports: [ring]")
    assert summaries(subject.evaluate(root)) == ["no environment app"]
    library.sources["app"] = "values: {a: 1}"
    assert shown(subject.evaluate(root)) == {"a": 1}


def test_an_import_that_was_broken_is_read_again_once_it_is_mended() -> None:
    library = Library({"ring": "imports: [app]", "app": "values: {a: '${'}"})
    subject = Evaluator(library, Providers())
    root = Document("root", "1", b"imports: [ring]")
    assert "missing closing brace" in summaries(subject.evaluate(root))[0]
    library.sources["app"] = "values: {a: 1}"
    subject.forget(["app"])
    assert shown(subject.evaluate(root)) == {"a": 1}


def test_layers_tell_who_set_a_value_and_whom_it_overrides() -> None:
    sources = {"app": "values: {o: {a: 1, b: 1}}", "ring": "values: {o: {a: 2}}"}
    found = evaluate("imports: [app, ring]\nvalues: {o: {a: 3}}", **sources)
    value, layers = found.at("o", "a"), []
    while value is not None:
        assert value.definition is not None
        layers.append((value.definition.environment, value.definition.begin.line, value.value))
        value = value.base
    assert layers == [("root", 2, Number("3")), ("ring", 1, Number("2")), ("app", 1, Number("1"))]


# --- what comes from the root's own text


def test_errors_in_the_roots_own_text_are_among_its_diagnostics() -> None:
    found = evaluate("values: {a: [}")
    assert found.properties is None
    assert found.broken
    assert found.diagnostics[0].error
    assert found.at("a") is None
    assert found.environment_variables() == {}


def test_scalars_become_environment_variables_and_files_as_strings() -> None:
    found = evaluate(
        "values:\n"
        "  environmentVariables: {A: 1, B: true, C: ~, D: [1], E: {fn::secret: s}, F: {x: 1}, G: '${nowhere}'}\n"
        "  files: {CERT: {fn::fromBase64: aGk=}}\n"
    )
    variables = found.environment_variables()
    assert {key: (value.value, value.secret) for key, value in variables.items()} == {
        "A": ("1", False), "B": ("true", False), "C": ("", False), "E": ("s", True), "G": ("[unknown]", False),
    }  # fmt: skip
    assert variables["G"].unknown
    assert found.files()["CERT"].value == "hi"


# --- bombs

DEEP = 100_000


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    ("source", "said"),
    [
        (b"values: {a: " + b"[" * DEEP + b"]" * DEEP + b"}", "nested deeper than 64 levels"),
        (b"values: " + b"{a: " * DEEP, "nested deeper than 64 levels"),
        (b"values:\n" + b"".join(b" " * depth + b"a:\n" for depth in range(1, 1000)), "nested deeper than 64 levels"),
        (b"values:\n a:\n  fn::fromJSON: '" + b"[" * DEEP + b"'", "nested deeper than 64 levels"),
        (b'values: {a: "\0"}', "control characters are not allowed"),
        (b"values: {a: \xff}", "invalid leading UTF-8 octet"),
        (b"values: {a: \xe3\x81", "incomplete UTF-8 octet sequence"),
        (b"values:\n\ta: 1", "found character that cannot start any token"),
        (b"values:\n k0: x\n" + b"".join(b' k%d: ["${k%d}", "${k%d}"]\n' % (at + 1, at, at) for at in range(100)), "more than 8 MB"),
        (b"values:\n k00: xx\n" + b"".join(b' k%02d: "${k%02d}${k%02d}"\n' % (at + 1, at, at) for at in range(60)), "more than 8 MB"),
        (b"values:\n" + b"".join(b" k%d: ${k%d}\n" % (at, at + 1) for at in range(5000)) + b" k5000: x", "nested too deep"),
        (b"values: {a: &a [x], b: [*a, *a]}", "alias nodes are not supported"),
        (b"values: {a: 9" + b"9" * DEEP + b', b: "${a[' + b"9" * DEEP + b']}"}', "must be a positive base-10 integer"),
    ],
)
def test_a_bomb_is_an_error(source: bytes, said: str) -> None:
    found = evaluator().evaluate(Document("root", "1", source))
    assert any(said in summary for summary in summaries(found)), summaries(found)[:3]
    assert found.broken


@pytest.mark.timeout(30)
def test_no_pattern_takes_for_ever() -> None:
    found = evaluate("values: {a: {fn::validate: {schema: {pattern: '^(a+)+$'}, value: " + "a" * 5000 + "!}}}")
    assert summaries(found) == ['string must match the pattern "^(a+)+$"']


@pytest.mark.timeout(30)
def test_a_large_document_is_read() -> None:
    source = b"values:\n" + b"".join(b"  key%d: value number %d\n" % (at, at) for at in range(30_000))
    found = evaluator().evaluate(Document("root", "1", source))
    assert found.diagnostics == ()
    assert found.at("key29999") is not None


def test_more_layers_than_anyone_needs_are_an_error() -> None:
    imports = {f"e{at}": f"values: {{a: {{b{at}: 1}}}}" for at in range(150)}
    found = evaluate(f"imports: [{', '.join(imports)}]", **imports)
    assert summaries(found) == ["more than 100 environments are merged"]


# --- what a document says without being evaluated

STATIC = """\
imports:
  - shared/app
  - other/one@stable: {merge: false}
values:
  a: ${environments.shared.creds.key}
  b: text ${environments["shared"]["x.y"].z} and ${a.c[0]}
  c:
    fn::open::echo: {n: "${environments.p.q}"}
  d: {fn::secret: plain}
  d: {fn::secret: {ciphertext: abc}}
"""


def test_references_are_all_that_may_be_loaded() -> None:
    declaration = parse("root", STATIC.encode()).declaration
    assert declaration is not None
    found = references(declaration)
    assert [(reference.name, reference.merged) for reference in found] == [
        ("shared/app", True), ("other/one@stable", False), ("shared/creds", False), ("shared/x.y", False), ("p/q", False),
    ]  # fmt: skip
    assert [reference.range.begin.line for reference in found if reference.range] == [2, 3, 5, 6, 8]


def test_secrets_are_found_sealed_or_not() -> None:
    declaration = parse("root", STATIC.encode()).declaration
    assert declaration is not None
    assert [(secret.path, secret.sealed) for secret in secrets(declaration)] == [("values.d", False), ("values.d", True)]


def test_symbols_and_leaves_are_listed_with_their_places() -> None:
    declaration = parse("root", STATIC.encode()).declaration
    assert declaration is not None
    assert [path for path, _ in symbols(declaration)][1:3] == [("environments", "shared", "x.y", "z"), ("a", "c", 0)]
    assert [path[0] for path, _ in leaves(declaration)] == ["a", "b", "c", "d", "d"]


def test_a_diagnostic_names_the_place() -> None:
    found = evaluate("values:\n  a: x ${b.c}\n  b: {}\n")
    assert found.diagnostics == (Diagnostic("error", 'unknown property "c"', "values.a", found.diagnostics[0].range),)
    place = found.diagnostics[0].range
    assert place is not None
    assert (place.environment, place.begin.line, place.begin.column, place.begin.byte) == ("root", 2, 11, 18)
