package consent

import (
	"fmt"
	"strings"
	"time"
)

// Statement is one sentence of the privacy page. A promise names the tests that fail when it stops being
// true; a sentence that names none says where promises end.
type Statement struct {
	Text  string
	Tests []string
}

// PrivacySection is a heading of the privacy page with its statements.
type PrivacySection struct {
	Title      string
	Statements []Statement
}

// Privacy writes the privacy page out of what drives the program: its limits, its scopes and its
// registry of what is kept. Outside says who outside this server is sent what; it comes from the
// configuration.
func Privacy(outside []Statement) []PrivacySection {
	return []PrivacySection{
		{"Who sees your interviews", whoSees()},
		{"What is kept, and how long", whatIsKept()},
		{"What leaves this server", append(outside, staysHere()...)},
		{"What you can do", yourRights()},
		{"How it is protected", howProtected()},
		{"Age", []Statement{{
			fmt.Sprintf("Greenroom is for people of %d and older. Who is younger is refused before anything is stored; your date of birth is looked at and not kept.", MinimumAge),
			[]string{"TestOldEnough", "TestAgeCheckStoresNothing", "TestSignUpRefuses"},
		}}},
	}
}

func whoSees() []Statement {
	parts := make([]string, 0, len(AllScopes()))
	for _, scope := range AllScopes() {
		if scope != ScopeResume { // none is held
			parts = append(parts, strings.ReplaceAll(string(scope), "recording.", "recorded "))
		}
	}
	return []Statement{
		{
			"Nobody but you sees anything of an interview, not even that there was one, until you authorize one organization for it.",
			[]string{"TestEmployerWithoutAuthorizationSeesNothing", "TestEachConditionOfALiveAuthorizationHoldsInEachWallAlone", "TestRefusalsLookAlike"},
		},
		{
			"You choose the parts one by one (" + strings.Join(parts, ", ") + "). None implies another, and none is chosen beforehand.",
			[]string{"TestEachScopeOpensItsArtefactsAndNoOther", "TestEachScopeShowsExactlyItsTables"},
		},
		{
			fmt.Sprintf("An authorization is for one organization and one purpose, and ends by itself: after %d days if you say nothing else, after %d at most.",
				days(DefaultAuthorizationLife), days(MaxAuthorizationLife)),
			[]string{"TestAuthorizationRequestCheck", "TestScopesOfTwoAuthorizationsAreNotAddedUp"},
		},
		{
			"When you withdraw, what is open ends within a second, also in the middle of a video.",
			[]string{"TestMainJob", "TestWithdrawalCutsABlockedReaderOff", "TestWithdrawalIsSeenInsideAnOpenTransaction"},
		},
		{"What somebody has already seen, or filmed, cannot be unseen.", nil},
		{
			"You see which organization opened which part, and when.",
			[]string{"TestNothingIsShownThatWasNotNoted", "TestAccessIsNotedOnlyWhileSomethingIsShared"},
		},
		{
			"Practising never depends on sharing, and refusing recording, writing down or assessment changes nothing else.",
			[]string{"TestRefusingEverythingIsFine", "TestRefusedWorkIsNeverStarted"},
		},
		{
			"The people who run this server see counts and states; no page and no command shows them what you said.",
			[]string{"TestOperationsSeeNumbersOnly", "TestRolesCannotReadColumnsTheyHaveNoUseFor"},
		},
		{"Somebody who changes the program itself, or reads the memory of the machine it runs on, is not stopped by it.", nil},
	}
}

// whatIsKept is the registry in sentences.
func whatIsKept() []Statement {
	var statements []Statement
	for _, rule := range Retention() {
		text := rule.Holds + ": "
		if rule.Kept != (Period{}) {
			text += "kept for " + rule.Kept.Words() + " from "
		}
		text += rule.From + "."
		statements = append(statements, Statement{Text: text, Tests: rule.Tests})
	}
	return statements
}

