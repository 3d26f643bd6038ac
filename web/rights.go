package web

import (
	"context"
	"fmt"
	"slices"

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
	var tracks [2][]media.StoredSegment
	var last int64
	for i, kind := range []media.Kind{media.KindAudio, media.KindVideo} {
		permit, ok := r.permits[kind.Artefact()]
		if !ok {
			continue
		}
		segments, err := s.cfg.Recordings.Segments(ctx, permit, r.snapshot.Session, kind, through)
		if err != nil {
			return nil, fmt.Errorf("list %s segments: %w", kind, err)
		}
		tracks[i] = segments
		for _, segment := range segments {
			last = max(last, segment.Index)
		}
	}
	if last == 0 && len(tracks[0])+len(tracks[1]) == 0 {
		return nil, media.ErrNothingRecorded
	}
	if through > last { // not a snapshot that was ever handed out: it would change while it is played
		return nil, consent.ErrNotFound
	}
	layout, err := media.NewLayout(tracks[0], tracks[1])
	if err != nil {
		return nil, fmt.Errorf("lay out recording: %w", err)
	}
	return layout, nil
}
