package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/pulumi/esc"
	"github.com/pulumi/esc/schema"
)

// What the official module's own tests have behind fn::open and fn::rotate, and as cipher. fakes.py holds the same in Python.

type values = map[string]esc.Value

// A provider is one by its schemata and what it does with its inputs.
type provider struct {
	inputs, outputs *schema.Schema
	open            func(inputs values) (esc.Value, error)
}

func (p provider) Schema() (*schema.Schema, *schema.Schema) { return p.inputs, p.outputs }

func (p provider) Open(_ context.Context, inputs map[string]esc.Value, _ esc.EnvExecContext) (esc.Value, error) {
	return p.open(inputs)
}

func echo(inputs values) (esc.Value, error) { return esc.NewValue(inputs), nil }

func always() *schema.Schema { return schema.Always().Schema() }

// many is a schema with a property of each kind.
func many() *schema.Schema {
	return schema.Object().
		Defs(schema.BuilderMap{"defRecord": schema.Record(schema.BuilderMap{"baz": schema.String().Const("qux")})}).
		Properties(schema.BuilderMap{
			"null": schema.Null(), "boolean": schema.Boolean(), "number": schema.Number(), "string": schema.String(),
			"false": schema.Boolean().Const(false), "true": schema.Boolean().Const(true),
			"pi": schema.Number().Const("3.14"), "hello": schema.String().Const("hello"),
			"array":        schema.Array().Items(schema.Always()),
			"tuple":        schema.Tuple(schema.String().Const("hello"), schema.String().Const("world")),
			"map":          schema.Object().AdditionalProperties(schema.Always()),
			"record":       schema.Record(schema.BuilderMap{"foo": schema.String()}),
			"anyOf":        schema.AnyOf(schema.String(), schema.Number()),
			"oneOf":        schema.OneOf(schema.String(), schema.Number()),
			"ref":          schema.Ref("#/$defs/defRecord"),
			"const-array":  &schema.Schema{Type: "array", Const: []any{"hello", number("42")}},
			"const-object": &schema.Schema{Type: "object", Const: map[string]any{"hello": "world"}},
			"enum":         schema.String().Enum("foo", "bar"),
			"never":        schema.Never(), "always": schema.Always(),
			"double": schema.Tuple(schema.String(), schema.Number()),
			"triple": schema.Tuple(schema.String(), schema.Number(), schema.Boolean()),
			"dependentReq": schema.Object().
				Properties(schema.BuilderMap{"foo": schema.String(), "bar": schema.Number()}).
				DependentRequired(map[string][]string{"foo": {"bar"}}),
			"multiple": schema.Number().MultipleOf(number("2")),
			"minimum":  schema.Number().Minimum(number("1")), "exclusiveMinimum": schema.Number().ExclusiveMinimum(number("1")),
			"maximum": schema.Number().Maximum(number("1")), "exclusiveMaximum": schema.Number().ExclusiveMaximum(number("1")),
			"minLength": schema.String().MinLength(1), "maxLength": schema.String().MaxLength(1),
			"pattern":  schema.String().Pattern(`^foo[0-9]+$`),
			"minItems": schema.Array().MinItems(3), "maxItems": schema.Array().MaxItems(2),
			"minProperties": schema.Object().MinProperties(1), "maxProperties": schema.Object().MaxProperties(1),
		}).Schema()
}

// A rotator keeps its secret in its state.
type rotator struct {
	inputs, state *schema.Schema
	open          func(inputs, state values) (esc.Value, error)
	rotate        func(inputs, state values) (esc.Value, error)
}

func (r rotator) Schema() (inputs, state, outputs *schema.Schema) { return r.inputs, r.state, r.state }

func (r rotator) Open(_ context.Context, inputs, state map[string]esc.Value, _ esc.EnvExecContext) (esc.Value, error) {
	return r.open(inputs, state)
}

func (r rotator) Rotate(_ context.Context, inputs, state map[string]esc.Value, _ esc.EnvExecContext) (esc.Value, error) {
	return r.rotate(inputs, state)
}

func swap() rotator {
	return rotator{
		inputs: always(),
		state:  schema.Record(schema.BuilderMap{"a": schema.String(), "b": schema.String()}).Schema(),
		open:   func(_, state values) (esc.Value, error) { return esc.NewValue(state), nil },
		rotate: func(_, state values) (esc.Value, error) {
			return esc.NewValue(values{"a": state["b"], "b": state["a"]}), nil
		},
	}
}

func shift() rotator {
	return rotator{
		inputs: schema.Record(schema.BuilderMap{"next": schema.String()}).RotateOnly("next").Schema(),
		state: schema.Object().
			Properties(schema.BuilderMap{"current": schema.String(), "previous": schema.String()}).
			Required("current").Schema(),
		open: func(inputs, state values) (esc.Value, error) {
			if !inputs["next"].Unknown && inputs["next"].Value != state["current"].Value {
				return esc.Value{}, errors.New("oh no! inputs were evaluated outside of rotation")
			}
			return esc.NewValue(state), nil
		},
		rotate: func(inputs, state values) (esc.Value, error) {
			if inputs["next"].Unknown {
				return esc.Value{}, errors.New("oh no! rotateOnly inputs were not evaluated during rotation")
			}
			return esc.NewValue(values{"current": inputs["next"], "previous": state["current"]}), nil
		},
	}
}

type providers struct{}

func (providers) LoadProvider(_ context.Context, name string) (esc.Provider, error) {
	switch name {
	case "error":
		return provider{schema.Record(schema.BuilderMap{"why": schema.String()}).Schema(), always(), func(inputs values) (esc.Value, error) {
			return esc.Value{}, errors.New(inputs["why"].Value.(string))
		}}, nil
	case "schema":
		return provider{many(), many(), echo}, nil
	case "test":
		return provider{always(), always(), echo}, nil
	case "secret-wrapper":
		return provider{always(), always(), func(inputs values) (esc.Value, error) {
			return esc.Value{Value: inputs, Secret: true}, nil
		}}, nil
	case "bench":
		return provider{always(), always(), func(values) (esc.Value, error) { return esc.NewValue("0s"), nil }}, nil
	}
	return nil, fmt.Errorf("unknown provider \"%s\"", name)
}

func (providers) LoadRotator(_ context.Context, name string) (esc.Rotator, error) {
	switch name {
	case "swap":
		return swap(), nil
	case "echo":
		return shift(), nil
	}
	return nil, fmt.Errorf("unknown rotator \"%s\"", name)
}

// rot128 adds 128 to each byte, which done twice is nothing.
type rot128 struct{}

func (rot128) Decrypt(_ context.Context, ciphertext []byte) ([]byte, error) {
	plaintext := make([]byte, len(ciphertext))
	for i, b := range ciphertext {
		plaintext[i] = b + 128
	}
	return plaintext, nil
}
