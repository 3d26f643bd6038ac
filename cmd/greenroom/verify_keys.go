package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"greenroom/consent"
)

// keys finds the public keys. Those that lie beside what is checked prove only that it fits together, and
// it is said.
func (c *verifyCommand) keys(ctx context.Context) (consent.KeySet, consent.Findings, error) {
	if c.Keys != "" && c.Server != "" {
		return consent.KeySet{}, nil, errors.New("--keys and --server are both set: use one")
	}
	var text []byte
	var err error
	var found consent.Findings
	switch {
	case c.Keys != "":
		text, err = readBounded(c.Keys, consent.MaxKeySet)
	case c.Server != "":
		text, err = fetch(ctx, c.Server, "/api/v1/keys", consent.MaxKeySet)
	default:
		folder := c.Path
		if info, statErr := os.Stat(folder); statErr != nil || !info.IsDir() {
			folder = c.Ledger
		}
		if folder == "" {
			return consent.KeySet{}, nil, errors.New("whose signature should it be? Name the server's public keys with --keys, or the server with --server")
		}
		path := filepath.Join(folder, consent.LedgerKeysFile)
		text, err = readBounded(path, consent.MaxKeySet)
		found = append(found, consent.Finding{
			Verdict: consent.NotChecked,
			Text:    "The keys are those that lie in " + path + ": whoever writes the folder can write them too. Name keys that you got elsewhere with --keys or --server.",
		})
	}
	if err != nil {
		return consent.KeySet{}, nil, err
	}
	keys, err := consent.ParseKeySet(bytes.TrimSpace(text))
	return keys, found, err
}

func readBounded(path string, most int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, most+1))
	if err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	return text, nil
}

// How long a server that asks to wait is waited for.
const (
	longestWait = time.Minute // at once
	mostWaits   = 5           // before the same document
)

// errNotThere says that a server has no such document.
var errNotThere = errors.New("it has none")

// waitError is a server's answer that this caller has asked too often.
type waitError struct {
	status string
	wait   time.Duration
}

func (e waitError) Error() string { return "it answers " + e.status }

// fetch reads a small public document of a server. A server that has been asked too often is waited for.
func fetch(ctx context.Context, server, path string, most int64) ([]byte, error) {
	for waits := 0; ; waits++ {
		text, err := fetchOnce(ctx, server, path, most)
		later, ok := errors.AsType[waitError](err)
		if !ok || waits == mostWaits || later.wait > longestWait {
			return text, err
		}
		select {
		case <-time.After(later.wait):
		case <-ctx.Done():
			return nil, fmt.Errorf("ask %s for %s: %w", server, path, ctx.Err())
		}
	}
}

func fetchOnce(ctx context.Context, server, path string, most int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(server, "/")+path, nil)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", server, err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", server, err)
	}
	defer func() { _ = answer.Body.Close() }()
	if err := notGiven(answer); err != nil {
		return nil, fmt.Errorf("ask %s for %s: %w", server, path, err)
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, most+1))
	if err != nil {
		return nil, fmt.Errorf("ask %s for %s: %w", server, path, err)
	}
	return text, nil
}

// notGiven returns why an answer is not the document.
func notGiven(answer *http.Response) error {
	switch answer.StatusCode {
	case http.StatusOK:
		return nil
	case http.StatusNotFound:
		return fmt.Errorf("%w: it answers %s", errNotThere, answer.Status)
	case http.StatusTooManyRequests:
		if wait, err := time.ParseDuration(answer.Header.Get("Retry-After") + "s"); err == nil {
			return waitError{answer.Status, wait}
		}
	}
	return errors.New("it answers " + answer.Status)
}
