package consent

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// The arithmetic of the ledger. Three hashes, each with a first byte of its own so that none can be
// taken for another (as in RFC 6962, section 2.1):
//
//	leaf    = SHA-256(0x00 | salt | event)              what happened, behind a salt that erasing deletes
//	entry   = SHA-256(0x02 | leaf | at | kind | ids)    the row, whose ids need no salt: they are random
//	chain n = SHA-256(0x01 | chain n-1 | n | entry)     everything up to and including entry n
//
// The function ledger_append in the database does the same in SQL; a test holds both together.
const (
	leafPrefix  = 0x00
	chainPrefix = 0x01
	entryPrefix = 0x02
)

// Digest is a SHA-256 sum; as text it is in hex.
type Digest [sha256.Size]byte

func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// MarshalText implements [encoding.TextMarshaler].
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler]; it takes lower-case hex only.
func (d *Digest) UnmarshalText(text []byte) error {
	if len(text) != hex.EncodedLen(len(d)) {
		return fmt.Errorf("a digest has %d characters, not %d", hex.EncodedLen(len(d)), len(text))
	}
	var got Digest
	if _, err := hex.Decode(got[:], text); err != nil || got.String() != string(text) {
		return errors.New("a digest is written in lower-case hex")
	}
	*d = got
	return nil
}

// Salt hides what a leaf commits to from whoever can guess it. Deleting it is how erasing reaches into
// a ledger that is never changed.
type Salt Digest

// NewSalt returns a fresh random salt.
func NewSalt() Salt {
	var s Salt
	_, _ = rand.Read(s[:]) // never fails: crypto/rand ends the program instead
	return s
}

// MarshalText implements [encoding.TextMarshaler].
func (s Salt) MarshalText() ([]byte, error) { return Digest(s).MarshalText() }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (s *Salt) UnmarshalText(text []byte) error { return (*Digest)(s).UnmarshalText(text) }

// LeafOf returns what commits to an event.
func LeafOf(salt Salt, event []byte) Digest {
	sum := sha256.New()
	sum.Write([]byte{leafPrefix})
	sum.Write(salt[:])
	sum.Write(event)
	return Digest(sum.Sum(nil))
}

// LedgerEntry is one row of the ledger, and one line of the journal: ids and sums only.
type LedgerEntry struct {
	Seq           int64           `json:"seq"` // from 1, without a gap
	At            time.Time       `json:"at"`
	Kind          LedgerKind      `json:"kind"`
	Session       SessionID       `json:"session,omitempty"`
	Authorization AuthorizationID `json:"authorization,omitempty"`
	Account       AccountID       `json:"account,omitempty"`
	Org           OrgID           `json:"org,omitempty"` // only where the entry is about an organization itself
	Leaf          Digest          `json:"leaf"`
	Chain         Digest          `json:"chain"`
}

// Digest commits to everything in the row but its place.
func (e LedgerEntry) Digest() Digest {
	sum := sha256.New()
	sum.Write([]byte{entryPrefix})
	sum.Write(e.Leaf[:])
	sum.Write(binary.BigEndian.AppendUint64(nil, uint64(e.At.UnixMicro())))
	for _, text := range []string{string(e.Kind), string(e.Session), string(e.Authorization), string(e.Account), string(e.Org)} {
		sum.Write([]byte(text))
		sum.Write([]byte{0}) // no text in the database holds it
	}
	return Digest(sum.Sum(nil))
}

// ChainOf returns the chain after the entry at place seq.
func ChainOf(previous Digest, seq int64, entry Digest) Digest {
	sum := sha256.New()
	sum.Write([]byte{chainPrefix})
	sum.Write(previous[:])
	sum.Write(binary.BigEndian.AppendUint64(nil, uint64(seq)))
	sum.Write(entry[:])
	return Digest(sum.Sum(nil))
}

// LedgerPlace is where an event stands, as a receipt says it: enough to compute the chain after it
// from the chain before it, and nothing about the events of others.
type LedgerPlace struct {
	Seq      int64  `json:"seq"`
	Entry    Digest `json:"entry"`
	Previous Digest `json:"previous"`
	Chain    Digest `json:"chain"`
}

// Check refuses a place whose sums do not follow from each other.
func (p LedgerPlace) Check() error {
	if p.Seq < 1 {
		return fmt.Errorf("%w: there is no entry %d", ErrLedger, p.Seq)
	}
	if ChainOf(p.Previous, p.Seq, p.Entry) != p.Chain {
		return fmt.Errorf("%w: the place of entry %d does not follow from the chain before it", ErrLedger, p.Seq)
	}
	return nil
}

// ErrLedger says that a ledger was changed: something in it does not follow from what is before it.
var ErrLedger = errors.New("the ledger is not whole")

// LedgerHead is how far a ledger goes: the last entry's place and the chain after it. Two ledgers with
// the same head are the same, entry for entry.
type LedgerHead struct {
	Seq   int64
	Chain Digest
}

// Follow returns the head after the entry, or says what is wrong with it: a missing, repeated, reordered
// or changed entry does not follow.
func (h LedgerHead) Follow(e LedgerEntry) (LedgerHead, error) {
	if e.Seq != h.Seq+1 {
		return h, fmt.Errorf("%w: entry %d is followed by entry %d: what is between is missing, or the order was changed", ErrLedger, h.Seq, e.Seq)
	}
	if _, known := ledgerSubjects[e.Kind]; !known {
		return h, fmt.Errorf("%w: entry %d is of a kind that does not exist", ErrLedger, e.Seq)
	}
	if chain := ChainOf(h.Chain, e.Seq, e.Digest()); chain != e.Chain {
		return h, fmt.Errorf("%w: entry %d was changed: its sums do not follow from entry %d", ErrLedger, e.Seq, h.Seq)
	}
	return LedgerHead{Seq: e.Seq, Chain: e.Chain}, nil
}

// Then returns the head after an entry of which nothing is known but its sum.
func (h LedgerHead) Then(entry Digest) LedgerHead {
	return LedgerHead{Seq: h.Seq + 1, Chain: ChainOf(h.Chain, h.Seq+1, entry)}
}

// Opening is what a leaf commits to. Only its owner's receipt has it, and no one any more once it is erased.
type Opening struct {
	Salt  Salt   `json:"salt"`
	Event string `json:"event"` // exactly the bytes that were hashed
}

// EntryOf returns the row that the opening's event makes at a place, without its sum of the chain.
func (o Opening) EntryOf(seq int64) (LedgerEntry, LedgerEvent, error) {
	event, err := ParseLedgerEvent([]byte(o.Event))
	if err != nil {
		return LedgerEntry{}, LedgerEvent{}, err
	}
	return LedgerEntry{
		Seq: seq, At: event.At, Kind: event.Kind, Session: event.Session, Authorization: event.Authorization,
		Account: event.Account, Org: event.organization(), Leaf: LeafOf(o.Salt, []byte(o.Event)),
	}, event, nil
}
