package storage

import (
	"testing"

	"greenroom/media"
)

// TestObjectThatCameAfterItsErasureGoes plays an upload that stored its object when the eraser had looked,
// by a process that died before it found out: the next sweep leaves no object without a row.
func TestObjectThatCameAfterItsErasureGoes(t *testing.T) {
	t.Parallel()
	w := newSweepWorld(t)
	gone, kept := w.recorded(t, w.alice), w.recorded(t, w.bob)
	w.ask(t, w.alice, gone)
	w.erase(t, gone)
	late := media.SegmentID{Session: gone, Kind: media.KindAudio, Epoch: 1, Sequence: 99}.ObjectKey()
	if err := w.objects.create(t.Context(), late, []byte("ciphertext")); err != nil {
		t.Fatal(err)
	}
	before, err := w.objects.versions(t.Context(), string(kept)+"/")
	if err != nil || len(before) == 0 {
		t.Fatalf("%d objects are to be kept, %v", len(before), err)
	}
	swept, err := w.sweeper.Sweep(t.Context())
	if err != nil || swept["late objects"] != 1 {
		t.Errorf("swept %v, %v; want one late object", swept, err)
	}
	if left, err := w.objects.versions(t.Context(), string(gone)+"/"); err != nil || len(left) != 0 {
		t.Errorf("%d objects of an erased session are left, %v", len(left), err)
	}
	if after, err := w.objects.versions(t.Context(), string(kept)+"/"); err != nil || len(after) != len(before) {
		t.Errorf("%d of %d other objects are left, %v", len(after), len(before), err)
	}
	if swept, err := w.sweeper.Sweep(t.Context()); err != nil || swept["late objects"] != 0 {
		t.Errorf("a second sweep found %v, %v", swept, err)
	}
}
