package consent

import (
	"fmt"
	"strings"
	"time"
)

// KeyEpochLife is how long the key of an epoch exists. After it nothing that was sealed under that epoch
// can be opened, wherever a copy of it may lie; this bounds how long a backup can bring back what was
// erased.
const KeyEpochLife = 21 * 24 * time.Hour

// CloseUndo is how long a closed account can be opened again before its interviews and its profile are erased.
const CloseUndo = 30 * 24 * time.Hour

// UnusedAfter is how long nobody may log in to a candidate's account before it is closed by itself.
var UnusedAfter = Period{Months: 24}

// Class is what is kept for one reason and goes by one rule.
type Class string

// The classes.
const (
	ClassInterview Class = "interview"
	ClassAccount   Class = "account"
	ClassUsage     Class = "usage"
	ClassLeftovers Class = "leftovers"
	ClassConsent   Class = "consent_records"
	ClassAudit     Class = "audit_log"
	ClassBackup    Class = "backups_and_keys"
	ClassLedger    Class = "ledger"
	ClassService   Class = "service"
)

// Period is a length of time by the calendar: two years from 29 February end on 28 February. The zero Period
// is no limit of time.
type Period struct {
	Years, Months, Days, Hours int
}

// ISO returns the period as ISO 8601 writes it, e.g. P2Y or PT24H; empty for no limit.
func (p Period) ISO() string {
	if p == (Period{}) {
		return ""
	}
	var t strings.Builder
	t.WriteByte('P')
	write := func(n int, unit string) {
		if n > 0 {
			fmt.Fprintf(&t, "%d%s", n, unit)
		}
	}
	write(p.Years, "Y")
	write(p.Months, "M")
	write(p.Days, "D")
	if p.Hours > 0 {
		t.WriteByte('T')
		write(p.Hours, "H")
	}
	return t.String()
}

// After returns when a thing that began its period then is over it. It is the sum that the sweeper makes
// in the database, whose intervals are of the calendar too.
func (p Period) After(begin time.Time) time.Time {
	begin = begin.UTC()
	year, month, day := begin.Date()
	months := int(month) + p.Months + 12*p.Years
	// Postgres keeps the last day of a shorter month where Go would go on into the next.
	last := time.Date(year, time.Month(months)+1, 0, 0, 0, 0, 0, time.UTC).Day()
	moved := time.Date(year, time.Month(months), min(day, last), begin.Hour(), begin.Minute(), begin.Second(), begin.Nanosecond(), time.UTC)
	return moved.AddDate(0, 0, p.Days).Add(time.Duration(p.Hours) * time.Hour)
}

// Rule says how long one class is kept, from when on, and what ends it. It is the only place where these
// numbers stand: the sweeper runs by it, the retention page prints it, and the catalogue puts every column
// under one of them.
type Rule struct {
	Class     Class
	Holds     string // what it is, in words for people
	Kept      Period
	From      string   // when the period begins
	Trigger   string   // what ends it besides
	Mechanism string   // how it goes
	Evidence  string   // how one can see that it went
	Tests     []string // that hold the rule, by name
}

// sweeps is the test of the sweeper: of everything that is just too old and of everything that is not.
const sweeps = "TestWhatIsTooOldGoesAndWhatIsNotStays"

