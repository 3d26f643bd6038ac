package assess

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func masked(names Names, lines ...string) string {
	var said []Line
	for _, text := range lines {
		said = append(said, say(0, 1, text))
	}
	var out []string
	for _, words := range names.mask(said) {
		out = append(out, strings.Join(words, " "))
	}
	return strings.Join(out, " | ")
}

type maskCase struct{ said, want string }

func checkMasks(t *testing.T, names Names, cases []maskCase) {
	t.Helper()
	for _, c := range cases {
		if got := masked(names, strings.Split(c.said, " | ")...); got != c.want {
			t.Errorf("said %q\ngot  %q\nwant %q", c.said, got, c.want)
		}
	}
}

func TestOwnNamesAreMaskedInEveryShape(t *testing.T) {
	t.Parallel()
	names := NamesOf("Zoë Quarrington-López", "zq.starling77@brightfjord.io")
	checkMasks(t, names, []maskCase{
		{"so Zoë said that", "so [name] said that"},
		{"so zoe said, QUARRINGTON.", "so [name] said, [name]."},
		{"Lopez's plan and lópez", "[name] plan and [name]"},
		{"Quarrington-López! wrote", "[name]! wrote"},
		{"zoequarringtonlopez signed", "[name] signed"},
		{"the ZoeQuarrington2 branch", "the [name] branch"},
		{"starling77 and starling", "[name] and [name]"},
		{"we at Brightfjord built it", "we at [name] built it"},
		{"it is Q U A R R I N G T O N you know", "it is [name] [name] [name] [name] [name] [name] [name] [name] [name] [name] [name] you know"},
		{"L-O-P-E-Z", "[name]"},
		{"Quarring ton told me", "[name] [name] told me"},
		{"then Quarington told me", "then [name] told me"},
		{"Z\u200boë hidden", "[name] hidden"},
		{"my friend zoe | lopez left", "my friend [name] | [name] left"},
		{"we plan to zoom in", "we plan to zoom in"},
		{"A zone and a slope", "A zone and a slope"},
	})
}

func TestNamesThatAreOrdinaryWordsAreMaskedWhereTheyStandLikeNames(t *testing.T) {
	t.Parallel()
	names := NamesOf("Will Harkness", "will@example.org")
	checkMasks(t, names, []maskCase{
		{"we will ship it", "we will ship it"},
		{"Will it ship? Will it.", "Will it ship? Will it."},
		{"they asked Will to ship", "they asked [name] to ship"},
		{"it was will harkness who shipped", "it was [name] [name] who shipped"},
		{"for example we ship", "for example we ship"},
	})
}

func TestNamesInOtherScriptsAreMasked(t *testing.T) {
	t.Parallel()
	checkMasks(t, NamesOf("王小明", "x@qq.com"), []maskCase{{"我是王小明 hello", "[name] hello"}})
	checkMasks(t, NamesOf("Дмитрий Заречный", "x@mail.ru"), []maskCase{{"это ЗАРЕЧНЫЙ да", "это [name] да"}})
}

