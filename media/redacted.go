package media

import "log/slog"

// LogValue implements [slog.LogValuer]: which utterance it is, and none of its sound.
func (u Utterance) LogValue() slog.Value {
	return slog.GroupValue(slog.Int("epoch", u.Epoch), slog.Int("sequence", u.Sequence), slog.Int("samples", len(u.PCM)))
}
