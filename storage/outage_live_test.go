package storage

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"greenroom/consent"
	"greenroom/media"
	"greenroom/media/judge"
	"greenroom/media/verify"
)

// liveOutage is something that happens to the disk under a recording that is live.
type liveOutage struct {
	name string
	// begin and heal are called at liveBegins and liveHeals of the recording.
	begin, heal func(t *testing.T, r *liveRecording)
	prepare     func(t *testing.T) (dir string) // of the spool; nil: any
	told        media.RecordingState            // what the candidate must have heard
	lossless    bool
}

const (
	liveBegins = 2 * time.Second
	liveHeals  = 5 * time.Second
	liveLength = 12 * time.Second // a retry and a key frame after healing
)

// liveRecording is a recorder on a spool of its own, fed in real time.
type liveRecording struct {
	spool    *Spool
	uploader *Uploader
	recorder *media.Recorder
	watch    *verify.Watch
	stall    *stallingDisk
	uploads  func() // stops the uploader, if it runs

	mu       sync.Mutex
	statuses []media.RecordingState
	gaps     []media.Gap
}

// stallingDisk makes every sync take a while, or fails what it is told to.
type stallingDisk struct {
	*faultyDisk
	mu    sync.Mutex
	stall time.Duration
}

func (d *stallingDisk) set(stall time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stall = stall
}

func (d *stallingDisk) create(path string) (diskFile, error) {
	file, err := d.faultyDisk.create(path)
	return &stallingFile{file, d}, err
}

type stallingFile struct {
	diskFile
	disk *stallingDisk
}

func (f *stallingFile) Sync() error {
	f.disk.mu.Lock()
	stall := f.disk.stall
	f.disk.mu.Unlock()
	if stall > 0 {
		<-time.After(stall)
	}
	return f.diskFile.Sync()
}

// smallDisk mounts a disk of so many kilobytes.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("greenroom-test", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("a small disk cannot be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return dir
}

func failing(fail map[string]error) func(t *testing.T, r *liveRecording) {
	return func(_ *testing.T, r *liveRecording) { r.stall.arm(fail) }
}

// TestDiskOutagesUnderALiveRecording: whatever the spool's disk does, no frame is lost that is not counted
// and listed as a gap, the recorder goes on by itself, and everything that was taken is kept.
func TestDiskOutagesUnderALiveRecording(t *testing.T) {
	t.Parallel()
	w := newCrashWorld(t)
	w.picture.Seconds, w.sound.Seconds = liveLength.Seconds(), liveLength.Seconds()
	w.picture.Kilobits = 600
	w.sound.Frames(t) // made before the clock runs
	w.picture.Frames(t)
	healed := failing(nil)
	readOnly := map[string]error{"create": syscall.EROFS, "write": syscall.EROFS, "rename": syscall.EROFS}
	for i, c := range []liveOutage{
		{
			name: "fsync stalls for 2 s", told: media.RecordingDelayed, lossless: true,
			begin: func(_ *testing.T, r *liveRecording) { r.stall.set(2 * time.Second) },
			heal:  func(_ *testing.T, r *liveRecording) {}, // it goes on to the end
		},
		{name: "read-only", told: media.RecordingFailed, begin: failing(readOnly), heal: healed},
		{
			name: "broken", told: media.RecordingFailed, heal: healed,
			begin: failing(map[string]error{"write": syscall.EIO, "truncate": syscall.EIO, "create": syscall.EIO}),
		},
		{
			// The store is away until the disk is full; then it comes back, and what is sent makes room.
			name: "full", told: media.RecordingFailed,
			prepare: func(t *testing.T) string { t.Helper(); return smallDisk(t, "160k") },
			begin:   func(*testing.T, *liveRecording) {},
			heal: func(t *testing.T, r *liveRecording) {
				t.Helper()
				if used, _ := r.spool.Used(); used < 100<<10 {
					t.Errorf("the spool has only %d bytes: the test shows nothing", used)
				}
				r.startUploads(t)
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w.outage(t, i+1, c)
		})
	}
}