func TestIntroductionsAreMasked(t *testing.T) {
	t.Parallel()
	checkMasks(t, Names{}, []maskCase{
		{"Hello, my name is Peter Jan van Dale, and I build", "Hello, my name is [name] [name] [name] [name], and I build"},
		{"my name is peter miller and i build", "my name is [name] [name] and i build"},
		{"My name's Ada.", "My name's [name]."},
		{"my last name was Müller before", "my last name was [name] before"},
		{"my name is uh Ada", "my name is uh [name]"},
		{"My name is on the patent", "My name is on the patent"},
		{"the project name is Falcon", "the project name is Falcon"},
		{"Hi, I'm Ada Brown, nice to meet you", "Hi, I'm [name] [name], nice to meet you"},
		{"I am Ada", "I am [name]"},
		{"I'm happy and I am proud", "I'm happy and I am proud"},
		{"I'm CEO of it", "I'm CEO of it"},
		{"call me Bobby please", "call me [name] please"},
		{"this is Ada Brown speaking", "this is [name] [name] speaking"},
		{"this is ada here", "this is [name] here"},
		{"this is what it does here", "this is what it does here"},
		{"my name is | John Smith. We built", "my name is | [name] [name]. We built"},
		{"my manager Peter told me", "my manager [name] told me"},
		{"I told my manager. Peter was there", "I told my manager. Peter was there"},
		{"my manager told me", "my manager told me"},
		{"with Dr. Miller and Mrs Jones", "with Dr. [name] and Mrs [name]"},
		{"My manager, Peter Miller, agreed", "My manager, [name] [name], agreed"},
		{"a friend: Peter", "a friend: [name]"},
		{"my manager, I think, agreed", "my manager, I think, agreed"},
		{"I asked my manager! Peter agreed", "I asked my manager! Peter agreed"},
		{"with Dr. Will Smith and Ms May.", "with Dr. [name] [name] and Ms [name]."},
		{"Yes, sir. May I go on", "Yes, sir. May I go on"},
		{"the Dr. I saw", "the Dr. I saw"},
		{"my name is Will and I will", "my name is [name] and I will"},
		{"My name is May Will.", "My name is [name] [name]."},
		{"my name is will be printed", "my name is will be printed"},
		{"My name is, I think, known", "My name is, I think, known"},
		{"call me Will Smith", "call me [name] [name]"},
		{"this is Will speaking", "this is [name] speaking"},
		{"my manager Will told me", "my manager [name] told me"},
	})
}

func TestContactsAreMasked(t *testing.T) {
	t.Parallel()
	checkMasks(t, Names{}, []maskCase{
		{"write to jane.doe@acme.example.", "write to [contact]."},
		{"I am @janedoe there", "I am [contact] there"},
		{"write to jane dot doe at gmail dot com, please", "write to [contact] [contact] [contact] [contact] [contact] [contact] [contact], please"},
		{"it is jane underscore doe at mail dot acme dot org", "it is [contact] [contact] [contact] [contact] [contact] [contact] [contact] [contact] [contact]"},
		{"jane at gmail.com works", "[contact] [contact] [contact] works"},
		{"see https://jane.example/cv now", "see [contact] now"},
		{"see www.jane-doe.net, now", "see [contact], now"},
		{"see janedoe.dev/cv", "see [contact]"},
		{"on janedoe dot dev slash cv dash old it is", "on [contact] [contact] [contact] [contact] [contact] [contact] [contact] it is"},
		{"my github is jane dash doe and", "my github is [contact] [contact] [contact] and"},
		{"my handle name is janedoe", "my handle name is [contact]"},
		{"my email is full", "my email is [contact]"},
		{"Node.js and ASP.NET and socket.io, e.g. v1.2", "Node.js and ASP.NET and socket.io, e.g. v1.2"},
		{"we met at the dot of ten", "we met at the dot of ten"},
		{"ping 192.0.2.44 or 2001:db8::7.", "ping [contact] or [contact]."},
		{"hash $argon2id$v=19$m=65536$c29tZXNhbHQ", "hash [code]"},
		{"token sk-a1b2c3d4e5f6a7b8c9d0", "token [code]"},
		{"state-of-the-art-infrastructure", "state-of-the-art-infrastructure"},
	})
}

func TestNumbersAreMasked(t *testing.T) {
	t.Parallel()
	checkMasks(t, Names{}, []maskCase{
		{"call +49-170-1234567.", "call [number]."},
		{"call (555) 123 4567 now", "call [number] [number] [number] now"},
		{"call zero one seven, oh five five double two", "call [number] [number] [number], [number] [number] [number] [number] [number]"},
		{"call 0170 uh 1234 567", "call [number] [number] [number] [number]"},
		{"plus four nine one seven zero one two", "plus [number] [number] [number] [number] [number] [number] [number]"},
		{"born 1990-02-03 there", "born [number] there"},
		{"one two three four five", "one two three four five"},
		{"in 2019 and 2020 we had 1,500,000 users and $2000000", "in 2019 and 2020 we had 1,500,000 users and $2000000"},
		{"one | two three | four five six", "[number] | [number] [number] | [number] [number] [number]"},
		{"five of seven teams in 12 months", "five of seven teams in 12 months"},
	})
}

