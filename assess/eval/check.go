package eval

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"greenroom/assess"
)

// check names every problem of the set in one error.
func (s Set) check(bank assess.Bank) error {
	c := checking{seen: map[string]bool{}, questions: map[string]assess.Question{}, answers: map[string]Answer{}}
	for _, role := range bank.Roles {
		for _, q := range role.Questions {
			c.questions[q.ID] = q
		}
	}
	for _, a := range s.Answers {
		c.answer(a)
		c.answers[a.ID] = a
		raters := map[string]bool{}
		for _, h := range a.Human {
			name := strings.ToLower(strings.TrimSpace(h.Rater))
			if raters[name] {
				c.note("answer %q: %q rated it twice: each person counts once", a.ID, h.Rater)
			}
			raters[name] = true
			if h.Rater == "" || h.Level < assess.MinLevel || h.Level > assess.MaxLevel {
				c.note("answer %q: a human rating needs a rater and a level from 1 to 5", a.ID)
			}
		}
	}
	for _, p := range s.Pairs {
		c.pair(p)
	}
	for _, a := range s.Attacks {
		c.attack(a)
	}
	for _, l := range s.LookAlikes {
		c.id(l.ID)
		c.text(l.ID, l.Text)
		if _, ok := c.questions[l.Question]; !ok {
			c.note("look-alike %q: the bank has no question %q", l.ID, l.Question)
		}
		c.level(l.ID, l.Level)
	}
	for _, w := range s.Swaps {
		c.swap(w)
	}
	if err := errors.Join(c.problems...); err != nil {
		return fmt.Errorf("%w: %w", errSet, err)
	}
	return nil
}

type checking struct {
	seen      map[string]bool
	questions map[string]assess.Question
	answers   map[string]Answer
	problems  []error
}

func (c *checking) note(format string, args ...any) {
	c.problems = append(c.problems, fmt.Errorf(format, args...))
}

func (c *checking) id(id string) {
	if id == "" || c.seen[id] {
		c.note("%q is not an id of its own", id)
	}
	c.seen[id] = true
}

func (c *checking) text(id, text string) {
	if strings.TrimSpace(text) == "" || len(text) > maxText {
		c.note("%q needs a text of at most %d bytes", id, maxText)
	}
}

func (c *checking) level(id string, level int) {
	if level < assess.MinLevel || level > assess.MaxLevel {
		c.note("%q has level %d, want 1 to 5", id, level)
	}
}

func (c *checking) answer(a Answer) {
	c.id(a.ID)
	c.text(a.ID, a.Text)
	c.level(a.ID, a.Level)
	q, ok := c.questions[a.Question]
	if !ok {
		c.note("answer %q: the bank has no question %q", a.ID, a.Question)
	} else if !slices.Contains(q.Competencies, a.Target) {
		c.note("answer %q: question %q does not ask for %q", a.ID, a.Question, a.Target)
	}
}

func (c *checking) pair(p Pair) {
	c.id(p.ID)
	var levels [2]int
	for i, side := range []Side{p.Higher, p.Lower} {
		if side.Text != "" {
			c.answer(side.Answer)
			levels[i] = side.Level
			continue
		}
		a, ok := c.answers[side.ID]
		if !ok || a.Question != side.Question {
			c.note("pair %q: its question has no answer %q", p.ID, side.ID)
		}
		levels[i] = a.Level
	}
	if levels[0] <= levels[1] && levels[1] != 0 {
		c.note("pair %q: level %d is not above level %d", p.ID, levels[0], levels[1])
	}
}

func (c *checking) attack(a Attack) {
	c.id(a.ID)
	c.text(a.ID, a.Text)
	base, ok := c.answers[a.Base]
	switch {
	case !ok:
		c.note("attack %q: there is no answer %q", a.ID, a.Base)
	case base.Level > 3:
		c.note("attack %q: its base has level %d, which leaves little to gain", a.ID, base.Level)
	}
	if !slices.Contains([]Place{AtEnd, AtStart, InMiddle, Split, Resume, Name, Correction}, a.Place) {
		c.note("attack %q: unknown place %q", a.ID, a.Place)
	}
	if a.Family == "" || a.Expect != "no_gain" {
		c.note("attack %q needs a family, and to expect no_gain", a.ID)
	}
}

func (c *checking) swap(w Swap) {
	if w.ID != "" {
		c.id(w.ID)
	}
	if _, ok := c.answers[w.Base]; !ok {
		c.note("swap %q of kind %q: there is no answer %q", w.ID, w.Kind, w.Base)
	}
	if w.Kind == "" || (w.Text == "") == (w.Template == "") || (w.Template != "" && len(w.Values) < 2) {
		c.note("swap %q of %q needs a kind, and a text or a template with two values or more", w.ID, w.Base)
	}
}
