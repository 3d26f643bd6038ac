package assess

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Spoken is the questions of a bank as sound: each is made once, before anybody is asked it, and then lies on
// the disk. It holds nothing about anybody: the texts are the bank's. It may be used from many goroutines.
type Spoken struct {
	config SpokenConfig
	making chan struct{} // a place for each sound that is made because somebody waits for it

	mu     sync.Mutex // guards what follows
	used   int64      // bytes on the disk
	failed bool       // since the last success, and the log was told
}

// SpokenConfig is what a Spoken needs.
type SpokenConfig struct {
	Dir     string // for this alone; made if it is missing
	Speaker Speaker
	Texts   []string // to make beforehand, the first first
	Log     *slog.Logger

	most  int64                                                // bytes on the disk; 0: mostSpoken
	pause func(ctx context.Context, length time.Duration) bool // for tests; reports whether ctx still lives
}

const (
	mostSpoken   = 512 << 20 // bytes
	mostMakers   = 4         // that people wait for at the same time; who comes then hears the browser's voice
	spokenSuffix = ".bin"
	partSuffix   = ".part"

	leastRemaking = 30 * time.Second // after a failure; doubles
	mostRemaking  = time.Hour
)

// spokenMagic begins each file; then come the SHA-256 of the sound and the sound.
var spokenMagic = []byte("GRVOICE1")

const spokenHeader = 8 + sha256.Size

// Sound is one spoken question. Size is -1 while it is still being made.
type Sound struct {
	io.ReadCloser
	Type string
	Size int64
}

// NewSpoken returns a Spoken; it touches nothing yet.
func NewSpoken(config SpokenConfig) *Spoken {
	if config.most == 0 {
		config.most = mostSpoken
	}
	if config.pause == nil {
		config.pause = pauseFor
	}
	return &Spoken{config: config, making: make(chan struct{}, mostMakers)}
}

// pauseFor waits, and reports whether ctx still lives.
func pauseFor(ctx context.Context, length time.Duration) bool {
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Run makes every sound that is missing, one after the other, until all are there, and then waits for the end
// of ctx. A sound that cannot be made is tried again with growing pauses. What lies in the folder and belongs
// to no text, or to another voice, goes first.
func (s *Spoken) Run(ctx context.Context) error {
	if err := s.tidy(); err != nil {
		s.config.Log.Warn("questions cannot be kept as sound: each is made when it is asked", "error", err)
		<-ctx.Done()
		return nil
	}
	wait := leastRemaking
	for {
		err := s.makeMissing(ctx)
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // told to stop
		case err == nil:
			s.config.Log.Info("every question is there as sound", "questions", len(s.config.Texts))
			<-ctx.Done()
			return nil
		case !s.config.pause(ctx, wait):
			return nil
		}
		wait = min(2*wait, mostRemaking)
	}
}

