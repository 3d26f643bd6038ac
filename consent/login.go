package consent

import (
	"log/slog"
	"time"
)

// PasswordHash is what is stored of a password: its argon2id hash, and the name of the pepper key that
// went into it, empty for a hash that has none. It never shows in a log.
type PasswordHash struct {
	Hash   string
	Pepper string
}

// LogValue implements [slog.LogValuer].
func (PasswordHash) LogValue() slog.Value { return redacted() }

// Credentials are what a log-in is checked against.
type Credentials struct {
	Account      Account
	Password     PasswordHash
	SecondFactor bool // a code is asked for too
}

// LogValue implements [slog.LogValuer].
func (Credentials) LogValue() slog.Value { return redacted() }

// CodeSecret is what the codes of a second factor are made of, in base 32 (RFC 6238). It never shows in
// a log.
type CodeSecret string

// LogValue implements [slog.LogValuer].
func (CodeSecret) LogValue() slog.Value { return redacted() }

// NeedsSecondFactor reports whether accounts of the kind see nothing without one: what others entrusted to
// them must not hang on a password alone.
func (k AccountKind) NeedsSecondFactor() bool { return k == AccountEmployer || k == AccountOps }

// NewLogIn is a log-in that is about to begin.
type NewLogIn struct {
	Account      AccountID
	Device       string // kind of browser and system, for its person to know it by
	SecondFactor bool   // a code was given
	Idle         time.Duration
	Absolute     time.Duration
}

// ActiveLogIn is somebody who is logged in.
type ActiveLogIn struct {
	ID        LogInID
	Account   Account
	Device    string
	Began     time.Time
	Used      time.Time     // to a hundredth of the idle limit
	Until     time.Time     // if it is not used before
	Confirmed time.Duration // since its person last proved who they are

	SecondFactor bool // a code was given for it
}

// LogValue implements [slog.LogValuer].
func (ActiveLogIn) LogValue() slog.Value { return redacted() }

// Throttle says why a try to log in is refused before its password is looked at; its zero value lets
// the try through.
type Throttle struct {
	Wait time.Duration // until the next try
	Off  bool          // too many failed in a row: only an operator turns log-in on again
}

// LogValue keeps people out of the log: an address or a name in a line is one too many.
func (Account) LogValue() slog.Value { return redacted() }

// redacted stands in the log for what may not be there.
func redacted() slog.Value { return slog.StringValue("[redacted]") }
