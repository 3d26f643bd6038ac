package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"greenroom/consent"
)

const (
	// largestPiece is written at once; between pieces the permits are looked at.
	largestPiece = 64 << 10
	// longestPiece bounds a piece in media time, so that pacing sound alone is as even as with pictures.
	longestPiece = time.Second
	// permitAge is how old the last answer about a permit may be when a piece is written.
	permitAge = 500 * time.Millisecond
	// readAhead is how much of a track is decrypted at once: one request to the object store for it.
	readAhead = 256 << 10
)

// playWriter writes one range of a Layout.
type playWriter struct {
	layout   *Layout
	reels    [2]reel
	out      io.Writer
	from, to int64
	position int64 // in the file, of the next byte made
	piece    []byte
	pieceAt  time.Duration // media time of the piece's first block; -1 while it has none
	reader   RecordingReader
	ask      func(context.Context, Kind) (consent.Permit, error)
	onTime   func(context.Context, time.Duration) error
	permits  [2]consent.Permit // of each track
	asked    [2]time.Time
	batches  [2]batch
}

// batch is the decrypted chunks of one track at hand.
type batch struct {
	segment int // -1: none
	first   int
	plain   [][]byte
}

// WriteRange writes bytes [from, to) of the file. It asks permit for each kind in the file when it
// begins, whenever a segment is opened, and before each piece if the last answer is older than half a
// second, so that a withdrawal ends it; that error is returned as it is, wrapped. onTime (nil: none) is
// told the media time about to be written and may wait, to pace the reader.
func (l *Layout) WriteRange(ctx context.Context, w io.Writer, from, to int64, reader RecordingReader,
	permit func(context.Context, Kind) (consent.Permit, error), onTime func(context.Context, time.Duration) error,
) error {
	if from < 0 || to > l.size || from > to {
		return fmt.Errorf("play: range %d to %d of %d bytes", from, to, l.size)
	}
	if from == to {
		return nil
	}
	p := &playWriter{
		layout: l, reels: l.reels(), out: w, from: from, to: to, pieceAt: -1,
		reader: reader, ask: permit, onTime: onTime,
		batches: [2]batch{{segment: -1}, {segment: -1}},
	}
	if err := p.run(ctx); err != nil {
		return fmt.Errorf("play: %w", err)
	}
	return nil
}

func (p *playWriter) run(ctx context.Context) error {
	l := p.layout
	if err := p.prefetch(ctx); err != nil {
		return err
	}
	p.position = 0
	if err := p.bytes(ctx, l.header); err != nil {
		return err
	}
	for i := l.clusterAt(p.from); i < len(l.clusters) && l.clusters[i].offset < p.to; i++ {
		if err := p.cluster(ctx, l.clusters[i]); err != nil {
			return err
		}
	}
	return p.flush(ctx)
}

// cluster makes one cluster, skipping what lies outside the range without reading it.
func (p *playWriter) cluster(ctx context.Context, c playCluster) error {
	p.position = c.offset
	var head [32]byte
	if err := p.bytes(ctx, appendClusterHead(head[:0], c)); err != nil {
		return err
	}
	spots, end := c.spots, c.offset+int64(clusterHead+c.size)
	for p.position < end && p.position < p.to {
		i, block, ok := p.layout.next(&p.reels, &spots)
		if err := errors.Join(p.reels[0].err, p.reels[1].err); err != nil {
			return err
		}
		if !ok {
			return nil
		}
		size := int64(blockSize(block.Size))
		if p.position+size <= p.from {
			p.position += size
		} else if err := p.block(ctx, i, spots[i].segment, block, block.Time-c.start); err != nil {
			return err
		}
		spots[i].pass(block)
	}
	return nil
}

func (p *playWriter) block(ctx context.Context, i, segment int, block BlockRef, relative time.Duration) error {
	if p.pieceAt >= 0 && block.Time-p.pieceAt >= longestPiece {
		if err := p.flush(ctx); err != nil {
			return err
		}
	}
	if p.pieceAt < 0 {
		p.pieceAt = block.Time
	}
	var head [16]byte
	t := &p.layout.tracks[i]
	if err := p.bytes(ctx, appendBlockHead(head[:0], t.number, relative, block.Key, block.Size)); err != nil {
		return err
	}
	if p.position >= p.to {
		return nil
	}
	payload, err := p.payload(ctx, i, segment, block)
	if err != nil {
		return err
	}
	return p.bytes(ctx, payload)
}

// payload returns the block's bytes, reading the chunks from its own on if they are not at hand.
func (p *playWriter) payload(ctx context.Context, i, segment int, block BlockRef) ([]byte, error) {
	if block.Chunk == silenceChunk {
		return silencePacket(block.Duration), nil
	}
	held := &p.batches[i]
	if held.segment != segment || block.Chunk < held.first || block.Chunk >= held.first+len(held.plain) {
		if err := p.read(ctx, i, segment, block.Chunk); err != nil {
			return nil, err
		}
	}
	return held.plain[block.Chunk-held.first][block.Offset : block.Offset+block.Size], nil
}