func staysHere() []Statement {
	return []Statement{
		{
			"Your name, your address and what you sign in with are never sent to a model; names, addresses and schools that you say are masked before a transcript is sent.",
			[]string{"TestTenThousandRequestsHoldNothingThatNamesAnybody", "TestOnlyTheseFieldsLeave"},
		},
		{"No model is trained on anything of yours: there is no such feature.", []string{"TestNothingIsNamedForTraining", "TestNothingThatLeavesIsForTrainingOrNamesSomebody"}},
		{"The pages load nothing from anybody else, tell nobody where you came from, and their addresses do not say who you are.", []string{"crawl.test.mjs"}},
	}
}

func howProtected() []Statement {
	return []Statement{
		{
			"Recordings, transcripts and sentences about you are encrypted before they reach a disk, under keys of their own for every interview and part.",
			[]string{"TestStoreAndDiskHoldNoPlainText", "TestWordsAndSentencesAreNowhereInTheDatabaseInClear", "TestSpoolHoldsNoPlainText"},
		},
		{
			"Three walls that do not trust each other stand before every read: the decision in the program, the database's own policies, and the service that keeps the keys.",
			[]string{"TestEachConditionOfALiveAuthorizationHoldsInEachWallAlone", "TestCheckWallsRefusesUnsafeRolesAndTables", "TestKeysAskTheDatabaseThemselves"},
		},
		{"Your password is stored only as a hash.", []string{"TestPepperIsPartOfTheHash", "TestHashesThisProgramMakesItself"}},
		{"The pages set one cookie, which keeps you logged in.", []string{"TestLogInChangesTheToken", "crawl.test.mjs"}},
	}
}

func yourRights() []Statement {
	return []Statement{
		{
			"A signed receipt is made of everything you agree to and take back. It is part of the copy that you can take along, and can be checked without this server.",
			[]string{"TestEveryConsentAndItsEndGiveAReceipt", "TestGenuineReceiptFilesHold", "TestExportHoldsEverythingOfTheAccount"},
		},
		{
			"You see everything that is held about you and who saw it, correct your name, your address and what was written down of your words, and take a copy of all of it along.",
			[]string{"TestEverythingHeldIsShownWithItsRule", "TestAccessesAndCallsOfAllSessionsArePaged", "TestAddressIsCorrected", "TestACorrectionKeepsWhatWasThereForTheCandidateAlone", "TestExportIsMadeAndFetchedAndGone"},
		},
		{
			"You erase one interview or all of them, at once and for good, and get a signed certificate of it.",
			[]string{"TestCandidateErasesAnInterviewAndWatchesIt", "TestErasingLeavesNothingButATombstone"},
		},
		{
			"Taking back recording, writing down or assessment stops it within a second, also during the interview.",
			[]string{"TestWithdrawnRecordingStopsWithinASecond", "TestWithdrawnTranscriptionStopsCaptions", "TestWithdrawalStopsModels"},
		},
		{
			"You can object to AI for all your interviews: no model is asked from then on, what it wrote before stays named as a model's, and everything else goes on. No organization is told.",
			[]string{"TestObjectionKeepsModelsAwayFromEverySessionOfTheCandidate", "TestObjectionLeavesTheMeasurements", "TestObjectionStopsACallAndFinishesTheAnswer", "TestObjectionIsTheCandidatesOwn"},
		},
	}
}

func days(d time.Duration) int { return int(d / (24 * time.Hour)) }

// Words writes a period for people, e.g. "2 years".
func (p Period) Words() string {
	var words []string
	add := func(n int, unit string) {
		switch {
		case n == 1:
			words = append(words, "1 "+unit)
		case n > 1:
			words = append(words, fmt.Sprintf("%d %ss", n, unit))
		}
	}
	add(p.Years, "year")
	add(p.Months, "month")
	add(p.Days, "day")
	add(p.Hours, "hour")
	return strings.Join(words, " and ")
}
