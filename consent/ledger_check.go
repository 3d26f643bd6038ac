package consent

import (
	"errors"
	"time"
)

// Verify checks a ledger folder against the keys, with a sentence about everything that was looked at.
// each, if it is not nil, is called with every whole entry in its order.
func (f LedgerFiles) Verify(keys KeySet, each func(LedgerEntry)) (LedgerReading, Findings) {
	var found Findings
	var newest Checkpoint
	signers := map[string]bool{}
	r, err := f.Read(func(l CheckpointLine) error {
		c, err := l.Verify(keys)
		if err != nil {
			return err
		}
		newest = c
		if key, err := keys.Open(l.JWS, DocumentCheckpoint, new(Checkpoint)); err == nil {
			signers[key.ID] = true
		}
		return nil
	}, func(e LedgerEntry) error {
		if each != nil {
			each(e)
		}
		return nil
	})
	if err != nil {
		found.broken("%v.", sentence(err))
		return r, found
	}
	found.holds("%d entries follow from each other: none was changed, left out, repeated or moved.", r.Head.Seq)
	switch {
	case r.Checkpoints == 0:
		found.notChecked("There is no checkpoint, so nobody has signed for any of this.")
	case newest.Seq < r.Head.Seq:
		found.holds("%d checkpoints, signed with %d keys, agree with them.", r.Checkpoints, len(signers))
		found.notChecked("The newest vouches for entry %d (%s); the %d entries behind it are signed for by nobody yet.",
			newest.Seq, newest.At.Format(time.RFC3339), r.Head.Seq-newest.Seq)
	default:
		found.holds("%d checkpoints, signed with %d keys, agree with them; the newest vouches for all %d entries (%s).",
			r.Checkpoints, len(signers), newest.Seq, newest.At.Format(time.RFC3339))
	}
	if r.JournalTorn || r.CheckpointsTorn {
		found.notChecked("Behind the last whole line lies something unfinished, as a crash leaves it. No checkpoint vouches for it; the server cuts it when it starts.")
	}
	return r, found
}

// sentence tells a ledger that does not hold from one that cannot be read.
func sentence(err error) string {
	if errors.Is(err, ErrLedger) || errors.Is(err, ErrSignature) {
		return "The ledger does not hold: " + err.Error()
	}
	return "The ledger cannot be read: " + err.Error()
}

// CompareHeads says whether two copies of a ledger tell one story, given the shorter one's head and the
// chain that the longer one has at that place.
func CompareHeads(shorter LedgerHead, longer Digest) Findings {
	var found Findings
	if shorter.Chain == longer {
		found.holds("Both copies have the same first %d entries: neither was rewritten.", shorter.Seq)
		return found
	}
	found.broken("The copies tell two stories: up to entry %d they are not the same. One of them was rewritten.", shorter.Seq)
	return found
}

// CompareCheckpoint says whether a ledger that was followed to a checkpoint's place is the one that was
// signed for there.
func CompareCheckpoint(reached LedgerHead, c Checkpoint) Findings {
	var found Findings
	if reached.Seq == c.Seq && reached.Chain == c.Chain {
		found.holds("It leads to the server's checkpoint of entry %d, signed on %s: the server's ledger still has it.", c.Seq, c.At.Format(time.RFC3339))
		return found
	}
	found.broken("The server's ledger of today tells another story: its checkpoint of entry %d does not follow from this.", c.Seq)
	return found
}
