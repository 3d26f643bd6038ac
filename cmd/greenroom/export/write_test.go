package export

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"greenroom/assess"
	"greenroom/consent"
)

// unpack returns the files of a ZIP.
func unpack(t *testing.T, file []byte) map[string][]byte {
	t.Helper()
	archive, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, f := range archive.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if files[f.Name], err = io.ReadAll(in); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func decode[T any](t *testing.T, files map[string][]byte, name string) (document T) {
	t.Helper()
	if files[name] == nil {
		t.Fatalf("no %s among %v", name, slices.Sorted(maps.Keys(files)))
	}
	if err := json.Unmarshal(files[name], &document); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return document
}

func TestExportHoldsEverythingOfTheAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.add(consent.SessionAssessed, 20*time.Second)
	bare := w.add(consent.SessionScheduled, 0)
	w.receipts[id] = []consent.HeldReceipt{{ID: "abc-1", File: consent.ReceiptFile{Receipt: "a receipt"}}}
	w.older = []consent.HeldReceipt{{ID: "old-1", File: consent.ReceiptFile{Receipt: "a receipt"}}}
	files := unpack(t, w.file(t))

	folder, none := folderOf(id), folderOf(bare)
	want := []string{
		accountName, manifestName, signatureName, schemaName, receiptsFolder + "old-1.json",
		none + captionsName, none + sessionName, none + transcriptName,
		folder + captionsName, folder + receiptsFolder + "abc-1.json", folder + recordingName, folder + sessionName, folder + transcriptName,
	}
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(files)); !slices.Equal(got, want) {
		t.Errorf("files %v,\nwant %v", got, want)
	}
	account := decode[AccountData](t, files, accountName)
	if account.Profile.Email != w.account.Email || account.Profile.Name != w.account.DisplayName || len(account.LogIns) != 1 || len(account.Notices) != 1 || len(account.Sessions) != 2 || len(account.Receipts) != 1 {
		t.Errorf("account %+v", account)
	}
	data := decode[SessionData](t, files, folder+sessionName)
	if own := data.Plan.Questions[0].Anchors["ownership"]; own["1"] != "own a" || own["5"] != "own c" || data.Plan.Competencies[0].Anchors["5"] != "c" {
		t.Errorf("plan %+v: want the question's anchors and the competency's", data.Plan)
	}
	answer := data.Answers[0]
	if before := answer.Ratings[0]; len(answer.Ratings) != 5 || before.Revision != 0 || before.Level != 2 || answer.Ratings[1].Revision != answer.Revision {
		t.Errorf("ratings %+v: want that of the words before, and those of the words now", answer.Ratings)
	}
	if now := answer.Ratings[1]; now.Held != assess.HeldBySchema || now.Answered != "judge-1b" || !slices.Equal(now.HeardBadly, []string{"lost"}) || !now.PartlyRead {
		t.Errorf("the rating of the words now is %+v: want how it was asked, what answered, that sound was lost, and that some was not read", now)
	}
	if answer.Ratings[3].Rater.Kind != "self" || answer.Ratings[1].WhyNotHigher == "" || answer.Ratings[2].Reason == "" {
		t.Errorf("ratings %+v: want the model's with its sentences, and the self-rating", answer.Ratings)
	}
	if len(answer.Earlier) != 1 || answer.Earlier[0].Quote != "the sea" {
		t.Errorf("evidence of before %+v: want it in the words of before", answer.Earlier)
	}
	if person := answer.Ratings[4]; person.Rater.Kind != "human" || person.OrgName != "Acme" || person.Why != "It names the part." || person.Level != 5 {
		t.Errorf("a person's rating %+v", person)
	}
	if want := (FollowUp{Text: "Why the zebra?", Model: "judge-1", PromptSHA256: "p", BankSHA256: "b", At: testNow}); answer.FollowUp == nil || *answer.FollowUp != want {
		t.Errorf("the follow-up is %+v, want %+v", answer.FollowUp, want)
	}
	if answer.Evidence[0].Quote != "<zebra>" || answer.Evidence[1].Quote != "" {
		t.Errorf("evidence %+v: want the words themselves, and none for a range that is not in its line", answer.Evidence)
	}
	if answer.Measurements[0].Value == nil || *answer.Measurements[0].Value != 2 || answer.Measurements[1].Value != nil {
		t.Errorf("measurements %+v", answer.Measurements)
	}
	if len(data.ConsentEvents) != 1 || len(data.Authorizations) != 1 || len(data.Authorizations[0].Events) != 2 || len(data.Accesses) != 1 ||
		len(data.AICalls) != 1 || len(data.Events) != 1 || len(data.Gaps) != 1 || len(data.Receipts) != 1 {
		t.Errorf("history of the session: %+v", data)
	}
	transcript := decode[Transcript](t, files, folder+transcriptName)
	if len(transcript.Lines) != 2 || transcript.Lines[1].Words[1] != (Word{Text: "<zebra>", StartMS: 11000, EndMS: 12000, Corrected: true}) {
		t.Errorf("transcript %+v", transcript)
	}
	line := transcript.Lines[1]
	if len(line.Originals) != 1 || line.Originals[0].Words[1].Text != "sea" || !slices.Equal(line.Difference, []Change{{Kept: "the"}, {Was: "sea", Now: "<zebra>"}}) {
		t.Errorf("what stood there %+v, and the difference %+v", line.Originals, line.Difference)
	}
	if line.LostMS == nil || *line.LostMS != 300 || line.ClippedMS == nil || transcript.Lines[0].LostMS != nil {
		t.Errorf("lines %+v: want what was lost of the second, and nothing said of the first", transcript.Lines)
	}
	if vtt := string(files[folder+captionsName]); !strings.Contains(vtt, "00:00:10.000 --> 00:00:12.000\nthe &lt;zebra&gt;") {
		t.Errorf("captions %q", vtt)
	}
	if data.Recording == nil || data.Recording.Size != int64(len(files[folder+recordingName])) || data.Recording.DurationMS != 20_000 || data.Recording.Audio {
		t.Errorf("recording %+v, file of %d bytes", data.Recording, len(files[folder+recordingName]))
	}
	if other := decode[SessionData](t, files, none+sessionName); other.Recording != nil {
		t.Errorf("a session without a recording says %+v", other.Recording)
	}
	for _, artefact := range []consent.Artefact{consent.ArtefactPrivate, consent.ArtefactQuotes} {
		if !slices.Contains(w.asked, artefact) {
			t.Errorf("%s was read without asking", artefact)
		}
	}
}

func TestMediaIsStoredAsItIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.add(consent.SessionEnded, 10*time.Second)
	file := w.file(t)
	archive, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range archive.File {
		want := zip.Deflate
		if f.Name == folderOf(id)+recordingName {
			want = zip.Store
		}
		if f.Method != want || !f.Modified.Equal(testNow) {
			t.Errorf("%s: method %d at %v, want %d at %v", f.Name, f.Method, f.Modified, want, testNow)
		}
	}
}

// A session that may not be read is left out, and the file says so; the others are in it.
func TestSessionsThatMayNotBeReadAreLeftOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	erased, live, good := w.add(consent.SessionErased, 10*time.Second), w.add(consent.SessionLive, 10*time.Second), w.add(consent.SessionEnded, 0)
	told := map[consent.SessionID]consent.ExportFault{}
	var out bytes.Buffer
	err := w.writer().Write(t.Context(), &out, w.export, func(_ context.Context, session consent.SessionID, fault consent.ExportFault) error {
		told[session] = fault
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := (map[consent.SessionID]consent.ExportFault{erased: consent.ExportFaultErased, live: consent.ExportFaultLive, good: ""}); !maps.Equal(told, want) {
		t.Errorf("progress %v, want %v", told, want)
	}
	files := unpack(t, out.Bytes())
	for name := range files {
		if strings.Contains(name, string(erased)) || strings.Contains(name, string(live)) {
			t.Errorf("%s is in the file", name)
		}
	}
	manifest := decode[Manifest](t, files, manifestName)
	if want := []LeftOut{{erased, consent.ExportFaultErased}, {live, consent.ExportFaultLive}}; !slices.Equal(manifest.LeftOut, want) {
		t.Errorf("left out %v, want %v", manifest.LeftOut, want)
	}
	if files[folderOf(good)+sessionName] == nil {
		t.Error("the session that may be read is missing")
	}
	if _, err := w.verify(out.Bytes()); err != nil {
		t.Errorf("verify: %v", err)
	}
}

// Whatever is taken away while the file is written ends it: what was written may hold it.
func TestWriteGivesUpWhenSomethingChanges(t *testing.T) {
	t.Parallel()
	for _, moment := range []string{"record", "history", "receipts", "segments", "media", "account"} {
		for name, c := range map[string]struct {
			change func(*world, consent.SessionID)
			want   error
		}{
			"session erased":    {func(w *world, id consent.SessionID) { w.change(id, consent.SessionErased) }, ErrChanged},
			"account closed":    {func(w *world, _ consent.SessionID) { w.closed = true }, ErrChanged},
			"export taken away": {func(w *world, _ consent.SessionID) { w.over = true }, ErrChanged},
			"facts unreadable":  {func(w *world, _ consent.SessionID) { w.broken = errors.New("database away") }, consent.ErrFacts},
		} {
			t.Run(name+" before "+moment, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				id := w.add(consent.SessionEnded, 10*time.Second)
				w.before = func(what string) {
					if what == moment {
						c.change(w, id)
					}
				}
				err := w.writer().Write(t.Context(), io.Discard, w.export, ignoreProgress)
				if !errors.Is(err, c.want) {
					t.Errorf("write: %v, want %v", err, c.want)
				}
			})
		}
	}
}