func (w *crashWorld) outage(t *testing.T, epoch int, c liveOutage) {
	t.Helper()
	r := w.startLive(t, epoch, c)
	sound, pictures := w.sound.Frames(t), w.picture.Frames(t)
	done := make(chan error, 1)
	go func() { done <- r.recorder.Run(t.Context()) }() // ends after Finish; read below
	begun, began, healed := time.Now(), false, false
	rest := crashFrames{Audio: slices.Clone(sound), Video: slices.Clone(pictures)}
	put := 0
	for ticker := time.NewTicker(20 * time.Millisecond); len(rest.Audio)+len(rest.Video) > 0; <-ticker.C {
		at := time.Since(begun)
		if !began && at >= liveBegins {
			began = true
			c.begin(t, r)
		}
		if !healed && at >= liveHeals {
			healed = true
			c.heal(t, r)
		}
		put += handOver(r.recorder, media.KindAudio, media.CodecOpus, &rest.Audio, at)
		put += handOver(r.recorder, media.KindVideo, media.CodecVP8, &rest.Video, at)
	}
	r.recorder.Finish()
	if err := <-done; err != nil {
		t.Errorf("the recorder ended with %v", err)
	}
	r.stall.set(0)
	r.uploads()
	if err := r.uploader.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, fault := range r.watch.Faults() {
		t.Error(fault)
	}
	stored := w.checkCrashed(t, epoch, r.spool, sealedOnly(r.watch.Taken()))
	w.checkPlays(t, stored, c.lossless)
	r.checkCounted(t, c, put, stored, sound, pictures)
}

// sealedOnly forgets which segments were sealed where sealing may have failed after it was done.
func sealedOnly(taken []verify.Taken) []verify.Taken {
	for i := range taken {
		taken[i].Sealed = false
	}
	return taken
}

func (w *crashWorld) startLive(t *testing.T, epoch int, c liveOutage) *liveRecording {
	t.Helper()
	var dir string
	if c.prepare != nil {
		dir = c.prepare(t)
	} else {
		dir = t.TempDir()
	}
	gate := consent.Gate{Reader: NewSnapshots(w.database)}
	r := &liveRecording{spool: openTestSpool(t, dir, 64<<20), uploads: func() {}}
	r.stall = &stallingDisk{faultyDisk: &faultyDisk{disk: r.spool.disk, half: true}}
	r.spool.disk = r.stall
	r.uploader = NewUploader(w.database, w.keys, r.spool, w.objects, gate, slog.New(slog.DiscardHandler))
	r.watch = verify.NewWatch(NewSegments(w.database, w.keys, r.spool, w.objects), nil)
	r.recorder = media.NewRecorder(media.RecorderConfig{
		Session: w.session, Epoch: epoch, Store: r.watch,
		Permit: func(ctx context.Context) (consent.Permit, error) {
			return gate.Permit(ctx, consent.Actor{Kind: consent.ActorRecorder}, w.session, consent.ArtefactCapture)
		},
		OnStatus: func(s media.RecordingStatus) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.statuses = append(r.statuses, s.State)
		},
		OnGap: func(g media.Gap) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.gaps = append(r.gaps, g)
		},
	})
	return r
}

// startUploads lets the uploader work from now on, as it does in a server whose store is there.
func (r *liveRecording) startUploads(t *testing.T) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { // ends by uploads, or with the test
		if err := r.uploader.Run(ctx); err != nil {
			t.Errorf("the uploader ended with %v", err)
		}
	})
	r.uploads = func() { stop(); running.Wait() }
}

// checkCounted compares what was put with what is kept, counted as lost, told and listed.
func (r *liveRecording) checkCounted(t *testing.T, c liveOutage, put int, stored map[media.Kind][]media.StoredSegment, sound, pictures []judge.Frame) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	kept := 0
	times := map[media.Kind]map[time.Duration]bool{media.KindAudio: {}, media.KindVideo: {}}
	for kind, segments := range stored {
		for _, s := range segments {
			kept += len(s.Table.Blocks)
			for _, b := range s.Table.Blocks {
				times[kind][b.Time] = true
			}
		}
	}
	lost := int(r.recorder.Lost())
	t.Logf("%d frames put, %d kept, %d lost; told %v; gaps %v", put, kept, lost, r.statuses, r.gaps)
	if kept+lost != put || c.lossless != (lost == 0) {
		t.Errorf("of %d frames %d are kept and %d counted as lost; lossless should be %v", put, kept, lost, c.lossless)
	}
	if !slices.Contains(r.statuses, c.told) || c.lossless && slices.Contains(r.statuses, media.RecordingFailed) {
		t.Errorf("the candidate was told %v, want %s among it", r.statuses, c.told)
	}
	if n := len(r.statuses); n < 2 || r.statuses[n-1] != media.RecordingOff || !c.lossless && r.statuses[n-2] != media.RecordingOn {
		t.Errorf("the candidate was told %v, want it to end well", r.statuses)
	}
	for kind, frames := range map[media.Kind][]judge.Frame{media.KindAudio: sound, media.KindVideo: pictures} {
		for _, f := range frames {
			at := f.Time.Truncate(time.Millisecond)
			listed := slices.ContainsFunc(r.gaps, func(g media.Gap) bool { return g.Kind == kind && g.Start <= at && at < g.End })
			if !times[kind][at] && !listed {
				t.Errorf("%s at %v is neither kept nor in a gap", kind, at)
			}
		}
	}
}