// read fetches the chunk and those behind it that the range will need soon.
func (p *playWriter) read(ctx context.Context, i, segment, first int) error {
	if err := p.permit(ctx, i, p.batches[i].segment != segment); err != nil {
		return err
	}
	return p.fetch(ctx, i, segment, first, p.to-p.position)
}

// fetch reads a run of chunks that begins with first, long enough for the bytes that are wanted and not
// much longer. It touches nothing but the track's own batch.
func (p *playWriter) fetch(ctx context.Context, i, segment, first int, wanted int64) error {
	stored := p.layout.tracks[i].segments[segment]
	stored.Table = p.reels[i].unpacked(segment)
	chunks := stored.Table.Chunks
	last, size := first, int64(chunks[first].Plain)
	for last+1 < len(chunks) && size < wanted && size+int64(chunks[last+1].Plain) <= readAhead {
		last++
		size += int64(chunks[last].Plain)
	}
	p.batches[i] = batch{segment: -1} // let go of the old ones first
	plain, err := p.reader.ReadChunks(ctx, p.permits[i], stored, first, last)
	if err != nil {
		return fmt.Errorf("read chunks %d to %d of %s: %w", first, last, stored.ID.ObjectKey(), err)
	}
	for n := range plain {
		if first+n < len(chunks) && len(plain[n]) != chunks[first+n].Plain {
			return fmt.Errorf("%w: chunk %d of %s has %d bytes", ErrDamaged, first+n, stored.ID.ObjectKey(), len(plain[n]))
		}
	}
	if len(plain) != last-first+1 {
		return fmt.Errorf("%w: %d chunks of %s instead of %d", ErrDamaged, len(plain), stored.ID.ObjectKey(), last-first+1)
	}
	p.batches[i] = batch{segment: segment, first: first, plain: plain}
	return nil
}

// prefetch reads for both tracks at a time what the beginning of the range needs of each: the two requests
// to the object store are most of what somebody waits for who has jumped.
func (p *playWriter) prefetch(ctx context.Context) error {
	needs := p.firstNeeds()
	if !needs[0].any || !needs[1].any {
		return nil
	}
	for i := range needs {
		if err := p.permit(ctx, i, true); err != nil {
			return err
		}
	}
	var fetching sync.WaitGroup
	var errs [2]error
	for i, n := range needs { // owner: this call, which waits
		fetching.Go(func() { errs[i] = p.fetch(ctx, i, n.segment, n.chunk, p.to-n.position) })
	}
	fetching.Wait()
	return errors.Join(errs[0], errs[1])
}

// need is the first recorded block of a track in the first piece of a range.
type need struct {
	any            bool
	segment, chunk int
	position       int64
}

func (p *playWriter) firstNeeds() (needs [2]need) {
	at := p.layout.clusterAt(p.from)
	c := p.layout.clusters[at]
	spots, position := c.spots, c.offset+clusterHead+clusterTimeSize
	for position < min(p.to, p.from+largestPiece, c.offset+int64(clusterHead+c.size)) {
		i, block, ok := p.layout.next(&p.reels, &spots)
		if !ok {
			return needs
		}
		if position += int64(blockSize(block.Size)); position > p.from && block.Chunk != silenceChunk && !needs[i].any {
			needs[i] = need{true, spots[i].segment, block.Chunk, position - int64(block.Size)}
		}
		spots[i].pass(block)
	}
	return needs
}

// bytes adds to the piece what of b lies in the range.
func (p *playWriter) bytes(ctx context.Context, b []byte) error {
	begin, end := p.position, p.position+int64(len(b))
	p.position = end
	if end <= p.from || begin >= p.to {
		return nil
	}
	b = b[max(0, p.from-begin):min(int64(len(b)), p.to-begin)]
	for len(b) > 0 {
		n := min(len(b), largestPiece-len(p.piece))
		p.piece = append(p.piece, b[:n]...)
		b = b[n:]
		if len(p.piece) == largestPiece {
			at := p.pieceAt
			if err := p.flush(ctx); err != nil {
				return err
			}
			if len(b) > 0 {
				p.pieceAt = at // the rest of the same block
			}
		}
	}
	return nil
}

// flush writes the piece: first it waits for its time, then it looks at the permits.
func (p *playWriter) flush(ctx context.Context) error {
	if len(p.piece) == 0 {
		return nil
	}
	if p.pieceAt >= 0 && p.onTime != nil {
		if err := p.onTime(ctx, p.pieceAt); err != nil {
			return err
		}
	}
	for i := range p.layout.tracks {
		if err := p.permit(ctx, i, false); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	_, err := p.out.Write(p.piece)
	p.piece, p.pieceAt = p.piece[:0], -1
	return err
}

// permit asks again if the last answer for the track is old or a new one is wanted.
func (p *playWriter) permit(ctx context.Context, i int, fresh bool) error {
	now := time.Now()
	if !fresh && !p.asked[i].IsZero() && now.Sub(p.asked[i]) < permitAge {
		return nil
	}
	kind := p.layout.tracks[i].kind
	permit, err := p.ask(ctx, kind)
	if err != nil {
		return fmt.Errorf("permit for %s: %w", kind, err)
	}
	p.permits[i], p.asked[i] = permit, now
	return nil
}
