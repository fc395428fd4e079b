package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/pulumi/esc"
	"github.com/pulumi/esc/eval"
)

type folder string

func (f folder) LoadEnvironment(_ context.Context, name string) ([]byte, eval.Decrypter, error) {
	source, err := os.ReadFile(filepath.Join(string(f), name+".yaml"))
	return source, rot128{}, err
}

// bench evaluates each root as the official service would: read, parse, evaluate, and export its pulumiConfig, one after the other.
func bench(dir string) error {
	listed, err := os.ReadFile(filepath.Join(dir, "roots.txt"))
	if err != nil {
		return err
	}
	roots := strings.Fields(string(listed))
	began, size, digest := time.Now(), 0, sha256.New()
	for _, name := range roots {
		exported, err := resolve(folder(dir), name)
		if err != nil {
			return err
		}
		size += len(exported)
		digest.Write(exported)
	}
	took := time.Since(began).Seconds()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"roots": len(roots), "seconds": took, "peak_mb": float64(usage.Maxrss) / 1024, "exported_bytes": size,
		"digest": hex.EncodeToString(digest.Sum(nil)),
	})
}

func resolve(from folder, name string) ([]byte, error) {
	source, dec, err := from.LoadEnvironment(context.Background(), name)
	if err != nil {
		return nil, err
	}
	declared, diags, err := eval.LoadYAMLBytes(name, source)
	if err != nil || diags.HasErrors() {
		return nil, fmt.Errorf("%s: %v %v", name, err, diags)
	}
	around, err := esc.NewExecContext(map[string]esc.Value{})
	if err != nil {
		return nil, err
	}
	env, diags := eval.EvalEnvironment(context.Background(), name, declared, dec, providers{}, from, around)
	if diags.HasErrors() {
		return nil, fmt.Errorf("%s: %v", name, diags)
	}
	return json.Marshal(env.Properties["pulumiConfig"].ToJSON(false))
}
