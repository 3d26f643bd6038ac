package web

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"greenroom/consent"
	"greenroom/media"
)

// rights are the Permits that one reader has for one session, all decided from one snapshot.
type rights struct {
	snapshot consent.Snapshot
	permits  map[consent.Artefact]consent.Permit
}

// rights asks the gate once and decides about every artefact. A reader with none of them gets
// [consent.ErrNotFound].
func (s *Server) rights(ctx context.Context, account consent.Account, id consent.SessionID) (rights, error) {
	snapshot, err := s.cfg.Gate.Snapshot(ctx, actorOf(account), id)
	if err != nil {
		return rights{}, err
	}
	r := rights{snapshot: snapshot, permits: map[consent.Artefact]consent.Permit{}}
	for _, artefact := range consent.AllArtefacts() {
		if permit, err := consent.Decide(snapshot, artefact); err == nil {
			r.permits[artefact] = permit
		}
	}
	if _, err := consent.Decide(snapshot, consent.ArtefactSession); err != nil {
		return rights{}, err
	}
	return r, nil
}

func (r rights) may(artefact consent.Artefact) bool {
	_, ok := r.permits[artefact]
	return ok
}

// owner: the reader is the candidate, who sees everything.
func (r rights) owner() bool { return r.snapshot.Actor.Kind == consent.ActorCandidate }

// lostSince reports whether something that was permitted before is not any more.
func (r rights) lostSince(before rights) bool {
	for artefact := range before.permits {
		if !r.may(artefact) {
			return true
		}
	}
	return false
}

func (r rights) recordPermits() RecordPermits {
	return RecordPermits{
		Session: r.permits[consent.ArtefactSession], Ratings: r.permits[consent.ArtefactRatings],
		Feedback: r.permits[consent.ArtefactFeedback], Quotes: r.permits[consent.ArtefactQuotes],
		Measurements: r.permits[consent.ArtefactMeasurements], Transcript: r.permits[consent.ArtefactTranscript],
		Private: r.permits[consent.ArtefactPrivate],
	}
}

// grant returns the live authorization that an employer's page shows: the latest.
func (r rights) grant() *grantJSON {
	var latest *consent.Authorization
	for i, a := range r.snapshot.Authorizations {
		if r.snapshot.Live(a) && (latest == nil || a.GrantedAt.After(latest.GrantedAt)) {
			latest = &r.snapshot.Authorizations[i]
		}
	}
	if latest == nil {
		return nil
	}
	return &grantJSON{Purpose: latest.Purpose, ValidUntil: latest.ValidUntil, Scopes: latest.Scopes}
}

// noteAccess writes what an employer is about to be shown. Without that line nothing is shown.
func (s *Server) noteAccess(ctx context.Context, r rights, artefacts ...consent.Artefact) error {
	if r.owner() {
		return nil
	}
	shown := slices.DeleteFunc(artefacts, func(a consent.Artefact) bool { return !r.may(a) })
	if err := s.cfg.Shared.NoteAccess(ctx, r.snapshot.Actor, r.snapshot.Session, shown); err != nil {
		return fmt.Errorf("note access: %w", err)
	}
	return nil
}

// layout lays out what the reader may play, up to the segment with index through (0: all there is).
func (s *Server) layout(ctx context.Context, r rights, through int64) (*media.Layout, error) {
	key := layoutKey{r.snapshot.Session, through, r.may(consent.ArtefactAudio), r.may(consent.ArtefactVideo)}
	if kept, ok := s.layouts.get(key); ok {
		err := s.mayUse(ctx, r, kept)
		if err == nil {
			return kept.layout, nil
		}
		if !errors.Is(err, consent.ErrNotFound) {
			return nil, err
		}
		s.layouts.drop(key) // the same question in full gives the same answer, or another one
	}
	kept, err := s.layOut(ctx, r, through)
	if err != nil {
		return nil, err
	}
	if newest := max(kept.last[media.KindAudio], kept.last[media.KindVideo]); newest == kept.layout.Through() {
		key.through = newest // also of a file that is asked for by this name next
		s.layouts.put(key, kept)
	}
	return kept.layout, nil
}

// mayUse asks for each kind in a kept layout whether the reader may still have it.
func (s *Server) mayUse(ctx context.Context, r rights, kept *keptLayout) error {
	group, ctx := errgroup.WithContext(ctx)
	for kind, index := range kept.last {
		group.Go(func() error { // owner: this call, which waits
			if err := s.cfg.Recordings.MayRead(ctx, r.permits[kind.Artefact()], r.snapshot.Session, kind, index); err != nil {
				return fmt.Errorf("look at %s again: %w", kind, err)
			}
			return nil
		})
	}
	return group.Wait()
}

func (s *Server) layOut(ctx context.Context, r rights, through int64) (*keptLayout, error) {
	tracks, last := map[media.Kind][]media.StoredSegment{}, map[media.Kind]int64{}
	list := func(kind media.Kind, through int64) error {
		permit, ok := r.permits[kind.Artefact()]
		if !ok {
			return nil
		}
		segments, err := s.cfg.Recordings.Segments(ctx, permit, r.snapshot.Session, kind, through)
		if err != nil {
			return fmt.Errorf("list %s segments: %w", kind, err)
		}
		tracks[kind] = segments
		for _, segment := range segments {
			last[kind] = max(last[kind], segment.Index)
		}
		return nil
	}
	if err := errors.Join(list(media.KindAudio, through), list(media.KindVideo, through)); err != nil {
		return nil, err
	}
	if newest := last[media.KindVideo]; through == 0 && newest > last[media.KindAudio] {
		// Sound that came between the two questions belongs to the same file: whoever asks for it by its name has it.
		if err := list(media.KindAudio, newest); err != nil {
			return nil, err
		}
	}
	if len(last) == 0 {
		return nil, media.ErrNothingRecorded
	}
	if through > max(last[media.KindAudio], last[media.KindVideo]) { // not a snapshot that was ever handed out: it would change while it is played
		return nil, consent.ErrNotFound
	}
	layout, err := media.NewLayout(tracks[media.KindAudio], tracks[media.KindVideo])
	if err != nil {
		return nil, fmt.Errorf("lay out recording: %w", err)
	}
	return &keptLayout{layout: layout, last: last}, nil
}