func TestWriteEndsWhenProgressOrTheOutputFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add(consent.SessionEnded, 10*time.Second)
	stop := errors.New("stop")
	err := w.writer().Write(t.Context(), io.Discard, w.export, func(context.Context, consent.SessionID, consent.ExportFault) error { return stop })
	if !errors.Is(err, stop) {
		t.Errorf("progress failed: %v", err)
	}
	if err := w.writer().Write(t.Context(), failing{stop}, w.export, ignoreProgress); !errors.Is(err, stop) {
		t.Errorf("the output failed: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// Half an hour at 2 Mbit/s is 450 MB: it goes through, it is not held.
func TestALongRecordingIsNotHeldInMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 450 MB to nowhere")
	}
	w := newWorld(t)
	w.add(consent.SessionEnded, 30*time.Minute)
	runtime.GC()
	var before, now runtime.MemStats
	runtime.ReadMemStats(&before)
	var most uint64
	reads := 0
	w.before = func(what string) {
		if what != "media" {
			return
		}
		if reads++; reads%200 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&now)
			most = max(most, now.HeapAlloc)
		}
	}
	var out counting
	if err := w.writer().Write(t.Context(), &out, w.export, ignoreProgress); err != nil {
		t.Fatal(err)
	}
	if out < 450_000_000 {
		t.Fatalf("%d bytes: the recording is not in it", out)
	}
	const bound = 32 << 20
	t.Logf("%d bytes written, at most %.1f MiB more held", out, float64(most-before.HeapAlloc)/(1<<20))
	if most > before.HeapAlloc+bound {
		t.Errorf("%d MiB are held while %d MiB are written, want at most %d", (most-before.HeapAlloc)>>20, out>>20, bound>>20)
	}
}

type counting int64

func (c *counting) Write(data []byte) (int, error) {
	*c += counting(len(data))
	return len(data), nil
}