func TestSchoolsAreMasked(t *testing.T) {
	t.Parallel()
	checkMasks(t, Names{}, []maskCase{
		{"at the University of Applied Sciences in Munich.", "at the University of [school] [school] [school] [school]."},
		{"at the university of munich then", "at the university of [school] then"},
		{"from Harvard Business School in", "from [school] [school] School in"},
		{"the Massachusetts Institute of Technology", "the [school] Institute of [school]"},
		{"I graduated from Stanford with", "I graduated from [school] with"},
		{"I studied at MIT.", "I studied at [school]."},
		{"at my university I went to school", "at my university I went to school"},
		{"The University was good", "The University was good"},
		{"in high school we", "in high school we"},
	})
}

func TestMaskingKeepsEveryIndex(t *testing.T) {
	t.Parallel()
	names := NamesOf("Zoe Quarrington", "zoe@brightfjord.io")
	pool := strings.Fields(`my name is Zoe quarrington at dot com @ I'm call me one two 0170 5551234 University of School . , — Q U
		this speaking github https://x.y graduated from Dr. manager ` + "\u200b \U000E0041")
	rapid.Check(t, func(t *rapid.T) {
		var lines []Line
		for range rapid.IntRange(0, 4).Draw(t, "lines") {
			lines = append(lines, say(0, 1, strings.Join(rapid.SliceOfN(rapid.SampledFrom(pool), 0, 12).Draw(t, "words"), " ")))
		}
		got := names.mask(lines)
		if len(got) != len(lines) {
			t.Fatalf("%d lines became %d", len(lines), len(got))
		}
		for i, words := range got {
			if len(words) != len(lines[i].Words) {
				t.Errorf("%d words became %d: %q", len(lines[i].Words), len(words), words)
			}
			for j, word := range words {
				if strings.ContainsAny(word, " \t\n") || strings.Contains(folded(word), "quarrington") {
					t.Errorf("word %q leaves as %q", lines[i].Words[j].Text, word)
				}
			}
		}
	})
}

// Names are for masking: nothing prints or encodes them by accident.
func TestNamesCannotBeWrittenAnywhere(t *testing.T) {
	t.Parallel()
	names := NamesOf("Zoe Quarrington", "zoe@brightfjord.io")
	if raw, err := json.Marshal(map[string]any{"names": names}); err == nil {
		t.Errorf("names were encoded: %s", raw)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "names", names)
	for _, text := range []string{fmt.Sprint(names), fmt.Sprintf("%+v %#v %s", names, names, names), log.String()} {
		if strings.Contains(text, "quarrington") {
			t.Errorf("names are in %q", text)
		}
	}
}

// A search for evidence sends one utterance. Who is named in it may be told only by the one before.
func TestAnUtteranceIsMaskedByWhatStandsAroundIt(t *testing.T) {
	t.Parallel()
	lines := []Line{say(0, 1, "then I asked my manager"), say(0, 2, "Sarah Connor about the budget"), say(0, 3, "and she agreed")}
	for i := range lines {
		lines[i].Sequence = i
	}
	if got := strings.Join((Names{}).maskIn(lines, lines[1]), " "); got != "[name] [name] about the budget" {
		t.Errorf("masked %q", got)
	}
	other := say(0, 9, "a line of its own")
	other.Sequence = 9
	if got := strings.Join((Names{}).maskIn(lines, other), " "); got != "a line of its own" {
		t.Errorf("a line that is not among them became %q", got)
	}
}
