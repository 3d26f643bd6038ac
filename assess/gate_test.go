package assess

import (
	"strings"
	"testing"
	"time"
)

func TestAnswersThatNobodyCouldRateAreRefusedWithAReason(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ said, want string }{
		"nothing":          {"", reasonNoWords},
		"few words":        {"I fixed it and then we shipped the fix", reasonFewWords},
		"just too few":     {strings.Repeat("the ", 14), reasonFewWords},
		"just enough":      {strings.Repeat("the ", 15), ""},
		"English":          {spoken, ""},
		"terms only":       {"Kubernetes, Terraform and Postgres: blue green deploys with canary releases, feature flags, rollback scripts, dashboards, alerts, runbooks, postmortems for every incident", ""},
		"terse":            {"Found leak. Profiled heap. Cache without bound. Added limit. Memory flat. Told team. Wrote test. No pages since. Took two days with one colleague.", ""},
		"without articles": {"I make new plan for team because old plan not work, and boss say yes, so we move all service to new server in two week", ""},
		"contractions":     {"It's done, they've shipped, that's what we'd planned, I'm glad we're through, you're right, it'll hold, there's one fault left today", ""},
		"Spanish":          {"Cuando empecé en la empresa el equipo tenía muchas dificultades con los despliegues y decidí cambiar el proceso por completo con ayuda de mis compañeros", reasonOtherLanguage},
		"German":           {"Als ich in der Firma anfing hatte das Team viele Probleme mit der Auslieferung und ich habe den Ablauf zusammen mit meinen Kollegen komplett geändert", reasonOtherLanguage},
		"French":           {"Quand je suis arrivé dans l'entreprise, l'équipe avait beaucoup de problèmes avec les livraisons et j'ai décidé de changer tout le processus avec mes collègues", reasonOtherLanguage},
		"Portuguese":       {"Quando comecei na empresa a equipa tinha muitas dificuldades com as entregas e decidi mudar o processo por completo com a ajuda dos meus colegas", reasonOtherLanguage},
		"Russian":          {"Когда я пришёл в компанию у команды было много проблем с выпуском и я решил изменить весь процесс вместе с коллегами за два месяца", reasonOtherLanguage},
		"no spaces":        {"我来到公司的时候团队在发布方面有很多问题所以我决定和同事们一起改变整个流程", reasonOtherLanguage},
		"a few letters":    {"да нет", reasonFewWords},
	} {
		line := say(0, 10*time.Second, test.said)
		if test.said == "" {
			line.Words = nil
		}
		if got := unassessable([]Line{line}); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
	if got := unassessable(nil); got != reasonNoWords {
		t.Errorf("no lines: %q, want %q", got, reasonNoWords)
	}
}

// What the bank itself says in English must pass, word for word: anchors, examples and near misses are how
// answers sound.
func TestTheBanksOwnExamplesAreEnglish(t *testing.T) {
	t.Parallel()
	bank, err := BuiltInBank()
	must(t, err)
	check := func(text string) {
		if len(strings.Fields(text)) < fewestWordsToTell {
			return
		}
		if reason := unassessable([]Line{say(0, time.Minute, text)}); reason != "" {
			t.Errorf("%q: %s", text, reason)
		}
	}
	for _, c := range bank.Competencies {
		check(c.Definition)
		check(c.Example)
		check(c.NearMiss)
	}
	for _, role := range bank.Roles {
		for _, q := range role.Questions {
			check(q.Text)
			check(q.Example)
			check(q.NearMiss)
		}
	}
}

func TestReasonsSayWhatHelps(t *testing.T) {
	t.Parallel()
	for _, reason := range []string{reasonNoWords, reasonFewWords, reasonOtherLanguage} {
		if strings.Count(reason, ".") < 2 || !strings.Contains(strings.ToLower(reason), "again") && !strings.Contains(reason, "next") {
			t.Errorf("%q has no next step", reason)
		}
	}
}
