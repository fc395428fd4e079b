"""What the generated documents are made of: scalars in all of YAML's spellings, references and arguments, right and wrong ones."""

from hypothesis import strategies as st


def pool(*lines: str) -> st.SearchStrategy[str]:
    """Draw one of the items between the bars."""
    return st.sampled_from([item for line in lines for item in line.split(" ¦ ")])


PLAIN = pool(
    "~ ¦ null ¦ Null ¦ NULL ¦ true ¦ True ¦ TRUE ¦ false ¦ False ¦ yes ¦ no ¦ on ¦ off ¦ Yes ¦ y ¦ n ¦ 0 ¦ 1 ¦ -1",
    "+1 ¦ 42 ¦ 007 ¦ 017 ¦ 0o17 ¦ -0o17 ¦ 0O17 ¦ 0x1F ¦ 0X1F ¦ -0x1F ¦ 0b11 ¦ -0b11 ¦ 0b12 ¦ 089 ¦ 1_000 ¦ 1__0",
    "_1 ¦ 1_ ¦ 0x_1 ¦ 1.5 ¦ -1.5 ¦ +1.5 ¦ .5 ¦ 5. ¦ -.5 ¦ 1e3 ¦ 1E3 ¦ 1e+3 ¦ 1e-3 ¦ 1.0e10 ¦ 1e400 ¦ -1e400",
    "1e21 ¦ 1e20 ¦ 1e-7 ¦ 1e-6 ¦ 100000000000000000000.0 ¦ 0.1 ¦ 3.14 ¦ 12345678901234567890",
    "123456789012345678901234567890 ¦ -9223372036854775808 ¦ -9223372036854775809 ¦ 9223372036854775808",
    "18446744073709551616 ¦ 9007199254740993 ¦ 0.30000000000000004 ¦ 1.10 ¦ -0 ¦ -0.0 ¦ +0 ¦ 0.0 ¦ 00 ¦ 0_0",
    ".inf ¦ -.inf ¦ +.inf ¦ .Inf ¦ .INF ¦ .nan ¦ .NaN ¦ .NAN ¦ inf ¦ nan ¦ NaN ¦ Infinity ¦ 1.2.3 ¦ 1:30",
    "190:20:30 ¦ 2001-12-14 ¦ 2001-12-14T21:59:43.10-05:00 ¦ 2001-12-14t21:59:43Z ¦ 2002-1-1 ¦ = ¦ << ¦ hello",
    "a-b ¦ a.b ¦ a/b ¦ foo:bar ¦ -x ¦ ?x ¦ :x ¦ 0x ¦ 0b ¦ 0o ¦ 0xg ¦ 1e ¦ 1e+ ¦ e1 ¦ 0.1.1 ¦ 1,000 ¦ null1",
    "truey ¦ ~x ¦ é ¦ ñandú ¦ 日本 ¦ 🎉 ¦ x🎉y ¦ e\u0301 ¦ \u200bz ¦ a ¦ b ¦ .5e1 ¦ 0x1p3 ¦ 1_0.5 ¦ 1e1_0",
    "685.230_15e+03 ¦ 0_7 ¦ -017 ¦ 0o8 ¦ 08 ¦ 1e5 ¦ 1.e5 ¦ 1e05 ¦ $ ¦ $x ¦ $$ ¦ $$x ¦ x$$y ¦ $${a} ¦ $$${a}",
    "fn::join ¦ True1 ¦ 0.0001 ¦ 123456789.123456789 ¦ 1e22 ¦ 12e0",
)
SPELLED = pool(
    '"" ¦ \'\' ¦ "text" ¦ \'text\' ¦ \'it\'\'s\' ¦ "tab\\tnew\\nline" ¦ "\\u00e9\\x41\\U0001F389" ¦ "quo\\"te" ¦ \'1\'',
    '"true" ¦ "null" ¦ \'\'\'\' ¦ "\\\\" ¦ two words ¦ a ¦ x #y ¦ x# y ¦ \'# no comment\' ¦ "a: b" ¦ !!str 1',
    "!!str true ¦ !!int '3' ¦ !!float \"1.5\" ¦ !!bool 'yes' ¦ !!null '' ¦ !custom x ¦ !!binary aGVsbG8= ¦ !!int x",
    "!!timestamp 2001-12-14 ¦ ! 1 ¦ !!str ¦ &anchor v ¦ *anchor ¦ *nowhere ¦ &a 1 ¦ |- ¦ [] ¦ {} ¦  ¦ ''' '",
    "'a  b' ¦ \"a\\  b\" ¦ - ¦  x ¦ '${a}' ¦ \"$${a}\" ¦ '$$' ¦ @x ¦ `x ¦ %x ¦ x:z ¦ [1, 2,] ¦ {a: 1,} ¦ [a, [b]]",
    '{a: {b: c}, "k.ey": 1} ¦ {a, b} ¦ {? a : b} ¦ !!float 1 ¦ !!int 1.5 ¦ !!int 0x1F ¦ !!str ~ ¦ !!seq [1]',
    '!!map {a: 1} ¦ <a> ¦ a&b ¦ \u2028 ¦ "\\u2028<&>"',
)
TEXT = pool(
    ' ¦   ¦ text ¦ x. ¦ - ¦ $ ¦ $$ ¦ $x ¦ é ¦ 日本 ¦ a b ¦ } ¦ { ¦ ] ¦ " ¦ \\ ¦ 🎉 ¦ $$${ ¦ 1 ¦ true ¦ # ¦ :  ¦ %s',
)
STRINGS = pool(
    ' ¦ x ¦ a,b,c ¦ hello ¦ foo1 ¦ 1 ¦ é日 ¦ $$x ¦ a b ¦ , ¦ tr:ue ¦ "q" ¦ new\nline ¦ <&> ¦ a\tb ¦  lead ¦ trail ',
    "🎉a",
)
DOCUMENTS_IN_JSON = pool(
    '1 ¦ 1 trailing ¦ 1e3 ¦ 1.0 ¦ "x" ¦ null ¦ true ¦ [1,[2,{}]] ¦ {"a":{"b":[1,2.50]},"k.ey":"v"}',
    '{"a":1,"a":2} ¦  ¦ { ¦ [1,] ¦ nul ¦ "\\ud83d\\ude00" ¦ 01 ¦ -0 ¦ "\\ud800" ¦  [ ]  ¦ 1E400 ¦ NaN ¦ \'x\'',
    '{"a":1}x ¦ é ¦ {"b":1,"a":{"z":null}}',
)
IN_BASE64 = pool(
    "aGVsbG8= ¦ aGVsbG8 ¦ aGVs\nbG8= ¦  ¦ ==== ¦ w6k= ¦ !!!! ¦ aGVsbG8== ¦ aGVs bG8= ¦ eyJhIjoxfQ==",
)
ACCESS_NOISE = pool(
    '[-1] ¦ [99] ¦ [0] ¦ [1] ¦ ["a"] ¦ ["k.ey"] ¦ .a ¦ .nope ¦ [x] ¦ [01] ¦ [""] ¦ . ¦ ..a ¦ [ ¦ [" ¦ ["a ¦ [0',
    '["a\\"b"] ¦ [ 0] ¦ .a b ¦ [1_0] ¦ [\'a\'] ¦ [+1] ¦ [0x1] ¦ .é ¦ [99999999999999999999]',
)
WHOLE_NOISE = pool(
    ' ¦ a ¦ nope ¦ imports ¦ imports.a ¦ imports["p/b"] ¦ imports["p/b@stable"] ¦ imports.nope ¦ environments',
    "environments.p ¦ environments.p.b ¦ environments.p.nope.x ¦ environments.p.root.a ¦ environments.p.b.a",
    'environments["p"].c.b ¦ environments.q.d.a[0] ¦ environments.p[0] ¦ environments[0] ¦ context ¦ context.nope',
    "context.pulumi.user.id ¦ context.rootEnvironment.name ¦ context.currentEnvironment.name",
    'context["currentEnvironment"]["name"] ¦ context.list[1] ¦ context.number ¦ context.pulumi ¦ imports.a.b',
    'imports["p/b"].a ¦ [0] ¦ ["a"] ¦ ["k.ey"].a ¦  a ¦ a  ¦ a.b.c.d ¦ A ¦ pulumiConfig ¦ environmentVariables.X',
    "files",
)
SCHEMAS = pool(
    "{type: string} ¦ {type: number} ¦ {type: array, items: {type: string}}",
    "{type: object, properties: {a: {type: number}}, required: [a]} ¦ true ¦ false ¦ {} ¦ {type: nope}",
    "{const: x} ¦ {enum: [x, 1, true]} ¦ {type: number, minimum: 2, maximum: 10} ¦ {type: number, multipleOf: 3}",
    "{type: string, minLength: 2, maxLength: 3} ¦ {type: string, pattern: '^foo[0-9]+$'}",
    "{type: string, pattern: '['} ¦ {type: array, minItems: 1, maxItems: 2} ¦ {type: array, uniqueItems: true}",
    "{type: object, minProperties: 1, maxProperties: 1} ¦ {anyOf: [{type: string}, {type: number}]}",
    "{oneOf: [{type: string}, {type: string}]} ¦ {type: array, prefixItems: [{type: string}], items: false}",
    "{type: object, additionalProperties: {type: string}} ¦ {type: object, additionalProperties: false}",
    "{$ref: '#/$defs/x', $defs: {x: {type: string}}} ¦ {$ref: '#/$defs/nope'}",
    "{type: object, dependentRequired: {a: [b]}} ¦ {type: 3}",
    "{type: string, title: t, description: d, deprecated: true} ¦ x ¦ 1 ¦ ~ ¦ {type: object, required: a}",
    "{type: number, exclusiveMinimum: 1, exclusiveMaximum: 3} ¦ {type: 'null'} ¦ {type: boolean}",
    "{type: boolean, const: true} ¦ {nope: 1} ¦ {type: object, properties: {a: {type: string, const: x}}}",
    "{const: {a: 1}} ¦ {const: [1, x]} ¦ {type: array, const: [1]}",
)
OPEN_INPUTS_OF_SCHEMA = pool(
    "{string: x} ¦ {string: 1} ¦ {number: 1, boolean: true} ¦ {pi: 3.14} ¦ {pi: 3.140} ¦ {hello: hello}",
    "{hello: world} ¦ {tuple: [hello, world]} ¦ {tuple: [hello]} ¦ {record: {foo: x}} ¦ {record: {}}",
    "{record: {foo: x, z: 1}} ¦ {anyOf: 1} ¦ {anyOf: true} ¦ {oneOf: x} ¦ {ref: {baz: qux}} ¦ {ref: {baz: 1}}",
    "{const-array: [hello, 42]} ¦ {const-object: {hello: world}} ¦ {enum: foo} ¦ {enum: z} ¦ {never: 1}",
    "{always: {a: 1}} ¦ {double: [a, 1]} ¦ {triple: [a, 1, true]} ¦ {dependentReq: {foo: x}} ¦ {multiple: 3}",
    "{multiple: 4} ¦ {minimum: 0, maximum: 2} ¦ {minLength: '', maxLength: ab} ¦ {pattern: foo1} ¦ {pattern: bar}",
    "{minItems: [1], maxItems: [1, 2, 3]} ¦ {minProperties: {}, maxProperties: {a: 1, b: 2}} ¦ {unknown: 1} ¦ [1]",
    "x ¦ {map: {a: 1}} ¦ {array: [1, x]} ¦ {'null': ~} ¦ {'true': true, 'false': true}",
)
WRONG_FUNCTIONS = pool(
    "fn::nope ¦ Fn::Join ¦ FN::secret ¦ fn::open::nope ¦ fn::open:: ¦ fn::rotate::nope ¦ fn:: ¦ fn::tojson",
    "fn::Open::test ¦ fn::rotate:: ¦ fn:join ¦ fn::secret ",
)
ODD_IMPORTS = pool(
    "~ ¦ 1 ¦ [a] ¦ {} ¦ {a: {merge: x}} ¦ {a: {merge: false, other: 1}} ¦ {a: ~} ¦ {a: {}, b: {}}",
    "{a: {Merge: false}} ¦ \"\" ¦ '' ¦ true ¦ {a: 1} ¦ {a: {merge: yes}} ¦ x/y/z ¦ {a: {merge: false, merge: true}}",
    "'p/b' ¦ \"a\" ¦ p/nope",
)
ODD_TOP = pool(
    "description: text ¦ description: 1 ¦ description: {a: b} ¦ unknown: 1 ¦ valeus: {a: 1} ¦ values: {a: 1}",
    "VALUES: {b: 2} ¦ Description: x ¦ 1: x ¦ # comment ¦  ¦ --- ¦ ... ¦ --- # more ¦ values: ¦ imports:",
    "description: ${a} ¦ ? complex\n: x ¦ %YAML 1.1 ¦ \t ¦ description: |\n  long\n  text",
)
ODD_VALUES = pool(
    "values: ¦ values: ~ ¦ values: 1 ¦ values: [] ¦ values: x ¦ values: {} ¦ values: {fn::secret: x}",
    "values: ${a} ¦ values: [1, 2] ¦ values: !!map {a: 1} ¦ values: &v {a: 1}",
)
RESERVED = pool(
    "imports ¦ context ¦ environments ¦ fn::join ¦ fn::open::test ¦ Imports ¦ fn::nope",
)
TOKENS = pool(
    "\n ¦ \n   ¦ \n     ¦   ¦    ¦ \t ¦ : ¦ :  ¦ -  ¦ - ¦ ? ¦ ?  ¦ [ ¦ ] ¦ { ¦ } ¦ , ¦ # ¦  # ¦ &a ¦ *a ¦ !",
    "!!str ¦ !!nope  ¦ | ¦ > ¦ |\n ¦ >-\n ¦ ' ¦ \" ¦ % ¦ @ ¦ ` ¦ \\ ¦ $ ¦ ${ ¦ } ¦ $$ ¦ ---\n ¦ ...\n ¦ \x00",
    "\x07 ¦ \x85 ¦ \u2028 ¦ \ufeff ¦ é ¦ 🎉 ¦ \x7f ¦ fn::join ¦ fn::secret ¦ values ¦ imports ¦ << ¦ ~ ¦ 0 ¦ true",
    '\r ¦ \r\n ¦ \\u12 ¦ \\x ¦ "\\q" ¦ |9 ¦ |0 ¦ >+- ¦ - - - ¦ key: [ ¦ a: b: c ¦ * ¦ & ¦ !<tag> ¦ !< ¦ %TAG ! x',
)
BLOCK_HEADERS = pool("| ¦ |- ¦ |+ ¦ > ¦ >- ¦ >+ ¦ |2 ¦ |1- ¦ | # comment")
BLOCK_LINES = pool("line ¦   deeper ¦  ¦ ${a} ¦ $${b} ¦ # x ¦ é ${b} ¦ tab\there")
ODD_KEYS = pool(
    'k.ey ¦ x-y ¦ k.ey ¦ x-y ¦ z ¦ 1 ¦ true ¦ ~ ¦ << ¦ $$x ¦ ${a} ¦ é ¦ "quo te" ¦  ¦ ? x ¦ 1.5 ¦ 0x1F ¦ 2001-12-14 ¦ [x] ¦ fn::x',
    "!!str 1 ¦ *x ¦ yes ¦ imports",
)
SECRETS = pool("hunter22 ¦ [1] ¦ ${a} ¦ x${a} ¦ 1 ¦ true ¦ ~ ¦ a,b ¦ '${a.b}' ¦ $$x ¦ {ciphertext: 1} ¦ {plaintext: x}")
DELIMITERS = pool("',' ¦ '' ¦ ' ' ¦ ab ¦ x")
PROVIDERS = pool("test ¦ schema ¦ error ¦ nope ¦ 1 ¦ ${a}")
ODD_IMPORT_LISTS = pool(
    "imports: ¦ imports: a ¦ imports: {a: {}} ¦ imports: [] ¦ imports: [a, 'p/b'] ¦ Imports: [a] ¦ imports: 1 ¦ IMPORTS: [p/c]"
)
COMMENT_LINES = pool("# comment ¦  ¦       # indented ¦     ¦   # é")
COMMENTS = pool("  # comment ¦   ¦ \t ¦  #é")
BEGINNINGS = pool("\ufeff ¦ ---\n ¦ # first\n ¦ \n ¦ %YAML 1.2\n---\n")
BAD_BYTES = st.sampled_from([b"\xff", b"\xc3", b"\xe2\x82", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b"\xc0\x80"])
