package signaling

import "log/slog"

// SDP holds ICE passwords, certificates' hashes and addresses; captions are what somebody said. Neither
// shows in a log.

// LogValue implements [slog.LogValuer].
func (Offer) LogValue() slog.Value { return redacted() }

// LogValue implements [slog.LogValuer].
func (Answer) LogValue() slog.Value { return redacted() }

// LogValue implements [slog.LogValuer].
func (ICECandidateInit) LogValue() slog.Value { return redacted() }

// LogValue implements [slog.LogValuer].
func (Caption) LogValue() slog.Value { return redacted() }

// LogValue implements [slog.LogValuer].
func (RepairedWord) LogValue() slog.Value { return redacted() }

// LogValue implements [slog.LogValuer].
func (PartialCaption) LogValue() slog.Value { return redacted() }

// LogValue implements [slog.LogValuer].
func (CaptionPartialMessage) LogValue() slog.Value { return redacted() }

// LogValue implements [slog.LogValuer].
func (CaptionMessage) LogValue() slog.Value { return redacted() }

func redacted() slog.Value { return slog.StringValue("[redacted]") }
