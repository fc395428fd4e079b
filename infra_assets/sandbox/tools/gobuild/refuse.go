package main

import (
	"context"
	_ "embed"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

//go:embed newer.txt
var newerText string

// refuseNewer makes resources refuse the inputs of newer.txt, which the bridge would drop without a word.
func refuseNewer(resources map[string]*tfbridge.ResourceInfo) error {
	newer := map[string][]string{}
	for _, words := range lines(newerText) {
		if len(words) != 2 || (resources[words[0]] == nil && words[0] != provider) {
			return fmt.Errorf("newer.txt: not understood: %s", strings.Join(words, " "))
		}
		newer[words[0]] = append(newer[words[0]], words[1])
	}
	for name, paths := range newer {
		if info := resources[name]; info != nil {
			info.PreCheckCallback = func(
				_ context.Context, inputs, _ resource.PropertyMap,
			) (resource.PropertyMap, error) {
				for _, path := range paths {
					if has(resource.NewObjectProperty(inputs), strings.Split(path, ".")) {
						return nil, fmt.Errorf("%s: newer than the AWS provider that was built here; the official one %s has it",
							path, version)
					}
				}
				return inputs, nil
			}
		}
	}
	return nil
}

// has tells whether value has something at path; name[] is each element of a list.
func has(value resource.PropertyValue, path []string) bool {
	if value.IsSecret() {
		return has(value.SecretValue().Element, path)
	}
	if value.IsOutput() {
		return has(value.OutputValue().Element, path)
	}
	if value.IsArray() {
		for _, element := range value.ArrayValue() {
			if has(element, path) {
				return true
			}
		}
		return false
	}
	if len(path) == 0 {
		return !value.IsNull()
	}
	if !value.IsObject() {
		return false
	}
	return has(value.ObjectValue()[resource.PropertyKey(strings.TrimSuffix(path[0], "[]"))], path[1:])
}
