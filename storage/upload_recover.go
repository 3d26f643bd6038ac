package storage

import (
	"context"
	"fmt"

	"greenroom/consent"
	"greenroom/media"
)

// recoverOpen mends one open file: seals it if the candidate still wants it kept, removes it if not.
func (u *Uploader) recoverOpen(ctx context.Context, name string) error {
	if open, err := u.spool.isOpen(name); err != nil || !open {
		if err == nil {
			u.spool.markMended(name)
		}
		return err
	}
	head, size, readable, err := u.spool.brokenHead(name)
	if err != nil {
		return err
	}
	if !readable {
		return u.dropUnreadable(ctx, name, size)
	}
	key, wanted, err := u.recoveryKey(ctx, head)
	if err != nil {
		return fmt.Errorf("recover %s: %w", name, err)
	}
	if !wanted {
		return u.dropOpen(name, &u.withdrawn)
	}
	kept, cut, err := u.spool.mend(name, key, u.rebuild)
	if err != nil {
		return err
	}
	u.spool.markMended(name)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.cut += cut
	if !kept {
		u.unreadable++
		u.log.WarnContext(ctx, unreadableSegment, "file", name, "bytes", cut)
		return nil
	}
	u.mended++
	if cut > 0 {
		u.log.WarnContext(ctx, "an open segment was torn: it is kept up to its last whole chunk", "file", name, "cut_bytes", cut)
	}
	return nil
}

const unreadableSegment = "removed an open segment: not one chunk of it is whole"

func (u *Uploader) dropUnreadable(ctx context.Context, name string, size int64) error {
	if err := u.dropOpen(name, &u.unreadable); err != nil {
		return err
	}
	u.log.WarnContext(ctx, unreadableSegment, "file", name, "bytes", size)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.cut += size
	return nil
}

func (u *Uploader) dropOpen(name string, count *int64) error {
	if err := u.spool.remove(openFolder, name); err != nil {
		return err
	}
	u.spool.markMended(name)
	u.mu.Lock()
	defer u.mu.Unlock()
	*count++
	return nil
}

// recoveryKey asks as the recorder would. wanted is false only if the facts say so clearly: the
// session was erased or its recording withdrawn. Anything else that stands in the way is an error,
// and the file stays where it is.
func (u *Uploader) recoveryKey(ctx context.Context, head media.SegmentHead) (key *dataKey, wanted bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, objectCallTimeout)
	defer cancel()
	snapshot, err := u.gate.Snapshot(ctx, consent.Actor{Kind: consent.ActorRecorder}, head.ID.Session)
	if err != nil {
		return nil, false, err
	}
	if !snapshot.Known {
		return nil, false, errUnknownSession
	}
	if snapshot.State == consent.SessionErased || !snapshot.Consents.Recording {
		return nil, false, nil
	}
	permit, err := consent.Decide(snapshot, consent.ArtefactCapture)
	if err != nil {
		return nil, false, fmt.Errorf("session is %s: %w", snapshot.State, err)
	}
	key, err = u.keys.forReading(ctx, permit, head.ID.Session, scopeOf(head.ID.Kind))
	return key, true, err
}
