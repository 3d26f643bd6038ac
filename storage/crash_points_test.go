package storage

import (
	"bytes"
	"context"
	"encoding/gob"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
	"greenroom/media"
	"greenroom/media/judge"
	"greenroom/media/verify"
)

// crashWorld is a database and an object store that outlive the processes which record into them.
type crashWorld struct {
	*recordingWorld
	picture judge.Video
	sound   judge.Sound
	frames  string // what each process records
}

func newCrashWorld(t *testing.T) *crashWorld {
	t.Helper()
	w := &crashWorld{
		recordingWorld: newRecordingWorld(t, embeddedStore),
		picture:        judge.Video{Codec: "vp8", Width: 160, Height: 120, Rate: 10, Seconds: 14, KeyEvery: 20},
		sound:          judge.Sound{Seconds: 14},
	}
	w.die(t) // its spool is not needed
	w.frames = filepath.Join(t.TempDir(), "frames")
	var text bytes.Buffer
	err := gob.NewEncoder(&text).Encode(crashFrames{Audio: w.sound.Frames(t), Video: w.picture.Frames(t)})
	if err == nil {
		err = os.WriteFile(w.frames, text.Bytes(), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// plan is for a process with a spool and an epoch of its own.
func (w *crashWorld) plan(epoch int, spool, frames string, kill crashPoint) crashPlan {
	config := w.config
	config.gateway = nil
	return crashPlan{
		Database: testURL(w.database.Pool(RoleIngest).Config().ConnConfig.Database), Secrets: filepath.Join(testCluster.base, "secrets"),
		Master: w.masterPath(), Objects: config, Spool: spool, Session: w.session, Epoch: epoch, Frames: frames, Kill: kill,
	}
}

// crash runs a process until it kills itself, and returns what the store had taken.
func (w *crashWorld) crash(t *testing.T, plan crashPlan) []verify.Taken {
	t.Helper()
	text, err := json.Marshal(plan)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, os.Args[0])
	command.Env = append(os.Environ(), crashChild+"="+string(text))
	var notes, said bytes.Buffer
	command.Stdout, command.Stderr = &notes, &said
	err = command.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || ctx.Err() != nil {
		t.Fatalf("the process did not reach %+v: %v\n%s", plan.Kill, err, &said)
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		t.Fatalf("the process ended with %v before %+v\n%s", err, plan.Kill, &said)
	}
	taken, err := verify.ReadNotes(&notes)
	if err != nil {
		t.Fatal(err)
	}
	return taken
}

// recovered starts anew on the spool, drains it, and checks everything.
func (w *crashWorld) recovered(t *testing.T, epoch int, dir string, taken []verify.Taken) {
	t.Helper()
	spool := openTestSpool(t, dir, 64<<20)
	uploader := NewUploader(w.database, w.keys, spool, w.objects, consent.Gate{Reader: NewSnapshots(w.database)}, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := uploader.Drain(ctx); err != nil {
		t.Fatal(err)
	}
	w.checkPlays(t, w.checkCrashed(t, epoch, spool, taken), true)
	// And once more: what is done is not done again.
	if err := uploader.Drain(ctx); err != nil {
		t.Fatal(err)
	}
	w.checkStock(t, epoch, spool)
}

// checkCrashed compares what is kept of an epoch with what the store had taken, and returns it.
func (w *crashWorld) checkCrashed(t *testing.T, epoch int, spool *Spool, taken []verify.Taken) map[media.Kind][]media.StoredSegment {
	t.Helper()
	stored := map[media.Kind][]media.StoredSegment{}
	for _, kind := range []media.Kind{media.KindAudio, media.KindVideo} {
		for _, s := range w.list(t, consent.ActorCandidate, kind, 0) {
			if s.ID.Epoch == epoch {
				stored[kind] = append(stored[kind], s)
			}
		}
		var ofKind []verify.Taken
		for _, one := range taken {
			if one.Head.ID.Kind == kind {
				ofKind = append(ofKind, one)
			}
		}
		faults := verify.CheckRecording(ofKind, stored[kind], func(s media.StoredSegment) ([][]byte, error) {
			return w.segments.ReadChunks(t.Context(), w.permit(t, consent.ActorCandidate, kind.Artefact()), s, 0, len(s.Table.Chunks)-1)
		})
		if len(faults) > 0 {
			t.Errorf("%s:\n%s", kind, strings.Join(faults, "\n"))
		}
	}
	w.checkStock(t, epoch, spool)
	return stored
}

// checkPlays judges the file with ffmpeg: nothing in it was not sent, nothing is there twice, and nothing
// is missing before its end if it should be whole.
func (w *crashWorld) checkPlays(t *testing.T, stored map[media.Kind][]media.StoredSegment, whole bool) {
	t.Helper()
	layout, err := media.NewLayout(stored[media.KindAudio], stored[media.KindVideo])
	if errors.Is(err, media.ErrNothingRecorded) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	permit := func(_ context.Context, kind media.Kind) (consent.Permit, error) {
		return w.permit(t, consent.ActorCandidate, kind.Artefact()), nil
	}
	if err := layout.WriteRange(t.Context(), &file, 0, layout.Size(), w.segments, permit, nil); err != nil {
		t.Fatal(err)
	}
	recording := judge.Open(t, file.Bytes())
	if said := recording.Decode(t); said != "" {
		t.Errorf("ffmpeg says %s", said)
	}
	if layout.Video() {
		pictures := recording.Pictures(t, judge.NewReference(t, w.picture))
		if !pictures.Clean() || whole && holed(pictures.Lost, pictures.Source) {
			t.Errorf("pictures: %v", pictures)
		}
	}
	if layout.Audio() {
		sounds := recording.Sounds(t, w.sound.Frames(t))
		if !sounds.Clean() || whole && (sounds.MadeUp > 0 || holed(sounds.Lost, sounds.Source)) {
			t.Errorf("sound: %v", sounds)
		}
	}
}

// holed reports whether something is missing that is not the end.
func holed(lost []judge.Run, of int) bool {
	return len(lost) > 1 || len(lost) == 1 && lost[0].Last != of-1
}

// checkStock compares index, bucket and spool for one epoch.
func (w *crashWorld) checkStock(t *testing.T, epoch int, spool *Spool) {
	t.Helper()
	stock := verify.Stock{Objects: map[string]int64{}}
	err := withOwner(t.Context(), w.database.Pool(RoleAudit).Config().ConnConfig.Database, func(owner *pgx.Conn) error {
		rows, err := owner.Query(t.Context(), `SELECT object_key, size FROM segments WHERE session = $1 AND epoch = $2`, w.session, epoch)
		if err != nil {
			return err
		}
		stock.Rows, err = pgx.CollectRows(rows, pgx.RowToStructByPos[verify.Row])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []media.Kind{media.KindAudio, media.KindVideo} {
		first := media.SegmentID{Session: w.session, Kind: kind, Epoch: epoch}.ObjectKey()
		objects, err := w.objects.versions(t.Context(), strings.TrimSuffix(first, "000000"))
		if err != nil {
			t.Fatal(err)
		}
		for _, object := range objects {
			if _, twice := stock.Objects[object.Key]; twice {
				t.Errorf("%s has two versions", object.Key)
			}
			stock.Objects[object.Key] = object.Size
		}
	}
	for _, folder := range []string{openFolder, sealedFolder} {
		files, err := spool.list(folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			stock.Spool = append(stock.Spool, folder+"/"+file.name)
		}
	}
	for _, fault := range stock.Faults() {
		t.Error(fault)
	}
}

// crashStep is a step of keeping segments.
type crashStep struct {
	name string
	half bool // there is a middle
	nth  int  // at which time of it
}

// crashPoints are before, after and in the middle of each step.
func crashPoints(steps []crashStep, together bool) (points []crashPoint) {
	for _, s := range steps {
		points = append(points, crashPoint{"before " + s.name, s.nth, together}, crashPoint{"after " + s.name, s.nth, together})
		if s.half {
			points = append(points, crashPoint{"half of " + s.name, s.nth, together})
		}
	}
	return points
}

// recordingSteps are the steps of keeping a segment, each with the times at which it is reached with
// something interesting around it: the first file's first times, and later ones, when other segments are
// sealed, uploaded and indexed meanwhile.
var recordingSteps = []crashStep{
	{"create", false, 3},
	{"write head", true, 3},
	{"write chunk", true, 4},
	{"write end", true, 2},
	{"sync", false, 2},
	{"rename", false, 2},
	{"sync folder", false, 3},
	{"PUT", true, 2},
	{"HEAD", false, 2},
	{"INSERT", true, 1}, // rows are written together: how often depends on what was sealed meanwhile
	{"commit", false, 1},
	{"remove", false, 2},
}

// groupSteps are the steps of what is sent together, with the times at which a part of it is done: one object
// of several is there, one row of several is answered, one file of several is gone.
var groupSteps = []crashStep{
	{"PUT", true, 2},
	{"HEAD", false, 2},
	{"INSERT", true, 1},
	{"commit", false, 1},
	{"remove", false, 2},
}

// TestKilledBetweenAnyTwoSteps kills a process that records with everything real (recorder, spool, object
// store, index) before, in the middle of and after every step. Its successor has every block that was
// appended, once; index, bucket and spool agree; and the recording plays.
func TestKilledBetweenAnyTwoSteps(t *testing.T) {
	t.Parallel()
	w := newCrashWorld(t)
	points := crashPoints(recordingSteps, false)
	w.atEach(t, points, func(t *testing.T, epoch int, point crashPoint) {
		t.Helper()
		dir := t.TempDir()
		taken := w.crash(t, w.plan(epoch, dir, w.frames, point))
		w.recovered(t, epoch, dir, taken)
	})
}

// TestKilledAmongSegmentsSentTogether is the same for a process that sends all it has recorded at once.
func TestKilledAmongSegmentsSentTogether(t *testing.T) {
	t.Parallel()
	w := newCrashWorld(t)
	w.atEach(t, crashPoints(groupSteps, true), func(t *testing.T, epoch int, point crashPoint) {
		t.Helper()
		dir := t.TempDir()
		taken := w.crash(t, w.plan(epoch, dir, w.frames, point))
		w.recovered(t, epoch, dir, taken)
	})
}

// TestKilledWhileRecovering kills a process that left an open file torn in its middle, and then its
// successor at every step of mending, and that one's successor finds everything.
func TestKilledWhileRecovering(t *testing.T) {
	t.Parallel()
	w := newCrashWorld(t)
	var points []crashPoint
	for _, step := range []string{"truncate", "write end", "sync", "rename", "sync folder"} {
		points = append(points, crashPoint{"before " + step, 1, false}, crashPoint{"after " + step, 1, false})
	}
	points = append(points, crashPoint{"half of write end", 1, false})
	w.atEach(t, points, func(t *testing.T, epoch int, point crashPoint) {
		t.Helper()
		dir := t.TempDir()
		taken := w.crash(t, w.plan(epoch, dir, w.frames, crashPoint{"half of write chunk", 3, false}))
		w.crash(t, w.plan(epoch, dir, "", point))
		w.recovered(t, epoch, dir, taken)
	})
}

// atEach runs a test for each point, side by side: they mostly wait for the recorder's tick.
func (w *crashWorld) atEach(t *testing.T, points []crashPoint, test func(t *testing.T, epoch int, point crashPoint)) {
	t.Helper()
	t.Run("points", func(t *testing.T) {
		for i, point := range points {
			t.Run(strings.ReplaceAll(point.Step, " ", "_"), func(t *testing.T) {
				t.Parallel()
				test(t, i+1, point)
			})
		}
	})
}
