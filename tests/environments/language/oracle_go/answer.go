package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"runtime/debug"

	"github.com/hashicorp/hcl/v2"
	"github.com/pulumi/esc"
	"github.com/pulumi/esc/ast"
	"github.com/pulumi/esc/eval"
	"github.com/pulumi/esc/syntax"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

type request struct {
	Documents   map[string][]byte `json:"documents"` // by the name that stands in an import
	Root        []byte            `json:"root"`
	Name        string            `json:"name"` // the root's
	Modes       []string          `json:"modes"`
	Folder      string            `json:"folder"` // from where the documents are said to come
	Context     map[string]any    `json:"context"`
	ShowSecrets bool              `json:"showSecrets"`
	RotatePaths []string          `json:"rotatePaths"`
}

type diagnostic struct {
	Severity    string `json:"severity"`
	Summary     string `json:"summary"`
	Path        string `json:"path"`
	Placed      bool   `json:"placed"` // whether the rest says anything
	Environment string `json:"environment"`
	Begin       [3]int `json:"begin"` // line, column, byte
	End         [3]int `json:"end"`
}

type patch struct {
	Path  string `json:"path"`
	Value any    `json:"value"`
}

type result struct {
	None        bool                `json:"none"` // there is no environment at all
	Revealed    any                 `json:"revealed"`
	Redacted    any                 `json:"redacted"`
	Variables   any                 `json:"variables"`
	Files       any                 `json:"files"`
	Layers      map[string][]string `json:"layers"` // by path: where a value was set, and those that it overrides
	Diagnostics []diagnostic        `json:"diagnostics"`
	Patches     []patch             `json:"patches"`
	Panic       string              `json:"panic,omitempty"`
}

type environments struct {
	documents map[string][]byte
	folder    string
}

func (e environments) LoadEnvironment(_ context.Context, name string) ([]byte, eval.Decrypter, error) {
	if source, ok := e.documents[name]; ok {
		return source, rot128{}, nil
	}
	return nil, nil, fmt.Errorf("open %s: no such file or directory", filepath.Join(e.folder, name+".yaml"))
}

// answer carries out a request: what parsing says under "load", and each mode's result.
func answer(asked request) (answers map[string]result) {
	answers = map[string]result{}
	var root *ast.EnvironmentDecl
	answers["load"] = guarded(func() result {
		declared, diags, err := eval.LoadYAMLBytes(asked.Name, asked.Root)
		if err != nil {
			panic(err)
		}
		root = declared
		return result{None: root == nil, Diagnostics: diagnostics(diags)}
	})
	if answers["load"].Panic != "" {
		return answers
	}
	for _, mode := range asked.Modes {
		answers[mode] = guarded(func() result { return evaluate(asked, mode, root) })
	}
	return answers
}

func evaluate(asked request, mode string, root *ast.EnvironmentDecl) result {
	around, err := execContext(asked.Context)
	if err != nil {
		panic(err)
	}
	found := environments{asked.Documents, asked.Folder}
	switch mode {
	case "eval":
		env, diags := eval.EvalEnvironment(context.Background(), asked.Name, root, rot128{}, providers{}, found, around)
		return export(env, diags, nil)
	case "check":
		env, diags := eval.CheckEnvironment(context.Background(), asked.Name, root, rot128{}, providers{}, found, around, asked.ShowSecrets)
		return export(env, diags, nil)
	case "rotate":
		var paths []resource.PropertyPath
		for _, text := range asked.RotatePaths {
			path, err := resource.ParsePropertyPath(text)
			if err != nil {
				panic(err)
			}
			paths = append(paths, path)
		}
		env, rotated, diags := eval.RotateEnvironment(
			context.Background(), asked.Name, root, rot128{}, providers{}, found, around, paths)
		return export(env, diags, rotated.Patches())
	}
	panic("unknown mode " + mode)
}

// guarded reports a panic as a result.
func guarded(work func() result) (done result) {
	defer func() {
		if reason := recover(); reason != nil {
			done = result{Panic: fmt.Sprintf("%v\n%s", reason, debug.Stack())}
		}
	}()
	return work()
}

func execContext(plain map[string]any) (*esc.ExecContext, error) {
	held := map[string]esc.Value{}
	for key, value := range plain {
		converted, err := esc.FromJSON(value)
		if err != nil {
			return nil, err
		}
		held[key] = converted
	}
	return esc.NewExecContext(held)
}

func export(env *esc.Environment, diags syntax.Diagnostics, patches []*eval.Patch) result {
	done := result{None: env == nil, Diagnostics: diagnostics(diags)}
	for _, p := range patches {
		done.Patches = append(done.Patches, patch{p.DocPath, tagged(p.Replacement.ToJSON(false))})
	}
	if env == nil {
		return done
	}
	all := esc.NewValue(env.Properties)
	done.Revealed, done.Redacted = tagged(all.ToJSON(false)), tagged(all.ToJSON(true))
	done.Variables, done.Files = flat(env.GetEnvironmentVariables()), flat(env.GetTemporaryFiles())
	done.Layers = map[string][]string{}
	for key, value := range env.Properties {
		layers(done.Layers, key, value)
	}
	return done
}

// tagged sets a number as {"#": text}, so that its text arrives as it is, and whatever it is.
func tagged(plain any) any {
	switch plain := plain.(type) {
	case json.Number:
		return map[string]any{"#": plain.String()}
	case []any:
		items := make([]any, len(plain))
		for i, item := range plain {
			items[i] = tagged(item)
		}
		return items
	case map[string]any:
		entries := make(map[string]any, len(plain))
		for key, entry := range plain {
			entries[key] = tagged(entry)
		}
		return entries
	default:
		return plain
	}
}

func flat(held map[string]esc.Value) map[string]any {
	entries := map[string]any{}
	for key, value := range held {
		entries[key] = []any{value.ToString(false), value.Secret}
	}
	return entries
}

// layers notes where a value and all that it holds were set, the top layer first.
func layers(noted map[string][]string, path string, value esc.Value) {
	for layer := &value; layer != nil; layer = layer.Trace.Base {
		if layer.Unknown { // what is below is made up
			noted[path] = append(noted[path], "unknown")
			break
		}
		at := layer.Trace.Def
		noted[path] = append(noted[path], fmt.Sprintf("%s:%d:%d", at.Environment, at.Begin.Line, at.Begin.Column))
	}
	switch held := value.Value.(type) {
	case []esc.Value:
		for i, item := range held {
			layers(noted, fmt.Sprintf("%s[%d]", path, i), item)
		}
	case map[string]esc.Value:
		for key, entry := range held {
			layers(noted, fmt.Sprintf("%s[%s]", path, key), entry)
		}
	}
}

func diagnostics(diags syntax.Diagnostics) []diagnostic {
	listed := []diagnostic{}
	for _, d := range diags {
		said := diagnostic{Severity: "error", Summary: d.Summary, Path: d.Path}
		if d.Severity == hcl.DiagWarning {
			said.Severity = "warning"
		}
		if at := d.Subject; at != nil {
			said.Placed, said.Environment = true, at.Filename
			said.Begin = [3]int{at.Start.Line, at.Start.Column, at.Start.Byte}
			said.End = [3]int{at.End.Line, at.End.Column, at.End.Byte}
		}
		listed = append(listed, said)
	}
	return listed
}
