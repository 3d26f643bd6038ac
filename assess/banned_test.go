package assess

import "testing"

func TestSentencesAboutThePersonAreBanned(t *testing.T) {
	t.Parallel()
	for _, sentence := range []string{
		"You sound confident.", "You seemed NERVOUS at first.", "ＣＯＮＦＩＤＥＮＴ answer.", "A cónfident answer.", "A con\u200bfident answer.",
		"Your accent is easy to follow.", "I would hire you.", "They should be rejected.", "You rank among the best.", "Score: high.",
		"That is worth 85/100.", "An 8 / 10 answer.", "8 out of 10.", "Nine out of a hundred give that.", "Your tone of voice helps.", "Good eye contact!",
		"You smile a lot.", "Full of enthusiasm; passion shows.", "A strong candidate.", "Better than most.", "You lack self-confidence.",
		"Your body  language is open.", "A native-speaker would say it so.", "Great cultural fit.", "Your English grade is fine.",
		"You felt unsure about it.", "Overconfident at the end.", "You seemed tense.", "It was told assertively.", "Timidly put.", "You spoke calmly.",
		"You sound as if you knew it.", "They are hirable.", "A recommendation would follow.", "One recommends this.", "Your appearance helps.",
		"How you look matters.", "An answer above average.", "Among the top 10.", "Too young for it.", "Said anxiously.", "Honestly told.",
	} {
		if !banned(sentence) {
			t.Errorf("%q is allowed", sentence)
		}
	}
}

func TestSentencesAboutTheAnswerAreNotBanned(t *testing.T) {
	t.Parallel()
	for _, sentence := range []string{
		"You name the decision that was yours and what came of it.", "Say how many faults there were before and after.",
		"The number of faults fell by 40%, and you say how it was measured.", "Pick one change and tell it in four sentences: what was, what you did, what came of it.",
		"You upgraded the database step by step.", "The Gradle build ran for 10 minutes out of the usual 30.", "It took 3 of 10 days.", "Frankly put, the facet is there.",
		"Level 4 asks for a measured result.", "You say how the customer felt and what they needed.", "You look at the logs before you change anything.", "Say which shirts were sold.", "You paused 3 times; the longest pause had 4 s.",
	} {
		if banned(sentence) {
			t.Errorf("%q is banned", sentence)
		}
	}
}
