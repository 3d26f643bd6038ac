package media

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// When segments are cut and what is done when they cannot be.
const (
	// segmentLength is when a segment is due to end: what a power cut loses, and the distance between
	// places to seek to.
	segmentLength = 6 * time.Second
	// keyPatience is how long after that a video segment waits for the key frame that was asked for.
	keyPatience = 10 * time.Second
	// stretch is how long a segment may grow while no new one can be opened (the database or the disk
	// is away for a moment); a block's time must still fit its 16 bits.
	stretch = 30 * time.Second
	// askInterval is how often a key frame is asked for while none comes: a request can get lost.
	askInterval = 3 * time.Second
	// retryInterval is how often a store that failed is tried again.
	retryInterval = 3 * time.Second
	// idleAfter is how long nothing may come before what is open is sealed, so that it gets kept.
	idleAfter = 8 * time.Second
	// storeTimeout bounds opening and sealing.
	storeTimeout = 30 * time.Second
	// joinLimit is the longest pause that still counts as part of the frame before it.
	joinLimit = 500 * time.Millisecond
)

// segmenter cuts the frames of both tracks into segments. Only the recorder's writer touches it.
type segmenter struct {
	recorder *Recorder
	failed   error // of the last seal
	tracks   map[Kind]*track
	order    []*track // audio first
}

// track is what is being written of one kind.
type track struct {
	kind     Kind
	sequence int           // of the next segment
	writer   SegmentWriter // nil while no segment is open
	info     SegmentInfo   // of the open segment; End is behind its last appended block
	chunks   int           // appended
	blocks   int           // appended
	bytes    int           // appended
	plain    []byte        // the chunk in the making
	refs     []BlockRef    // its blocks
	end      time.Duration // behind its last block
	last     time.Duration // time of the last block of all; -1 before the first
	frameAt  time.Time     // when the last frame came
	askedAt  time.Time     // when a key frame was last asked for
	retryAt  time.Time     // before this no segment is opened
	needKey  bool          // frames were lost: what leans on them is of no use
	lostFrom time.Duration // where the present loss began; -1 while nothing is being lost
	lostTo   time.Duration
}

func newSegmenter(r *Recorder) *segmenter {
	s := &segmenter{recorder: r, tracks: map[Kind]*track{}}
	for _, kind := range []Kind{KindAudio, KindVideo} {
		t := &track{kind: kind, last: -1, lostFrom: -1}
		s.tracks[kind] = t
		s.order = append(s.order, t)
	}
	return s
}

// keep takes the next frame of a track.
func (s *segmenter) keep(ctx context.Context, f queued, payload []byte) {
	t := s.tracks[f.kind]
	if t == nil || s.recorder.withdrawn.Load() {
		return
	}
	if f.lostFrom >= 0 { // counted by the queue
		s.append(ctx, t)
		t.lose(f.lostFrom, max(f.lostFrom, f.lostTo))
		if f.size == 0 {
			return
		}
	}
	f.time = max(f.time, 0).Truncate(time.Millisecond)
	if f.time <= t.last {
		f.time = t.last + time.Millisecond
	}
	t.last = f.time
	t.frameAt = s.recorder.config.Now()
	if f.duration <= 0 || f.duration > time.Second {
		f.duration = frameDuration(f.codec, payload, t.refs)
	}
	if t.needKey && !f.key {
		s.askForKey(t)
		s.drop(t, f)
		return
	}
	if !s.ready(ctx, t, f) {
		s.drop(t, f)
		return
	}
	t.needKey = false
	t.add(f, payload)
	if len(t.plain) >= chunkTarget {
		s.append(ctx, t)
	}
}

// ready sees to it that a segment is open that can take the frame, and cuts where that is due.
func (s *segmenter) ready(ctx context.Context, t *track, f queued) bool {
	now := s.recorder.config.Now()
	must := t.writer == nil
	if !must {
		var due bool
		due, must = t.due(f)
		if t.info.Forced || f.time-t.info.Start >= segmentLength && !f.key {
			s.askForKey(t)
		}
		if !due && !must {
			return true
		}
		if !s.append(ctx, t) {
			return false
		}
	}
	if now.Before(t.retryAt) {
		if must {
			s.seal(ctx, t)
		}
		return !must
	}
	writer, info, err := s.open(ctx, t, f)
	if err != nil {
		t.retryAt = now.Add(retryInterval)
		s.recorder.config.Log.WarnContext(ctx, "open segment", "kind", t.kind, "error", err)
		if must {
			s.recorder.note(t.kind, err)
			s.seal(ctx, t)
		}
		return !must
	}
	t.join(f)
	s.seal(ctx, t)
	t.writer, t.info = writer, info
	t.chunks, t.blocks, t.bytes = 0, 0, 0
	return true
}

// due reports whether the open segment should end before the frame, and whether it must.
func (t *track) due(f queued) (due, must bool) {
	long := f.time - t.info.Start
	resized := f.key && f.width > 0 && (f.width != t.info.Width || f.height != t.info.Height)
	must = f.codec != t.info.Codec || resized || long > stretch ||
		t.chunks >= maxChunks-2 || t.blocks+len(t.refs) >= maxBlocks || t.bytes+len(t.plain) >= maxSegment
	if t.kind == KindAudio {
		return long >= segmentLength, must
	}
	return f.key && (t.info.Forced || long >= segmentLength) || long >= segmentLength+keyPatience, must
}

