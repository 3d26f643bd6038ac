package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// number is one line of the security baseline: what it says, where the code says it, and the test that
// fails when the code does not do it.
type number struct {
	says string
	file string // and text in it
	text string
	test string // package: name
}

// baseline holds every number that applies to this program. Changing one means changing this table, and
// so the promise.
var baseline = []number{
	// Passwords
	{"argon2id with 64 MiB, three rounds, one lane, 16 bytes of salt", "web/passwords.go", "Memory: 64 * 1024, Iterations: 3, Parallelism: 1, SaltLength: 16", "web: TestSignUpLogsIn"},
	{"a pepper outside the database", "storage/login_keys.go", "hmac.New(sha256.New, key)", "web: TestPepperIsPartOfTheHash"},
	{"at most 8 hashes at once", "web/passwords.go", "maxHashes = 8", "web: TestPasswordThatWasNotLookedAtIsNoFailure"},
	{"15 characters alone", "web/password_rules.go", "minPassword       = 15", "web: TestPasswordRules"},
	{"8 beside a second factor", "web/password_rules.go", "minWithSecondStep = 8", "web: TestShortPasswordsBesideASecondFactor"},
	{"128 at most", "web/password_rules.go", "maxPassword       = 128", "web: TestPasswordRules"},
	{"none of those that are tried first", "web/common_passwords.go", "letmein", "web: TestPasswordRules"},
	{"old hashes are made anew at log-in", "web/login.go", "s.renewHash(", "web: TestOldHashesAreMadeAnewAtLogIn"},

	// Second factor
	{"employers and operations see nothing without one", "consent/login.go", "return k == AccountEmployer || k == AccountOps", "web: TestEmployerAndOpsSeeNothingBeforeTheirSecondFactor"},
	{"codes of 30 seconds", "web/codes.go", "codeStep     = 30 * time.Second", "web: TestCodesAreThoseOfTheStandard"},
	{"one step off at most", "web/codes.go", "codeWindow   = 1 ", "web: TestCodeIsGoodForItsStepAndTheTwoBesideIt"},
	{"each step once", "storage/second_factors.go", "last_step < $2", "storage: TestStepIsTakenOnce"},

	// Throttle
	{"5 free failures", "storage/log_in_tries.go", "freeFailures   = 5", "storage: TestTriesWaitAsLongAsSaid"},
	{"then a second, doubling to 15 minutes", "storage/log_in_tries.go", "longestWait    = 15 * time.Minute", "storage: TestWaitDoublesAfterFiveFailuresUpToFifteenMinutes"},
	{"100 failures in a row switch log-in off", "storage/log_in_tries.go", "mostFailures = 100", "storage: TestHundredFailuresInARowSwitchLogInOff"},
	{"tries at once are all counted", "storage/log_in_tries.go", "before its password is looked at", "storage: TestTriesAtTheSameTimeAreAllCounted"},
	{"20 log-ins a minute from an address", "web/limit.go", "l.LogInPerMinute = 20", "web: TestLogInsPerAddressAreLimited"},

	// Log-ins
	{"tokens of 256 bits, stored hashed", "web/login.go", "tokenLength = 32", "web: TestSignUpLogsIn"},
	{"a __Host- cookie", "web/login.go", `cookieName  = "__Host-sid"`, "web: TestSignUpLogsIn"},
	{"a new token at log-in", "web/login.go", "s.endLogIn(ctx)", "web: TestLogInChangesTheToken"},
	{"a new token with a second factor", "web/second_factor.go", "s.beginLogIn(ctx, account, true)", "web: TestSecondFactorIsSetUp"},
	{"candidates: 60 minutes idle, 24 hours", "web/login.go", "return time.Hour, 24 * time.Hour", "web: TestSignUpLogsIn"},
	{"employers: 30 minutes idle, 12 hours", "web/login.go", "return 30 * time.Minute, 12 * time.Hour", "web: TestLogInAnswersUnknownAndWrongAlike"},
	{"operations: 15 minutes idle, 12 hours", "web/login.go", "return 15 * time.Minute, 12 * time.Hour", "web: TestOperationsAreLoggedInForShort"},
	{"a proof at most 5 minutes old", "web/confirm.go", "confirmFor = 5 * time.Minute", "web: TestOldProofIsAskedForAgain"},
	{"streams end with their log-in", "web/streams.go", "logInEvery = 5 * time.Second", "web: TestEndedLogInTakesItsOpenStreamsAlong"},
	{"rooms end with their log-in", "signaling/rooms.go", "rs.readmit(ctx, rs.watched(", "signaling: TestLogOutElsewhereClosesTheConnectionAtOnce"},

	// Other sites
	{"changes come from this site's pages", "web/middleware.go", "s.crossOrigin.Handler(", "web: TestRequestsFromOtherSitesAreRefused"},
	{"reading changes nothing", "web/census_test.go", "http.MethodGet", "web: TestNoReadingRouteChangesAnything"},
	{"security headers", "web/middleware.go", "require-trusted-types-for 'script'", "web: TestEveryAnswerHasTheSecurityHeaders"},
	{"HSTS of 63072000 seconds", "web/middleware.go", "max-age=63072000; includeSubDomains", "web: TestEveryAnswerHasTheSecurityHeaders"},
	{"camera and microphone on two pages only", "web/middleware.go", `page == "devices" || page == "room"`, "web: TestCameraIsAllowedOnTheInterviewPagesOnly"},
	{"logging out clears what the browser has", "web/login.go", `"cache", "cookies", "storage"`, "web: TestLogOutEndsTheLogIn"},

	// The room's socket
	{"an exact origin", "signaling/conn.go", "strings.EqualFold(origin.Host, r.Host)", "signaling: TestOriginMustBeExact"},
	{"a ticket of 30 seconds", "web/room_ticket.go", "ticketLife   = 30 * time.Second", "web: TestRoomOpensWithAFreshTicketOnly"},
	{"good once, on one node of many", "storage/room_tickets.go", "DELETE FROM room_tickets WHERE ticket_sha256 = $1", "storage: TestRoomTicketIsTakenByOneOfMany"},
	{"frames of 64 KiB", "signaling/message.go", "MaxFrame = 64 << 10", "signaling: TestOversizedFrameClosesTheConnection"},
	{"20 messages a second", "signaling/conn.go", "messageRate   = 20", "signaling: TestTooManyMessagesCloseTheConnection"},
	{"a ping every 20 seconds", "signaling/conn.go", "pingEvery  = 20 * time.Second", "signaling: TestPageThatVanishesIsNoticedByItsSilence"},
	{"asked again every second, of 5 allowed", "signaling/watch.go", "watchEvery  = time.Second", "signaling: TestLogOutClosesTheConnection"},
	{"a program's token of two hours", "web/publish.go", "publishLife = 2 * time.Hour", "web: TestProgramShowsATokenOfItsSession"},
	{"a program's body of 16 KiB at most after its offer", "signaling/sdpfrag.go", "maxFragment      = 16 << 10", "signaling: TestFragmentsAreRefused"},
	{"4 connections an account", "signaling/conn.go", "maxConnsPerAccount = 4", "signaling: TestFifthConnectionOfAnAccountIsRefused"},

	// AI providers
	{"a review of 90 days", "consent/provider.go", "ReviewLife = 90 * 24 * time.Hour", "assess: TestReviewThatRunsOutStopsCalls"},
	{"a register of 64 KiB", "consent/provider.go", "maxRegister  = 64 << 10", "consent: TestRegisterOfProvidersIsComplete"},

	// HTTP
	{"headers of 16 KiB", "web/server.go", "MaxHeaderBytes:    16 << 10", "web: TestServerBoundsHeaders"},
	{"read within 5 seconds", "web/server.go", "ReadHeaderTimeout: 5 * time.Second", "web: TestServerBoundsHeaders"},
	{"bodies of 1 MiB", "web/middleware.go", "maxBody      = 1 << 20", "web: TestBodiesAreReadStrictly"},
	{"60 requests a minute without a log-in", "web/limit.go", "l.AnonymousPerMinute = 60", "web: TestRequestsAreLimited"},
	{"600 with one", "web/limit.go", "l.AccountPerMinute = 600", "web: TestRequestsAreLimited"},
	{"20 pieces of recordings a second", "web/limit.go", "l.MediaPerSecond = 20", "web: TestPiecesOfRecordingsAreLimited"},
	{"private answers are stored nowhere", "web/middleware.go", `"private, no-store"`, "web: TestEveryAnswerHasTheSecurityHeaders"},

	// WebRTC
	{"dtls from 3.1.15 on", "go.mod", "github.com/pion/dtls/v3 v3.1.15", "signaling: TestCertificateMustBeTheOneInTheOffer"},
	{"SRTP with AEAD first", "signaling/handshake.go", "WithSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM", "signaling: TestInterviewRunsFromHelloToEnded"},
	{"the certificate is that of the SDP", "signaling/handshake.go", "checkCertificate(certificates, expected)", "signaling: TestCertificateMustBeTheOneInTheOffer"},
	{"SDP of 32 KiB", "signaling/negotiation.go", "maxSDP        = 32 << 10", "signaling: TestCheckOfferRefuses"},
	{"8 m-lines", "signaling/negotiation.go", "maxMLines     = 8", "signaling: TestCheckOfferRefuses"},
	{"32 candidates", "signaling/negotiation.go", "maxCandidates = 32", "signaling: TestOfferWithThirtyTwoTrickledCandidatesFitsTheRate"},
	{"none of them is used", "signaling/room_media.go", "p.countCandidate(init)", "signaling: TestServerKnocksAtNoAddressThatAPageNames"},
	{"4 Mbit/s of media", "signaling/peer.go", "mediaRate  = 4_000_000 / 8", "signaling: TestMediaOverTheRateIsDropped"},
	{"one publisher", "signaling/rooms.go", "room.attach(arriving)", "signaling: TestPageTakesTheSessionOverWhenItAsksTo"},
	{"90 minutes", "signaling/rooms.go", "longest      = 90 * time.Minute", "signaling: TestSessionHasALongestLength"},
	{"a panic ends one peer, or one room", "signaling/peer.go", "turns a panic on outside bytes into the end of this peer alone", "signaling: TestPanicOfOneRoomEndsNeitherServerNorSession"},
	{"strangers' packets change nothing", "signaling/mux.go", "w, owner, conn := p.wayOf(from)", "signaling: TestStrangersReachNobody"},

	// Logs
	{"secret and personal types print [redacted]", "consent/login.go", `slog.StringValue("[redacted]")`, "consent: TestPeopleAndTheirSecretsStayOutOfTheLog"},
	{"nothing personal in the log of a whole life", "cmd/greenroom/redacted_test.go", "GREENROOM_LOG_LEVEL=debug", "cmd/greenroom: TestNothingPersonalIsLogged"},
	{"every 429 is in the log", "web/middleware.go", `slog.Int("status", out.status)`, "web: TestPiecesOfRecordingsAreLimited"},
}

