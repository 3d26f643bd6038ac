package export

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"testing"

	"greenroom/assess"
	"greenroom/consent"
)

// What is read of an export is what was written into it.
func TestReadGivesTheInterviewsBack(t *testing.T) {
	t.Parallel()
	w, id, file := example(t)
	read := func(file []byte) (Verified, []Kept, error) {
		return Read(bytes.NewReader(file), int64(len(file)), Checks{Open: w.open})
	}
	verified, kept, err := read(file)
	if err != nil || verified.Manifest.Account != w.account.ID || len(kept) != 1 || kept[0].Session != id {
		t.Fatalf("%+v, %v", kept, err)
	}
	record, err := recordOf(w.sessions[id])
	if err != nil {
		t.Fatal(err)
	}
	lines := record.Lines()
	for i := range lines {
		lines[i].Changed = 0 // counted from the difference, which is there
	}
	want := record.Plan
	want.Role, want.RoleTitle, want.Mode = "go", "Go engineer", consent.ModePractice
	if got := kept[0]; !reflect.DeepEqual(got.Plan, want) || !reflect.DeepEqual(got.Answers, []assess.Answer{record.Answers[0].Answer}) ||
		!reflect.DeepEqual(got.Lines, lines) || !slices.Equal(got.Gaps, record.Gaps) || !reflect.DeepEqual(got.Names, assess.NamesOf(w.account.DisplayName, w.account.Email)) {
		t.Errorf("read %+v\nwant the plan %+v and the lines %+v", got, want, lines)
	}
	levels := slices.DeleteFunc(slices.Clone(record.Answers[0].Ratings), func(r assess.Rating) bool { return r.Rater().Kind != assess.RaterModel })
	if !slices.Equal(kept[0].Ratings, levels) || len(levels) != 2 {
		t.Errorf("ratings %+v, want %+v", kept[0].Ratings, levels)
	}
	file[len(file)/2] ^= 1
	if _, kept, err := read(file); !errors.Is(err, ErrNotExport) || kept != nil {
		t.Errorf("changed: %+v, %v", kept, err)
	}
	w.change(id, consent.SessionErased)
	if _, kept, err := read(w.file(t)); err != nil || len(kept) > 0 {
		t.Errorf("of an interview that was left out: %+v, %v", kept, err)
	}
}
