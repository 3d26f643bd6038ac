package web

import (
	"sync"
	"time"

	"greenroom/consent"
	"greenroom/media"
)

const (
	// layoutBytes bounds the layouts that are kept, all together: sixteen recordings of two hours.
	layoutBytes = 64 << 20
	// layoutLife is how long one is kept that nobody asked for.
	layoutLife = 2 * time.Minute
)

// layoutKey is one frozen file. What may be read of a session is part of it, so that nobody is given a
// layout that was made for somebody who may see more.
type layoutKey struct {
	session      consent.SessionID
	through      int64
	audio, video bool
}

// keptLayout is a layout that was made before. It holds sizes of frames, which betray speech, so it lives in
// memory only, and is used only after both walls have said again that the last segments it was made from
// may be read by whoever asks now.
type keptLayout struct {
	layout *media.Layout
	last   map[media.Kind]int64 // the newest segment of each kind that has any
	used   time.Time
}

// layouts keeps those that were made last: a player asks for one range of a file after the other.
type layouts struct {
	now func() time.Time

	mu    sync.Mutex
	kept  map[layoutKey]*keptLayout
	bytes int64
	timer *time.Timer // forgets those that nobody asks for; nil while nothing is kept
}

func newLayouts(now func() time.Time) *layouts {
	return &layouts{now: now, kept: map[layoutKey]*keptLayout{}}
}

// get returns what is kept of a file.
func (l *layouts) get(key layoutKey) (*keptLayout, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	kept, ok := l.kept[key]
	if ok {
		kept.used = l.now()
	}
	return kept, ok
}

// put keeps a file, and forgets those that were not asked for longest to make room.
func (l *layouts) put(key layoutKey, kept *keptLayout) {
	size := kept.layout.Memory()
	if size > layoutBytes/2 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget(key)
	for l.bytes+size > layoutBytes {
		l.forget(l.oldest())
	}
	kept.used = l.now()
	l.kept[key] = kept
	l.bytes += size
	if l.timer == nil {
		l.timer = time.AfterFunc(layoutLife, l.sweep)
	}
}

// drop forgets one file.
func (l *layouts) drop(key layoutKey) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget(key)
}

// sweep forgets what nobody has asked for in layoutLife.
func (l *layouts) sweep() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key, kept := range l.kept {
		if l.now().Sub(kept.used) >= layoutLife {
			l.forget(key)
		}
	}
	l.timer = nil
	if len(l.kept) > 0 {
		l.timer = time.AfterFunc(layoutLife/2, l.sweep)
	}
}

// forget and oldest are called with the lock held.
func (l *layouts) forget(key layoutKey) {
	if kept, ok := l.kept[key]; ok {
		l.bytes -= kept.layout.Memory()
		delete(l.kept, key)
	}
}

func (l *layouts) oldest() (oldest layoutKey) {
	var since time.Time
	for key, kept := range l.kept {
		if since.IsZero() || kept.used.Before(since) {
			oldest, since = key, kept.used
		}
	}
	return oldest
}