// notApplicable are lines of the baseline for what this program does not have.
var notApplicable = map[string]string{
	"passkeys":             "codes by time are the second factor",
	"reset tokens":         "this program sends no mail: an operator resets",
	"OIDC":                 "there is no log-in through others",
	"resume upload":        "no file is taken from anybody",
	"TURN":                 "this program runs no relay; rooms are reached over UDP or TCP directly",
	"separate log sink":    "the log is the operator's: standard error",
	"pgaudit":              "an extension of the operator's own Postgres",
	"KMS for the pepper":   "the pepper is a file in the secrets folder, as the master key is",
	"nightly long fuzzing": "make fuzz, by hand: ten minutes a target",
}

func TestBaselineNumbersAreWhereTheTableSays(t *testing.T) {
	t.Parallel()
	root := repositoryRoot(t)
	tests := map[string]bool{}
	for _, pattern := range []string{"*/*_test.go", "cmd/greenroom/*_test.go"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			folder, err := filepath.Rel(root, filepath.Dir(file))
			if err != nil {
				t.Fatal(err)
			}
			for _, found := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllStringSubmatch(readText(t, file), -1) {
				tests[folder+": "+found[1]] = true
			}
		}
	}
	for _, n := range baseline {
		if !strings.Contains(readText(t, filepath.Join(root, n.file)), n.text) {
			t.Errorf("%s: %s does not have %q", n.says, n.file, n.text)
		}
		if !tests[n.test] {
			t.Errorf("%s: there is no test %q", n.says, n.test)
		}
	}
	for what, why := range notApplicable {
		if why == "" {
			t.Errorf("%s is left out without a reason", what)
		}
	}
}

func readText(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
