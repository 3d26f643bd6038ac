package consent

import (
	"log/slog"
	"strings"
	"testing"
)

func TestPeopleAndTheirSecretsStayOutOfTheLog(t *testing.T) {
	t.Parallel()
	account := Account{ID: "canary", Email: "canary@example.org", DisplayName: "canary"}
	var log strings.Builder
	for _, logger := range []*slog.Logger{slog.New(slog.NewTextHandler(&log, nil)), slog.New(slog.NewJSONHandler(&log, nil))} {
		logger.Info("log-in", "account", account, "pointer", &account, "log_in", ActiveLogIn{Account: account, Device: "canary"},
			"credentials", Credentials{Account: account}, "hash", PasswordHash{Hash: "canary"}, "secret", CodeSecret("canary"))
	}
	if strings.Contains(log.String(), "canary") || strings.Count(log.String(), "[redacted]") != 12 {
		t.Errorf("the log says %s", log.String())
	}
}

func TestWhoNeedsASecondFactor(t *testing.T) {
	t.Parallel()
	for kind, want := range map[AccountKind]bool{AccountCandidate: false, AccountEmployer: true, AccountOps: true} {
		if got := kind.NeedsSecondFactor(); got != want {
			t.Errorf("%s: %v, want %v", kind, got, want)
		}
	}
}
