// Oracle asks the official evaluator: documents in, values and diagnostics out.
//
//	oracle            answers requests on stdin, one JSON document a line, until it ends
//	oracle bench DIR  evaluates every environment of DIR/roots.txt and prints seconds and peak memory
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
)

type number = json.Number

func main() {
	debug.SetMaxStack(256 << 20) // a document that nests too deep ends the process before it takes the machine's memory
	var err error
	switch {
	case len(os.Args) == 1:
		err = serve()
	case len(os.Args) == 3 && os.Args[1] == "bench":
		err = bench(os.Args[2])
	default:
		err = fmt.Errorf("usage: oracle [bench DIR]")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve() error {
	in, out := bufio.NewReader(os.Stdin), json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	requests := json.NewDecoder(in)
	requests.UseNumber()
	for requests.More() {
		var asked request
		if err := requests.Decode(&asked); err != nil {
			return err
		}
		if err := out.Encode(answer(asked)); err != nil {
			return err
		}
	}
	return nil
}