// tidy empties the folder of what is of no use and counts the rest.
func (s *Spoken) tidy() error {
	if err := os.MkdirAll(s.config.Dir, 0o700); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	wanted := map[string]bool{}
	for _, text := range s.config.Texts {
		wanted[filepath.Base(s.path(text))] = true
	}
	entries, err := os.ReadDir(s.config.Dir)
	if err != nil {
		return fmt.Errorf("read folder: %w", err)
	}
	used := int64(0)
	for _, entry := range entries {
		name := entry.Name()
		if !strings.HasSuffix(name, spokenSuffix) && !strings.HasSuffix(name, partSuffix) {
			continue // not ours
		}
		if info, err := entry.Info(); wanted[name] && err == nil {
			used += info.Size()
			continue
		}
		if err := os.Remove(filepath.Join(s.config.Dir, name)); err != nil {
			return fmt.Errorf("take old sound away: %w", err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used = used
	return nil
}

// makeMissing makes what is not there, up to the first that fails.
func (s *Spoken) makeMissing(ctx context.Context) error {
	for _, text := range s.config.Texts {
		if _, err := s.kept(text); err == nil {
			continue
		}
		if err := s.makeOne(ctx, text); err != nil {
			return err
		}
	}
	return nil
}

func (s *Spoken) makeOne(ctx context.Context, text string) error {
	sound, err := s.render(ctx, text)
	if err != nil {
		return err
	}
	defer func() { _ = sound.Close() }() // it was read to its end, or is of no use
	if _, err := io.Copy(io.Discard, sound); err != nil {
		return s.note(fmt.Errorf("%w: %w", ErrVoice, err))
	}
	if sound.keptErr != nil {
		return s.note(sound.keptErr)
	}
	return nil
}

// Say returns the sound of a text of the bank: from the disk, or as it is being made, which also keeps it.
func (s *Spoken) Say(ctx context.Context, text string) (Sound, error) {
	if kept, err := s.kept(text); err == nil {
		return Sound{ReadCloser: io.NopCloser(bytes.NewReader(kept)), Type: soundType(kept), Size: int64(len(kept))}, nil
	}
	select {
	case s.making <- struct{}{}:
	default:
		return Sound{}, fmt.Errorf("%w: %d questions are being made already", ErrVoice, mostMakers)
	}
	made, err := s.render(ctx, text)
	if err != nil {
		<-s.making
		return Sound{}, err
	}
	made.done = sync.OnceFunc(func() { <-s.making })
	return Sound{ReadCloser: made, Type: made.mime, Size: -1}, nil
}

// note tells the log of the first failure since the last success, and of no more: the browser speaks instead.
func (s *Spoken) note(err error) error {
	s.mu.Lock()
	first := !s.failed && err != nil && !errors.Is(err, context.Canceled)
	s.failed = s.failed || first
	if err == nil {
		s.failed = false
	}
	s.mu.Unlock()
	if first {
		s.config.Log.Warn("a question could not be spoken: browsers use their own voice until it can", "error", err)
	}
	return err
}

// path is where the sound of a text lies: another model or voice makes another sound.
func (s *Spoken) path(text string) string {
	sum := sha256.Sum256([]byte(s.config.Speaker.Name() + "\x00" + text))
	return filepath.Join(s.config.Dir, hex.EncodeToString(sum[:])+spokenSuffix)
}

// kept reads a sound from the disk. One that is not whole is taken away and made anew.
func (s *Spoken) kept(text string) ([]byte, error) {
	path := s.path(text)
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open sound: %w", err)
	}
	defer func() { _ = file.Close() }() // only read
	raw, err := io.ReadAll(io.LimitReader(file, spokenHeader+maxSound+1))
	if err != nil {
		return nil, fmt.Errorf("read sound: %w", err)
	}
	sound, err := openSound(raw)
	if err == nil {
		return sound, nil
	}
	if os.Remove(path) == nil {
		s.mu.Lock()
		s.used -= int64(len(raw))
		s.mu.Unlock()
	}
	return nil, err
}

// openSound checks what a file holds.
func openSound(raw []byte) ([]byte, error) {
	if len(raw) < spokenHeader+soundHead || len(raw) > spokenHeader+maxSound || !bytes.HasPrefix(raw, spokenMagic) {
		return nil, errors.New("it is no kept sound")
	}
	sound := raw[spokenHeader:]
	if sum := sha256.Sum256(sound); !bytes.Equal(sum[:], raw[len(spokenMagic):spokenHeader]) || soundType(sound) == "" {
		return nil, errors.New("the kept sound is not what was written")
	}
	return sound, nil
}

// render begins to make a sound, which is kept as it is read.
func (s *Spoken) render(ctx context.Context, text string) (*keptSound, error) {
	source, mime, err := s.config.Speaker.Say(ctx, text)
	if err != nil {
		return nil, s.note(err)
	}
	made := &keptSound{spoken: s, source: source, mime: mime, path: s.path(text), sum: sha256.New(), done: func() {}}
	made.begin()
	return made, nil
}

// room takes bytes of the disk, if there are so many.
func (s *Spoken) room(size int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used+size > s.config.most {
		return false
	}
	s.used += size
	return true
}

// keptSound hands on what a speaker makes and writes it down beside. A fault of the disk costs the file, not
// the sound.
type keptSound struct {
	spoken *Spoken
	source io.ReadCloser
	mime   string
	path   string
	done   func()

	file    *os.File // nil: not kept
	sum     hash.Hash
	size    int64
	keptErr error // why it is not
}

func (k *keptSound) begin() {
	file, err := os.CreateTemp(k.spoken.config.Dir, "*"+partSuffix)
	if errors.Is(err, fs.ErrNotExist) && os.MkdirAll(k.spoken.config.Dir, 0o700) == nil {
		file, err = os.CreateTemp(k.spoken.config.Dir, "*"+partSuffix)
	}
	if err == nil {
		k.file = file
		_, err = file.Write(make([]byte, spokenHeader)) // filled in at the end
	}
	if err != nil {
		k.drop(err)
	}
}

// Read hands on what comes. When all has come it is kept.
func (k *keptSound) Read(p []byte) (int, error) {
	n, err := k.source.Read(p)
	if n > 0 && k.file != nil {
		k.size += int64(n)
		k.sum.Write(p[:n])
		if _, fault := k.file.Write(p[:n]); fault != nil {
			k.drop(fault)
		}
	}
	switch {
	case errors.Is(err, io.EOF):
		k.keep()
	case err != nil:
		k.drop(err)
		_ = k.spoken.note(err)
	}
	return n, err //nolint:wrapcheck // io.EOF must stay what it is
}

// keep puts the file in its place, whole or not at all.
func (k *keptSound) keep() {
	if k.file == nil {
		return
	}
	if k.size > maxSound || !k.spoken.room(spokenHeader+k.size) {
		k.drop(errors.New("there is no room for more sound"))
		return
	}
	_, err := k.file.WriteAt(append(bytes.Clone(spokenMagic), k.sum.Sum(nil)...), 0)
	if err == nil {
		err = k.file.Sync()
	}
	err = errors.Join(err, k.file.Close())
	if err == nil {
		err = os.Rename(k.file.Name(), k.path)
	}
	if err != nil {
		k.spoken.room(-spokenHeader - k.size)
		k.drop(err)
		return
	}
	k.file = nil
	_ = k.spoken.note(nil)
}

// drop takes away what was written.
func (k *keptSound) drop(why error) {
	k.keptErr = fmt.Errorf("%w: keep sound: %w", ErrVoice, why)
	if k.file == nil {
		return
	}
	_ = k.file.Close() // may be closed already
	_ = os.Remove(k.file.Name())
	k.file = nil
}

// Close ends the sound; one that was not read to its end is not kept.
func (k *keptSound) Close() error {
	if k.file != nil {
		k.drop(errors.New("it was not read to its end"))
	}
	k.done()
	return k.source.Close()
}
