package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"greenroom/consent"
)

// mostSumPages bounds how much of a server's ledger is asked for: two million entries. A server gives a page
// to the same address once a second after the first sixty, so that many take half an hour.
const mostSumPages = 2000

// askServer follows the server's ledger of today from a head that is known here to its newest checkpoint.
// back, where there is a whole ledger, gives the chain at an earlier place.
func (c *verifyCommand) askServer(ctx context.Context, keys consent.KeySet, from consent.LedgerHead, back func(int64) (consent.Digest, error)) (consent.Findings, error) {
	text, err := fetch(ctx, c.Server, "/api/v1/ledger/checkpoint", consent.MaxDocument)
	if errors.Is(err, errNotThere) {
		return consent.Findings{{Verdict: consent.NotChecked, Text: "The server has signed no checkpoint of its ledger yet, so nothing was looked up in it."}}, nil
	}
	if err != nil {
		return nil, err
	}
	var line consent.CheckpointLine
	if err := json.Unmarshal(text, &line); err != nil {
		return nil, fmt.Errorf("the checkpoint of %s cannot be read: %w", c.Server, err)
	}
	checkpoint, err := line.Verify(keys)
	if err != nil {
		return consent.Findings{{Verdict: consent.Broken, Text: fmt.Sprintf("The server's checkpoint is not genuine: %v.", err)}}, nil
	}
	if checkpoint.Seq < from.Seq {
		if back == nil {
			return consent.Findings{{
				Verdict: consent.NotChecked, Text: fmt.Sprintf("The server's newest checkpoint is of entry %d, before this entry %d.", checkpoint.Seq, from.Seq),
			}}, nil
		}
		chain, err := back(checkpoint.Seq)
		if err != nil {
			return nil, err
		}
		return consent.CompareCheckpoint(consent.LedgerHead{Seq: checkpoint.Seq, Chain: chain}, checkpoint), nil
	}
	reached, err := c.followSums(ctx, from, checkpoint.Seq)
	if err != nil {
		return nil, err
	}
	return consent.CompareCheckpoint(reached, checkpoint), nil
}

// followSums computes the chain at a later place from the sums of the entries between.
func (c *verifyCommand) followSums(ctx context.Context, head consent.LedgerHead, to int64) (consent.LedgerHead, error) {
	for range mostSumPages {
		if head.Seq >= to {
			return head, nil
		}
		text, err := fetch(ctx, c.Server, fmt.Sprintf("/api/v1/ledger/sums?after=%d", head.Seq), 1<<20)
		if err != nil {
			return head, err
		}
		var page struct {
			Sums []consent.Digest `json:"sums"`
		}
		if err := json.Unmarshal(text, &page); err != nil {
			return head, fmt.Errorf("the sums of %s cannot be read: %w", c.Server, err)
		}
		if len(page.Sums) == 0 {
			return head, fmt.Errorf("%s signed for %d entries and has no sums after entry %d", c.Server, to, head.Seq)
		}
		for _, sum := range page.Sums {
			if head.Seq < to {
				head = head.Then(sum)
			}
		}
	}
	return head, fmt.Errorf("%s has more entries than are followed here: use a copy of the ledger folder with --ledger", c.Server)
}
