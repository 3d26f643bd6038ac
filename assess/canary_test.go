package assess

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"

	"greenroom/assess/openaitest"
)

// canary is a made-up account. Everything in it is found nowhere else, so that finding it in a request
// means that it was sent.
type canary struct {
	random *rand.Rand
	given  string
	family string
	email  string
	phone  string   // digits
	leaks  []string // folded, what must not be found; shapes add theirs
}

func newCanary(random *rand.Rand) *canary {
	c := &canary{random: random}
	c.given, c.family = c.word(3+random.IntN(5)), c.word(4+random.IntN(6))
	domain := c.word(6) + "." + pick(random, "io", "com", "example")
	c.email = pick(random,
		c.given+"."+c.family+"@"+domain, c.family+fmt.Sprint(random.IntN(100))+"@"+domain,
		strings.ToUpper(c.given[:1])+c.family+"@gmail.com", c.given+"_"+c.family+"@"+domain)
	for range 10 + random.IntN(3) {
		c.phone += fmt.Sprint(1 + random.IntN(9))
	}
	c.forbid(c.given, c.family, c.phone)
	return c
}

func pick(random *rand.Rand, choices ...string) string { return choices[random.IntN(len(choices))] }

// word makes a word that no language has: no question and no instruction can hold it.
func (c *canary) word(letters int) string {
	text := "zq"
	for len(text) < letters+1 {
		text += string("aeiouxvwkj"[c.random.IntN(10)])
	}
	return text + "q"
}

func (c *canary) forbid(texts ...string) {
	for _, text := range texts {
		c.leaks = append(c.leaks, folded(text))
	}
}

func (c *canary) displayName() string {
	title := func(text string) string { return strings.ToUpper(text[:1]) + text[1:] }
	given, family := title(c.given), title(c.family)
	return pick(c.random, given+" "+family, given+" M. "+family, family+", "+given, given+" van der "+family,
		given+" O'"+family, given+" "+family+"-Smith", strings.ToUpper(given+" "+family), "Dr. "+given+" "+family)
}

// names is what storage makes of the account.
func (c *canary) names() Names { return NamesOf(c.displayName(), c.email) }

