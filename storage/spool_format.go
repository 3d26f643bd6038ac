package storage

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"greenroom/consent"
	"greenroom/media"
)

// A segment file, in the spool and in the object store alike:
//
//	magic   8 bytes, the last one the version
//	head    u32 length, JSON (segmentHead)
//	record  u32 kind and length, bytes; any number of chunks, then one table, then one info
//
// All integers are big endian. A chunk is one encrypted message of Matroska blocks; the table is one
// encrypted message that knows the place of every chunk and block; info is JSON that the index shows
// without a key (times, size of the picture). A file that ends after info is complete.
const (
	spoolMagic   = "GRSEGMT\x01"
	maxHead      = 4 << 10
	maxRecord    = 1<<24 - 1 // bytes; the upper byte of the length word is the kind
	maxSegment   = 64 << 20  // bytes; six seconds are a few MiB, so this is only a guard
	recordHeader = 4
)

type recordKind byte

const (
	recordChunk recordKind = 1
	recordTable recordKind = 2
	recordInfo  recordKind = 3
)

// errNotSegment says that a file does not begin like a segment file.
var errNotSegment = errors.New("not a segment file")

type segmentHead struct {
	Session  consent.SessionID `json:"session"`
	Kind     media.Kind        `json:"kind"`
	Epoch    int               `json:"epoch"`
	Sequence int               `json:"sequence"`
	Codec    media.Codec       `json:"codec"`
	Start    time.Duration     `json:"start_ns"`
}

type segmentInfo struct {
	segmentHead
	End    time.Duration `json:"end_ns"`
	Width  int           `json:"width"`
	Height int           `json:"height"`
	Forced bool          `json:"forced"`
}

func headFrom(h media.SegmentHead) segmentHead {
	return segmentHead{h.ID.Session, h.ID.Kind, h.ID.Epoch, h.ID.Sequence, h.Codec, h.Start}
}

func (h segmentHead) media() media.SegmentHead {
	id := media.SegmentID{Session: h.Session, Kind: h.Kind, Epoch: h.Epoch, Sequence: h.Sequence}
	return media.SegmentHead{ID: id, Codec: h.Codec, Start: h.Start}
}

func infoFrom(i media.SegmentInfo) segmentInfo {
	return segmentInfo{headFrom(i.SegmentHead), i.End, i.Width, i.Height, i.Forced}
}

func (i segmentInfo) media() media.SegmentInfo {
	return media.SegmentInfo{
		SegmentHead: i.segmentHead.media(), End: i.End, Width: i.Width, Height: i.Height, Forced: i.Forced,
	}
}

// checkHead refuses a head whose id could not be a file name, an object key and a row.
func checkHead(h media.SegmentHead) error {
	if _, err := consent.ParseID[consent.SessionID](string(h.ID.Session)); err != nil {
		return fmt.Errorf("session: %w", err)
	}
	if h.ID.Kind != media.KindAudio && h.ID.Kind != media.KindVideo {
		return fmt.Errorf("unknown kind of track %q", h.ID.Kind)
	}
	if min(h.ID.Epoch, h.ID.Sequence) < 0 || max(h.ID.Epoch, h.ID.Sequence) > math.MaxInt32 || h.Start < 0 {
		return fmt.Errorf("epoch %d, sequence %d or start %v is out of bounds", h.ID.Epoch, h.ID.Sequence, h.Start)
	}
	switch h.Codec {
	case media.CodecOpus, media.CodecVP8, media.CodecVP9:
		return nil
	default:
		return fmt.Errorf("unknown codec %q", h.Codec)
	}
}

// appendHead begins a file.
func appendHead(dst []byte, h media.SegmentHead) ([]byte, error) {
	text, err := json.Marshal(headFrom(h))
	if err != nil {
		return nil, fmt.Errorf("encode head: %w", err)
	}
	dst = append(dst, spoolMagic...)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(text)))
	return append(dst, text...), nil
}

