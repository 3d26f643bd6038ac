package eval

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"greenroom/assess"
)

// flaky is a model of which nothing but its probe is asked; the first ones fail.
type flaky struct {
	assess.Model
	failing, asked int
}

func (f *flaky) Probe(context.Context) assess.Capabilities {
	f.asked++
	if f.asked <= f.failing {
		return assess.Capabilities{Model: "flaky", Problem: "it did not fit into the allowed tokens"}
	}
	return assess.Capabilities{Model: "flaky", Held: assess.HeldBySchema}
}

// One probe that fails ends no run of hours; three do.
func TestAModelIsProbedThreeTimesBeforeARunEnds(t *testing.T) {
	for failing, want := range map[int]int{0: 1, 2: 3, 9: tries} {
		synctest.Test(t, func(t *testing.T) {
			model := &flaky{failing: failing}
			found, err := (&Runner{Model: model}).probe(t.Context())
			if model.asked != want {
				t.Errorf("%d fail: asked %d times, want %d", failing, model.asked, want)
			}
			if failing < tries && (err != nil || len(found) != 1 || found[0].Held != assess.HeldBySchema) {
				t.Errorf("%d fail: %+v, %v", failing, found, err)
			}
			if failing >= tries && !errors.Is(err, ErrUnreachable) {
				t.Errorf("%d fail: %v, want %v", failing, err, ErrUnreachable)
			}
		})
	}
}
