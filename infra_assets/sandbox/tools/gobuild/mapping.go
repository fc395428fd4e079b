package main

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	shim "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
)

//go:embed types.txt
var typesText string

//go:embed renames.txt
var renamesText string

const provider = "provider" // the name in renames.txt of the provider's own configuration

// mapping is what types.txt and renames.txt say, in the bridge's words.
type mapping struct {
	resources map[string]*tfbridge.ResourceInfo
	functions map[string]*tfbridge.DataSourceInfo
	config    map[string]*tfbridge.SchemaInfo
	upstream  shim.Provider
}

func readMapping(upstream shim.Provider) (*mapping, error) {
	m := &mapping{map[string]*tfbridge.ResourceInfo{}, map[string]*tfbridge.DataSourceInfo{}, map[string]*tfbridge.SchemaInfo{}, upstream}
	for _, words := range lines(typesText) {
		switch {
		case len(words) == 2:
			m.resources[words[0]] = &tfbridge.ResourceInfo{Tok: tokens.Type(words[1]), Fields: map[string]*tfbridge.SchemaInfo{}}
		case len(words) == 3 && words[0] == "data":
			m.functions[words[1]] = &tfbridge.DataSourceInfo{
				Tok: tokens.ModuleMember(words[2]), Fields: map[string]*tfbridge.SchemaInfo{}}
		default:
			return nil, fmt.Errorf("types.txt: not understood: %s", strings.Join(words, " "))
		}
	}
	for _, words := range lines(renamesText) {
		if err := m.override(words); err != nil {
			return nil, fmt.Errorf("renames.txt: %s: %w", strings.Join(words, " "), err)
		}
	}
	return m, nil
}

func (m *mapping) override(words []string) error {
	isFunction := words[0] == "data"
	if isFunction {
		words = words[1:]
	}
	if len(words) < 3 {
		return fmt.Errorf("needs a type, a property and what differs")
	}
	if words[1] == "-" {
		info := m.resources[words[0]]
		if info == nil || len(words) != 3 || words[2] != "delete_before_replace" {
			return fmt.Errorf("only delete_before_replace goes with a resource as such")
		}
		info.DeleteBeforeReplace = true
		return nil
	}
	path := strings.Split(words[1], ".")
	places := m.places(words[0], path[0], isFunction)
	if len(places) == 0 {
		return fmt.Errorf("types.txt has no %s, or upstream has no %s of it", words[0], path[0])
	}
	for _, fields := range places {
		info := property(fields, path)
		for _, word := range words[2:] {
			if err := set(info, word); err != nil {
				return err
			}
		}
	}
	return nil
}

// places returns the overrides of each type called name, or *, that has the property.
func (m *mapping) places(name, property string, isFunction bool) []map[string]*tfbridge.SchemaInfo {
	var result []map[string]*tfbridge.SchemaInfo
	add := func(schema shim.SchemaMap, fields map[string]*tfbridge.SchemaInfo) {
		if _, has := schema.GetOk(property); has {
			result = append(result, fields)
		}
	}
	if name == provider {
		add(m.upstream.Schema(), m.config)
	} else if isFunction {
		if function := m.functions[name]; function != nil {
			add(m.upstream.DataSourcesMap().Get(name).Schema(), function.Fields)
		}
	} else {
		for upstreamName, info := range m.resources {
			if name == "*" || name == upstreamName {
				add(m.upstream.ResourcesMap().Get(upstreamName).Schema(), info.Fields)
			}
		}
	}
	return result
}

// property returns the overrides at a path, which it makes where there are none yet.
func property(fields map[string]*tfbridge.SchemaInfo, path []string) *tfbridge.SchemaInfo {
	info := fields[path[0]]
	if info == nil {
		info = &tfbridge.SchemaInfo{}
		fields[path[0]] = info
	}
	if len(path) == 1 {
		return info
	}
	if info.Elem == nil {
		info.Elem = &tfbridge.SchemaInfo{Fields: map[string]*tfbridge.SchemaInfo{}}
	}
	return property(info.Elem.Fields, path[1:])
}

func set(info *tfbridge.SchemaInfo, word string) error {
	key, value, _ := strings.Cut(word, "=")
	switch key {
	case "name":
		info.Name = value
	case "list":
		info.MaxItemsOne = tfbridge.False()
	case "single":
		info.MaxItemsOne = tfbridge.True()
	case "autoname":
		length, err := strconv.Atoi(value)
		if err != nil {
			return err
		}
		info.Default = tfbridge.AutoName(info.Name, length, "-").Default
	case "default":
		info.Default = &tfbridge.DefaultInfo{Value: literal(value)}
	case "type":
		info.Type = tokens.Type(value)
	case "json":
		info.Type = "string"
		info.Transform = tfbridge.TransformJSONDocument
	case "asset":
		info.Asset = &tfbridge.AssetTranslation{Kind: tfbridge.FileAsset, HashField: value}
	case "archive":
		info.Asset = &tfbridge.AssetTranslation{Kind: tfbridge.FileArchive, Format: resource.ZIPArchive, HashField: value}
	case "optional":
		info.MarkAsOptional = tfbridge.True()
	case "output":
		info.MarkAsComputedOnly = tfbridge.True()
	default:
		return fmt.Errorf("%s is not a difference that is known here", word)
	}
	return nil
}

func literal(text string) any {
	if truth, err := strconv.ParseBool(text); err == nil {
		return truth
	}
	return text
}

// lines returns the words of every line that says something; "quotes" keep spaces in a word.
func lines(text string) [][]string {
	var result [][]string
	for _, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		quoted := false
		words := strings.FieldsFunc(line, func(r rune) bool {
			if r == '"' {
				quoted = !quoted
			}
			return !quoted && (r == ' ' || r == '\t' || r == '\r')
		})
		for i, word := range words {
			words[i] = strings.ReplaceAll(word, `"`, "")
		}
		if len(words) > 0 {
			result = append(result, words)
		}
	}
	return result
}