func appendRecord(dst []byte, kind recordKind, body []byte) ([]byte, error) {
	if len(body) > maxRecord {
		return nil, fmt.Errorf("record of %d bytes is longer than %d", len(body), maxRecord)
	}
	dst = binary.BigEndian.AppendUint32(dst, uint32(kind)<<24|uint32(len(body)))
	return append(dst, body...), nil
}

// encodeInfo writes the open part of a complete file.
func encodeInfo(i media.SegmentInfo) ([]byte, error) {
	text, err := json.Marshal(infoFrom(i))
	if err != nil {
		return nil, fmt.Errorf("encode info: %w", err)
	}
	return text, nil
}

// segmentFile is what a scan found in the bytes of a file. Nothing in it is authentic yet.
type segmentFile struct {
	head   media.SegmentHead
	begin  int64 // where the records begin
	chunks []scannedChunk
	table  []byte // ciphertext; nil if the file has no whole table
	info   []byte // JSON; nil if the file has no whole info
	// complete: table and info are there and nothing follows them.
	complete bool
}

type scannedChunk struct {
	offset int64 // of the ciphertext in the file
	sealed []byte
}

// scanSegment reads the structure of a file and stops at the first record that is not whole or not
// in its place. The slices it returns point into data. It fails only if there is no readable head.
func scanSegment(data []byte) (segmentFile, error) {
	var file segmentFile
	rest, ok := bytes.CutPrefix(data, []byte(spoolMagic))
	if !ok || len(rest) < recordHeader {
		return file, errNotSegment
	}
	size := binary.BigEndian.Uint32(rest)
	rest = rest[recordHeader:]
	if size > maxHead || int(size) > len(rest) {
		return file, fmt.Errorf("%w: head of %d bytes", errNotSegment, size)
	}
	var head segmentHead
	if err := decodeStrict(rest[:size], &head); err != nil {
		return file, fmt.Errorf("%w: head: %w", errNotSegment, err)
	}
	file.head = head.media()
	if err := checkHead(file.head); err != nil {
		return file, fmt.Errorf("%w: head: %w", errNotSegment, err)
	}
	file.begin = int64(len(spoolMagic) + recordHeader + int(size))
	file.scanRecords(data)
	return file, nil
}

func (f *segmentFile) scanRecords(data []byte) {
	at := f.begin
	for {
		rest := data[at:]
		if len(rest) < recordHeader {
			return
		}
		word := binary.BigEndian.Uint32(rest)
		kind, size := recordKind(word>>24), int64(word&maxRecord)
		if size > int64(len(rest))-recordHeader {
			return
		}
		body := rest[recordHeader : recordHeader+size]
		switch {
		case kind == recordChunk && f.table == nil:
			f.chunks = append(f.chunks, scannedChunk{offset: at + recordHeader, sealed: body})
		case kind == recordTable && f.table == nil:
			f.table = body
		case kind == recordInfo && f.table != nil:
			f.info = body
			f.complete = at+recordHeader+size == int64(len(data))
			return
		default:
			return
		}
		at += recordHeader + size
	}
}

// readInfo decodes the open part of a complete file and checks that it belongs to its head.
func (f *segmentFile) readInfo() (media.SegmentInfo, error) {
	var text segmentInfo
	if err := decodeStrict(f.info, &text); err != nil {
		return media.SegmentInfo{}, fmt.Errorf("decode info: %w", err)
	}
	info := text.media()
	if info.SegmentHead != f.head {
		return media.SegmentInfo{}, errors.New("info is about another segment")
	}
	if err := checkInfo(info); err != nil {
		return media.SegmentInfo{}, err
	}
	return info, nil
}

func checkInfo(i media.SegmentInfo) error {
	if i.End < i.Start {
		return fmt.Errorf("end %v is before start %v", i.End, i.Start)
	}
	if i.Width < 0 || i.Height < 0 || i.Width > 1<<16 || i.Height > 1<<16 {
		return fmt.Errorf("picture of %d × %d pixels", i.Width, i.Height)
	}
	return nil
}

// decodeStrict decodes exactly one JSON value without unknown fields.
func decodeStrict(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if decoder.More() {
		return errors.New("more than one value")
	}
	return nil
}
