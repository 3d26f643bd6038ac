package web

import (
	"strconv"
	"strings"

	"greenroom/assess"
	"greenroom/consent"
)

// The version rises when the meaning of the notice changes; what differs by configuration is in the text
// and so in its hash. Materiality says what the change means for what was agreed to before.
const (
	noticeVersion     = 5
	noticeMateriality = consent.MaterialityNotice
)

// NoticeFor builds the one text that a candidate answers before an interview. It promises only what
// this program does. It must be published before the server is called: the stores accept no answer to
// another one.
func NoticeFor(judge Judge) consent.Notice {
	parts := []string{
		"# Before the interview",
		"This is a practice interview. Three things can be done with it, each only if you tick its box. No box is ticked for you. " +
			"Whatever you leave empty, the interview goes on in the same way and nothing else changes.",

		"# Recording",
		"If you tick this, the sound and the picture of your interview are recorded while it runs, so that you can watch it again. " +
			"If you do not, nothing you send is kept as sound or picture.",

		"# Writing down",
		writtenDown(judge),
		"You can correct the transcript afterwards. Whoever you let read it sees what you wrote, and that you corrected it; what stood there before is shown to nobody but you.",

		"# Assessment by AI",
		assessed(judge) + ratedAgain(judge) + followedUp(judge),
		"Judged is only what you say, against written descriptions of each skill, and every judgement points to your own words. " +
			"Never judged are your face, your looks, your feelings, your accent, your voice, or how confident you seem. " +
			"Nobody is recommended or rejected. A model can be wrong: its levels are an unvalidated practice estimate.",

		"# Who can see it",
		"Nobody but you, until you yourself let an organization see it. You choose which one, which parts, for what, and until when, " +
			"and you can end that at any time; whoever is watching then is cut off. What somebody has already seen cannot be unseen. " +
			"You can see who looked at what, and when. Practising never depends on sharing. The people who run this server look after the machine it is on.",

		"# How long it is kept",
		"It is kept on this server, encrypted, for " + consent.RuleOf(consent.ClassInterview).Kept.Words() + " from the end of the interview, and then erased by itself. " +
			"You can erase it before, at once and for good: the privacy page does that for one interview or all.",

		"# If you want no AI",
		"You can object to AI at any time, for all your interviews at once, on the privacy page. From then on no model is asked about them, here or elsewhere, and no sound leaves this server; " +
			"what is going on ends within a second. Your answers are measured and you can rate them yourself as before, and captions go on where this server can write them itself. " +
			"What a model wrote before stays as it was, named as a model's, until you erase the interview or end what you share. Organizations are not told that you objected.",

		"# If you change your mind",
		"You can take back each of the three at any time, also during the interview: it then stops within a second. " +
			"What was recorded or written down before stays yours to see. Taking back the writing down also ends the assessment, which reads nothing else. " +
			"To end what an organization can see, open the session's sharing page and choose Withdraw.",
	}
	return consent.Notice{Version: noticeVersion, Materiality: noticeMateriality, Text: strings.Join(parts, "\n\n") + "\n"}
}

func writtenDown(judge Judge) string {
	if judge.TranscriberEngine == "" {
		return "On this server nothing writes down what you say at the moment. If you tick this, it is written down should that change before your interview."
	}
	text := "If you tick this, what you say is written down by a program (" + judge.TranscriberEngine + "), shown to you as captions, and kept as a transcript. "
	if judge.TranscriberPlace == ThisServer {
		return text + "The sound is not sent anywhere for this: it stays on this server."
	}
	return text + "For this the sound of what you say is sent to " + judge.TranscriberPlace + ". Your name and e-mail address are not sent with it." + under(judge.Provider)
}

func assessed(judge Judge) string {
	text := "If you tick this, your answers are measured from the transcript (for example how long you spoke), "
	switch {
	case judge.AssessorModel == "":
		return text + "on this server. No AI model is set up here, so none rates them; you can rate your answers yourself. It needs the writing down."
	case judge.AssessorPlace == ThisServer:
		return text + "and rated by " + ratingModels(judge) + ". The transcript is not sent anywhere for this: it stays on this server. It needs the writing down."
	default:
		return text + "and rated by " + ratingModels(judge) + ". For this the transcript of your answers is sent to " + judge.AssessorPlace +
			". Your name, your e-mail address, sound and picture are not sent with it. It needs the writing down." + under(judge.Provider)
	}
}

// ratedAgain: `greenroom replay` asks the same models once more.
func ratedAgain(judge Judge) string {
	if judge.AssessorModel == "" {
		return ""
	}
	return " Whoever runs this server may have kept answers rated once more by the same model, to see whether its levels change with time. " +
		"What you see stays as it is, only the differences are counted, and the privacy page lists each time a model was asked."
}

// followedUp: what is sent for it is what is sent for rating, but sooner.
func followedUp(judge Judge) string {
	if judge.AssessorModel == "" {
		return ""
	}
	return " If you chose it when you began a practice interview, the model (" + judge.AssessorModel + ") may also ask you up to " +
		strconv.Itoa(assess.MostFollowUps) + " follow-up questions of its own. For that it gets the transcript of each of your answers, when you pause for a while or end it, also where no question comes of it. " +
		"They are marked as a model's, and kept with your transcript."
}

func ratingModels(judge Judge) string {
	if judge.AssessorSecond == "" {
		return "an AI model (" + judge.AssessorModel + ")"
	}
	return "two AI models (" + judge.AssessorModel + " and " + judge.AssessorSecond + ")"
}

// under says by which terms a provider works. The day of its last review is left out: a new one does not
// change what is agreed to. [consent.ProviderFor] has refused one without them.
func under(p consent.Provider) string {
	if p.Origin == "" {
		return ""
	}
	return " It works on it in this region: " + p.Region + ". Its contract says: “" + p.NoTraining.Text + "” (" + p.NoTraining.Link + "). " +
		"That is looked up again at least every " + reviewDays + " days; if it was not, nothing more is sent there."
}

var reviewDays = strconv.Itoa(int(consent.ReviewLife.Hours() / 24))
