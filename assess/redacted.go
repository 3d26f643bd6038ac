package assess

import "log/slog"

// What somebody said never shows in a log, whoever hands it to one.

// LogValue implements [slog.LogValuer].
func (Word) LogValue() slog.Value { return redacted() }

// LogValue implements [slog.LogValuer]: which line it is, and none of its words.
func (l Line) LogValue() slog.Value {
	return slog.GroupValue(slog.Int("epoch", l.Epoch), slog.Int("sequence", l.Sequence), slog.Any("words", redacted()))
}

// LogValue implements [slog.LogValuer].
func (RatingFields) LogValue() slog.Value { return redacted() }

// LogValue implements [slog.LogValuer].
func (Rating) LogValue() slog.Value { return redacted() }

// LogValue implements [slog.LogValuer].
func (Record) LogValue() slog.Value { return redacted() }

func redacted() slog.Value { return slog.StringValue("[redacted]") }