// shapes are the ways in which somebody's words say who they are. Each is made anew for one utterance.
func (c *canary) shapes() map[string]func() string {
	title := func(text string) string { return strings.ToUpper(text[:1]) + text[1:] }
	spread := func(text, between string) string { return strings.Join(strings.Split(text, ""), between) }
	spoken := func(digits string) string {
		for i, word := range []string{"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"} {
			digits = strings.ReplaceAll(digits, fmt.Sprint(i), word+" ")
		}
		return digits
	}
	other := func(letters int) string { // a name that the account does not have
		word := c.word(letters)
		c.forbid(word)
		return word
	}
	local, domain, _ := strings.Cut(c.email, "@")
	said := strings.NewReplacer(".", " dot ", "_", " underscore ", "-", " dash ")
	return map[string]func() string{
		"name":             func() string { return title(c.given) + " " + title(c.family) },
		"lower":            func() string { return c.given + " " + c.family },
		"upper":            func() string { return strings.ToUpper(c.family) + "!" },
		"possessive":       func() string { return title(c.family) + "'s" },
		"hyphens":          func() string { return "anti-" + c.family + "-like" },
		"joined":           func() string { return c.given + c.family },
		"inside":           func() string { return "pre" + c.family + "42" },
		"accents":          func() string { return strings.ReplaceAll(c.family, "a", "á") + "," },
		"wide":             func() string { return wide(c.family) },
		"unseen signs":     func() string { return spread(c.family, "\u200b") },
		"spelled":          func() string { return spread(c.family, " ") },
		"spelled with dot": func() string { return strings.ToUpper(spread(c.family, ". ")) + "." },
		"spelled dashes":   func() string { return strings.ToUpper(spread(c.family, "-")) },
		"cut":              func() string { return c.family[:3] + " " + c.family[3:] },
		"a letter missing": func() string {
			misheard := c.family[:2] + c.family[3:]
			c.forbid(misheard)
			return title(misheard)
		},
		"mail":             func() string { return c.email + "." },
		"mail in brackets": func() string { return "<" + strings.ToUpper(c.email) + ">" },
		"mail link":        func() string { return "mailto:" + c.email },
		"mail said":        func() string { return said.Replace(local) + " at " + said.Replace(domain) },
		"phone":            func() string { return "+" + c.phone },
		"phone in groups":  func() string { return c.phone[:3] + " " + c.phone[3:6] + " " + c.phone[6:] },
		"phone with signs": func() string { return "(" + c.phone[:3] + ") " + c.phone[3:6] + "-" + c.phone[6:] },
		"phone said":       func() string { return spoken(c.phone) },
		"phone with pause": func() string { return spoken(c.phone[:5]) + "uh " + spoken(c.phone[5:]) },
		"link":             func() string { return "https://linkedin.com/in/" + other(7) },
		"link said":        func() string { return other(7) + " dot com slash " + other(5) },
		"domain":           func() string { return other(7) + ".dev" },
		"handle":           func() string { return "@" + other(6) },
		"handle said":      func() string { return "my github is " + other(6) + " underscore " + other(4) },
		"introduction":     func() string { return "my name is " + other(5) + " " + other(6) },
		"called":           func() string { return "Hi, I'm " + title(other(6)) },
		"speaking":         func() string { return "this is " + other(5) + " " + other(5) + " speaking" },
		"colleague":        func() string { return "my manager " + title(other(6)) },
		"school":           func() string { return "the University of " + title(other(6)) },
		"school after":     func() string { return "at " + title(other(6)) + " College" },
		"hash": func() string {
			secret := other(20) + fmt.Sprint(c.random.IntN(1000))
			c.forbid(secret)
			return "$argon2id$v=19$m=65536,t=3,p=1$" + secret
		},
		"address": func() string {
			address := fmt.Sprintf("192.0.%d.%d", 10+c.random.IntN(90), 10+c.random.IntN(90))
			c.forbid(address)
			return address
		},
		"long address": func() string {
			address := fmt.Sprintf("2001:db8:%x:%x::%x", 0xa000+c.random.IntN(0xfff), 0xa000+c.random.IntN(0xfff), 0xa000+c.random.IntN(0xfff))
			c.forbid(address)
			return address
		},
	}
}

// wide writes a word in full-width letters.
func wide(text string) string {
	return strings.Map(func(r rune) rune { return r - 'a' + 'ａ' }, text)
}

var wordNumbers = regexp.MustCompile(`(?:^| )\d+:`)

// seen returns what of the account is found in a request: method, address, headers and body, as sent and
// as a reader would put it together: words without their numbers, spaces and signs, digits that were
// said as digits.
func (c *canary) seen(r openaitest.Request) []string {
	headers, _ := json.Marshal(r.Header)
	texts := []string{r.Method, r.URL, string(headers), string(r.Body)}
	var chat openaitest.ChatRequest
	if json.Unmarshal(r.Body, &chat) == nil {
		texts = append(texts, chat.System(), chat.User())
		var said struct {
			Words  string
			Answer []struct{ Words string }
			Said   []struct{ Words string }
		}
		_ = json.Unmarshal([]byte(chat.User()), &said) // one of the shapes, or none
		all := said.Words
		for _, line := range append(said.Answer, said.Said...) {
			all += " " + line.Words
		}
		texts = append(texts, strings.ReplaceAll(wordNumbers.ReplaceAllString(all, " ")+" ", " uh ", " "))
	}
	var found []string
	for _, text := range texts {
		plain := folded(text)
		digits := plain
		for i, word := range []string{"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"} {
			digits = strings.ReplaceAll(digits, word, fmt.Sprint(i))
		}
		for _, leak := range c.leaks {
			if strings.Contains(plain, leak) || strings.Contains(digits, leak) {
				found = append(found, leak)
			}
		}
	}
	return found
}
