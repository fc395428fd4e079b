package main

import (
	"encoding/json"
	"io"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	shim "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim"
)

// entry is what one token takes and gives, by the names that programs use.
type entry struct {
	Upstream string            `json:"upstream"`
	Inputs   map[string]*shape `json:"inputs"`
	Outputs  map[string]*shape `json:"outputs"`
}

// shape is a property: string, boolean, integer, number, asset, archive, any, list, map or object. A list's and a map's element is in Element.
type shape struct {
	Kind       string            `json:"kind"`
	Required   bool              `json:"required"`
	JSON       bool              `json:"json,omitempty"`
	Element    *shape            `json:"element,omitempty"`
	Properties map[string]*shape `json:"properties,omitempty"`
}

func printSchema(out io.Writer, info *tfbridge.ProviderInfo) error {
	entries := map[string]entry{
		"pulumi:providers:aws": {Upstream: provider, Inputs: shapes(info.P.Schema(), info.Config, inputs)},
	}
	for name, resource := range info.Resources {
		schema := info.P.ResourcesMap().Get(name).Schema()
		entries[string(resource.Tok)] = entry{name, shapes(schema, resource.Fields, inputs), shapes(schema, resource.Fields, outputs)}
	}
	for name, function := range info.DataSources {
		schema := info.P.DataSourcesMap().Get(name).Schema()
		entries[string(function.Tok)] = entry{name, shapes(schema, function.Fields, inputs), shapes(schema, function.Fields, outputs)}
	}
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", " ")
	return encoder.Encode(entries)
}

// where tells whose properties are looked at: only at the top of the inputs does the bridge leave out what is computed alone.
type where int

const (
	inputs where = iota
	insideInputs
	outputs
)

// shapes follows the rules by which the bridge generates SDKs.
func shapes(schemas shim.SchemaMap, infos map[string]*tfbridge.SchemaInfo, at where) map[string]*shape {
	result := map[string]*shape{}
	schemas.Range(func(key string, schema shim.Schema) bool {
		info := infos[key]
		if info == nil {
			info = &tfbridge.SchemaInfo{}
		}
		if schema.Removed() != "" || at == inputs && !isInput(schema, info) {
			return true
		}
		shape := shapeOf(schema, info, at)
		shape.Required = schema.Required() && info.Default == nil && info.MarkAsOptional == nil
		shape.JSON = at != outputs && info.Transform != nil
		result[tfbridge.TerraformToPulumiNameV2(key, schemas, infos)] = shape
		return true
	})
	return result
}

func isInput(schema shim.Schema, info *tfbridge.SchemaInfo) bool {
	return (schema.Optional() || schema.Required()) && (info.MarkAsComputedOnly == nil || !*info.MarkAsComputedOnly)
}

func shapeOf(schema shim.Schema, info *tfbridge.SchemaInfo, at where) *shape {
	switch schema.Type() {
	case shim.TypeList, shim.TypeSet:
		element := elementOf(schema, info, at)
		if tfbridge.IsMaxItemsOne(schema, info) {
			return element
		}
		return &shape{Kind: "list", Element: element}
	case shim.TypeMap:
		if _, nested := schema.Elem().(shim.Resource); nested {
			return elementOf(schema, info, at)
		}
		return &shape{Kind: "map", Element: elementOf(schema, info, at)}
	default:
		return scalar(schema.Type(), info)
	}
}

func scalar(valueType shim.ValueType, info *tfbridge.SchemaInfo) *shape {
	if info.Asset != nil {
		if info.Asset.IsArchive() {
			return &shape{Kind: "archive"}
		}
		return &shape{Kind: "asset"}
	}
	if info.Type != "" {
		return &shape{Kind: string(info.Type)}
	}
	kinds := map[shim.ValueType]string{
		shim.TypeString: "string", shim.TypeBool: "boolean", shim.TypeInt: "integer", shim.TypeFloat: "number", shim.TypeDynamic: "any",
	}
	return &shape{Kind: kinds[valueType]}
}

func elementOf(schema shim.Schema, info *tfbridge.SchemaInfo, at where) *shape {
	inner := info.Elem
	if inner == nil {
		inner = &tfbridge.SchemaInfo{}
	}
	switch element := schema.Elem().(type) {
	case shim.Resource:
		return &shape{Kind: "object", Properties: shapes(element.Schema(), inner.Fields, max(at, insideInputs))}
	case shim.Schema:
		return shapeOf(element, inner, at)
	default:
		return &shape{Kind: "string"} // which is what the bridge makes of an element without a type
	}
}