func (s *segmenter) open(ctx context.Context, t *track, f queued) (SegmentWriter, SegmentInfo, error) {
	config := s.recorder.config
	head := SegmentHead{
		ID:    SegmentID{Session: config.Session, Kind: t.kind, Epoch: config.Epoch, Sequence: t.sequence},
		Codec: f.codec,
		Start: f.time,
	}
	// A failed attempt may have left something behind: no number is used twice.
	t.sequence++
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	permit, err := config.Permit(ctx)
	if err != nil {
		return nil, SegmentInfo{}, fmt.Errorf("permit to record: %w", err)
	}
	writer, err := config.Store.OpenSegment(ctx, permit, head)
	if err != nil {
		return nil, SegmentInfo{}, err
	}
	info := SegmentInfo{SegmentHead: head, End: f.time, Forced: !f.key}
	if f.key {
		info.Width, info.Height = f.width, f.height
	}
	return writer, info, nil
}

// add puts the frame into the chunk in the making.
func (t *track) add(f queued, payload []byte) {
	t.plain = appendBlockHead(t.plain, trackNumber(t.kind), f.time-t.info.Start, f.key, len(payload))
	ref := BlockRef{Offset: len(t.plain), Size: len(payload), Time: f.time, Key: f.key}
	if t.kind == KindAudio {
		ref.Duration, _ = opusDuration(payload)
	}
	t.refs = append(t.refs, ref)
	t.plain = append(t.plain, payload...)
	t.end = f.time + f.duration
}

// append hands the chunk in the making to the store. If that fails the segment ends before it.
func (s *segmenter) append(ctx context.Context, t *track) bool {
	if len(t.refs) == 0 {
		return true
	}
	if s.recorder.withdrawn.Load() {
		t.plain, t.refs = t.plain[:0], t.refs[:0]
		return false
	}
	err := t.writer.Append(Chunk{Plain: t.plain, Blocks: t.refs})
	if err != nil {
		s.recorder.config.Log.WarnContext(ctx, "append to segment", "kind", t.kind, "error", err)
		t.lose(t.refs[0].Time, t.end)
		s.recorder.queue.lost.Add(int64(len(t.refs)))
		t.retryAt = s.recorder.config.Now().Add(retryInterval)
		t.plain, t.refs = t.plain[:0], t.refs[:0]
		s.seal(ctx, t)
		s.recorder.note(t.kind, err)
		return false
	}
	s.recorder.note(t.kind, nil)
	s.found(t, t.refs[0].Time)
	t.chunks, t.blocks, t.bytes = t.chunks+1, t.blocks+len(t.refs), t.bytes+len(t.plain)
	t.info.End = t.end
	t.plain, t.refs = t.plain[:0], t.refs[:0]
	if cap(t.plain) > keptBuffer {
		t.plain = nil
	}
	return true
}

// join makes the last frame of the open segment reach to the next one's first, unless there is a hole.
func (t *track) join(next queued) {
	if t.writer != nil && (t.info.End > next.time || next.time-t.info.End <= joinLimit && t.kind == KindVideo) {
		t.info.End = next.time
	}
}

// seal ends the open segment, whose chunks are all appended. If sealing fails the store recovers the
// segment at its next start, so nothing is given up here.
func (s *segmenter) seal(ctx context.Context, t *track) {
	s.failed = nil
	if t.writer == nil {
		return
	}
	writer := t.writer
	t.writer = nil
	var err error
	if t.chunks == 0 || s.recorder.withdrawn.Load() {
		err = writer.Discard()
	} else {
		ctx, cancel := context.WithTimeout(ctx, storeTimeout)
		defer cancel()
		err = writer.Seal(ctx, t.info)
	}
	if err != nil {
		s.failed = fmt.Errorf("seal segment %s: %w", t.info.ID.ObjectKey(), err)
		s.recorder.config.Log.ErrorContext(ctx, "seal segment", "segment", t.info.ID.ObjectKey(), "error", err)
		s.recorder.note(t.kind, err)
	}
}

// settle appends what is in the making, seals what nothing comes for any more, and discards everything
// when consent was withdrawn.
func (s *segmenter) settle(ctx context.Context) {
	withdrawn, now := s.recorder.withdrawn.Load(), s.recorder.config.Now()
	for _, t := range s.order {
		if !withdrawn {
			s.append(ctx, t)
		}
		if t.writer != nil && (s.recorder.withdrawn.Load() || now.Sub(t.frameAt) > idleAfter) {
			s.seal(ctx, t)
		}
	}
}

// end seals or discards everything.
func (s *segmenter) end(ctx context.Context) error {
	var failed error
	for _, t := range s.order {
		s.seal(ctx, t)
		failed = errors.Join(failed, s.failed)
		s.found(t, t.lostTo)
	}
	return failed
}

// askForKey asks the sender for a key frame, but not for every frame that passes without one.
func (s *segmenter) askForKey(t *track) {
	now := s.recorder.config.Now()
	if t.kind != KindVideo || !t.askedAt.IsZero() && now.Sub(t.askedAt) < askInterval {
		return
	}
	t.askedAt = now
	s.recorder.ask(t.kind)
}

// drop counts a frame that cannot be kept.
func (s *segmenter) drop(t *track, f queued) {
	s.recorder.queue.lost.Add(1)
	t.lose(f.time, f.time+f.duration)
}

// lose notes that something is missing; of video nothing is of use until the next key frame.
func (t *track) lose(from, to time.Duration) {
	if t.lostFrom < 0 {
		t.lostFrom = max(from, 0)
	}
	t.lostTo = max(t.lostTo, to)
	t.needKey = t.kind == KindVideo
}

// found ends the present loss and tells of it.
func (s *segmenter) found(t *track, at time.Duration) {
	if t.lostFrom < 0 {
		return
	}
	gap := Gap{Kind: t.kind, Start: t.lostFrom, End: at, Reason: GapStorage}
	t.lostFrom, t.lostTo = -1, 0
	if s.recorder.config.OnGap != nil && gap.End > gap.Start && !s.recorder.withdrawn.Load() {
		s.recorder.config.OnGap(gap)
	}
}