// Retention is the registry of what is kept how long. The order is the page's.
func Retention() []Rule {
	return []Rule{
		{
			Class: ClassInterview,
			Holds: "An interview: recording, transcript, answers, ratings, feedback, measurements, corrections, and the keys that recordings and words are encrypted under",
			Kept:  Period{Years: 2}, From: "the end of the interview, and for as long as you keep it restricted or a legal hold keeps it closed",
			Trigger:   "its candidate erases it, closes the account, or asks for everything to be erased",
			Mechanism: "its keys are destroyed first, then every copy of its files and every row; whose time is over is looked for every hour",
			Evidence:  "a signed certificate of erasure",
			Tests: []string{
				sweeps, "TestErasingLeavesNothingButATombstone", "TestErasingEndsALiveInterviewAndLeavesNothing",
				"TestErasingMayDieBetweenAnyTwoSteps", "TestWritersOnTheirWayLeaveNothing", "TestHoldPausesAnErasure",
			},
		},
		{
			Class: ClassAccount,
			Holds: "An account and its profile: e-mail address, display name, password hash, second factor, membership of an organization",
			Kept:  Period{Days: 30}, From: "the closing of the account, which can be undone for as long",
			Trigger: "its candidate closes it; nobody logs in for " + UnusedAfter.Words() + ", which closes it in the same way, without a warning: this server sends no mail; " +
				"a reported child's account goes at once",
			Mechanism: "closing ends log-ins, rooms, work and everything that is shared at once; then every interview is erased, and of the account itself an id is left, which the proof of consent is about",
			Evidence:  "an entry in the ledger",
			Tests: []string{
				sweeps, "TestClosingCutsEverythingAndCanBeUndone", "TestClosedAccountIsErasedAfterThirtyDays", "TestClosedAccountCanOnlyBeOpenedAgain",
				"TestReportedChildIsErasedAtOnce", "TestChildLeavesNothing",
			},
		},
		{
			Class: ClassUsage,
			Holds: "Usage data: when an interview was begun, joined, left and ended",
			Kept:  Period{Years: 1}, From: "the event",
			Trigger:   "erasing the interview",
			Mechanism: "rows are deleted, every hour; not those of an interview that is restricted or under a legal hold",
			Evidence:  "counts in the server's log",
			Tests:     []string{sweeps},
		},
		{
			Class: ClassLeftovers,
			Holds: "Leftovers of finished work: jobs that are done, copies that were asked for, uploads that were never completed, log-ins and tickets that have expired",
			Kept:  Period{Hours: 24}, From: "the end of the work",
			Trigger:   "none; parts of a recording that the object store does not have yet are never leftovers",
			Mechanism: "deleted every hour",
			Evidence:  "counts in the server's log",
			Tests:     []string{sweeps, "TestUnfinishedUploadsAreAborted"},
		},
		{
			Class: ClassConsent,
			Holds: "Proof of consent, without any content: what was agreed to and withdrawn, when, under which notice, who asked for what, and what was erased",
			Kept:  Period{Years: 3}, From: "the end of what it is about: of the authorization or of the one that replaced it, of the invitation, of the hold, and for the rest the erasure",
			Trigger:   "none: erasing an interview must not erase the proof that there was consent to it",
			Mechanism: "rows are deleted, every hour; not those of an interview that is restricted or under a legal hold",
			Evidence:  "counts in the server's log; the ledger keeps its entries, which say nothing without these",
			Tests:     []string{sweeps},
		},
		{
			Class: ClassAudit,
			Holds: "Who looked at what and when, which model was asked and when, whose view was cut off, how often logging in failed: ids and sums only",
			Kept:  Period{Years: 1}, From: "the event",
			Trigger:   "none; where a hundred failures switched logging in off, that stays until an operator resets it",
			Mechanism: "rows are deleted, every hour; not those of an interview that is restricted or under a legal hold",
			Evidence:  "counts in the server's log",
			Tests:     []string{sweeps},
		},
		{
			Class: ClassBackup,
			Holds: "Backups of keys, and the keys of the days that these were sealed under",
			Kept:  Period{Days: 21}, From: "the day they were made",
			Trigger:   "none",
			Mechanism: "keys in use are sealed anew every day, the old day's key is destroyed; recordings and words in older backups are noise from then on",
			Evidence:  "the drill: back up, erase, restore, try to read",
			Tests:     []string{"TestOldCopiesOfKeysDieWhileSessionsLive", "TestEpochKeysAreGoneFromTheFileAfterTheirLife", "TestBackupsBringBackNothingThatWasErased"},
		},
		{
			Class:     ClassLedger,
			Holds:     "The ledger: sums that commit to events, with random ids; what an event said goes with what it was about",
			From:      "never ends: taking an entry out would break the proof of all later ones",
			Trigger:   "erasing deletes the salts, after which an entry says nothing about anybody",
			Mechanism: "entries are only ever added",
			Evidence:  "greenroom verify ledger",
			Tests:     []string{"TestLedgerIsOnlyEverAddedTo", "TestErasingOpeningsLeavesTheChainWhole"},
		},
		{
			Class:     ClassService,
			Holds:     "What is about nobody: organizations, texts of notices, versions of tables, keys and passwords of the server itself",
			From:      "kept while the server runs",
			Trigger:   "an operator removes it",
			Mechanism: "none",
			Evidence:  "the catalogue",
			Tests:     []string{"TestEveryColumnIsInTheCatalogue", "TestEveryFileIsInTheCatalogue"},
		},
	}
}

// RuleOf returns the rule of a class; every class has one.
func RuleOf(class Class) Rule {
	for _, rule := range Retention() {
		if rule.Class == class {
			return rule
		}
	}
	panic("consent: no rule for class " + string(class))
}
