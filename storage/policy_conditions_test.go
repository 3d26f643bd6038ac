package storage

import (
	"slices"
	"strings"
	"testing"
)

// weakening is a policy's expression with one condition taken out.
type weakening struct {
	without string // the condition
	expr    string
}

// weakenings takes every condition out of an expression once: the whole, each member of an AND, however
// deep, and the only condition of a WHERE or ON. It reads text as Postgres deparses it, in which every
// operator has its own brackets.
func weakenings(expr string) []weakening {
	if expr == "" || expr == "true" {
		return nil
	}
	found := []weakening{{expr, "true"}}
	add := func(from, to int, rest string) {
		found = append(found, weakening{strings.Join(strings.Fields(expr[from:to]), " "), expr[:from] + rest + expr[to:]})
	}
	for _, group := range groups(expr) {
		if members := group.members; len(members) > 1 {
			for i := range members {
				kept := slices.Delete(slices.Clone(members), i, i+1)
				texts := make([]string, len(kept))
				for j, m := range kept {
					texts[j] = expr[m.from:m.to]
				}
				found = append(found, weakening{
					strings.Join(strings.Fields(expr[members[i].from:members[i].to]), " "),
					expr[:members[0].from] + strings.Join(texts, " AND ") + expr[members[len(members)-1].to:],
				})
			}
		}
		for _, only := range group.only {
			add(only.from, only.to, "true")
		}
	}
	return found
}

type stretch struct{ from, to int }

// group is what one pair of brackets holds.
type group struct {
	members []stretch // between the ANDs
	only    []stretch // after a WHERE or ON, where no AND follows
}

func groups(expr string) []group {
	type open struct {
		at    int
		ands  []int // where " AND " begins
		after []int // where the text after WHERE or ON begins
	}
	var all []group
	stack := []open{{at: 0}}
	finish := func(o open, end int) {
		var g group
		from := o.at
		for _, and := range o.ands {
			g.members = append(g.members, stretch{from, and})
			from = and + len(" AND ")
		}
		g.members = append(g.members, stretch{from, end})
		for _, from := range o.after {
			to := end
			if expr[from] == '(' {
				to = closing(expr, from) + 1
			}
			if len(groupsOf(expr[from+1:to-1])) == 0 {
				g.only = append(g.only, stretch{from, to})
			}
		}
		all = append(all, g)
	}
	for i := 0; i < len(expr); i++ {
		top := &stack[len(stack)-1]
		switch {
		case expr[i] == '\'' || expr[i] == '"':
			i = quoteEnd(expr, i)
		case expr[i] == '(':
			stack = append(stack, open{at: i + 1})
		case expr[i] == ')':
			finish(*top, i)
			stack = stack[:len(stack)-1]
		case strings.HasPrefix(expr[i:], " AND "):
			top.ands = append(top.ands, i)
		case strings.HasPrefix(expr[i:], "WHERE "):
			top.after = append(top.after, i+len("WHERE "))
		case strings.HasPrefix(expr[i:], " ON ("):
			top.after = append(top.after, i+len(" ON "))
		}
	}
	finish(stack[0], len(expr))
	return all
}

// groupsOf returns where the ANDs of a text's own level are.
func groupsOf(text string) (ands []int) {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\'' || text[i] == '"':
			i = quoteEnd(text, i)
		case text[i] == '(':
			depth++
		case text[i] == ')':
			depth--
		case depth == 0 && strings.HasPrefix(text[i:], " AND "):
			ands = append(ands, i)
		}
	}
	return ands
}

// quoteEnd returns the place of the quote that ends the one at from; a doubled quote is two stretches.
func quoteEnd(text string, from int) int {
	end := strings.IndexByte(text[from+1:], text[from])
	if end < 0 {
		return len(text) - 1
	}
	return from + 1 + end
}

// closing returns the place of the bracket that closes the one at from.
func closing(text string, from int) int {
	depth := 0
	for i := from; i < len(text); i++ {
		switch text[i] {
		case '\'', '"':
			i = quoteEnd(text, i)
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return len(text) - 1
}

func TestWeakeningsFindEveryCondition(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		expr string
		want []string
	}{
		{"", nil},
		{"true", nil},
		{"(a = 1)", []string{"true"}},
		{"((a = 1) AND (b = 2))", []string{"true", "((b = 2))", "((a = 1))"}},
		{"(a = 1) AND (b = 2) AND c", []string{"true", "(b = 2) AND c", "(a = 1) AND c", "(a = 1) AND (b = 2)"}},
		{"(x = ' AND )(')", []string{"true"}},
		{"(x = 'it''s AND')", []string{"true"}},
		{"(EXISTS ( SELECT\n   FROM s\n  WHERE (s.id = l.s)))", []string{"true", "(EXISTS ( SELECT\n   FROM s\n  WHERE true))"}},
		{"(EXISTS ( SELECT FROM s WHERE ((s.id = l.s) AND (s.x IS NULL))))", []string{
			"true", "(EXISTS ( SELECT FROM s WHERE ((s.x IS NULL))))", "(EXISTS ( SELECT FROM s WHERE ((s.id = l.s))))",
		}},
		{"(EXISTS ( SELECT FROM (s JOIN a ON ((a.s = s.id))) WHERE (s.c = x)))", []string{
			"true", "(EXISTS ( SELECT FROM (s JOIN a ON true) WHERE (s.c = x)))", "(EXISTS ( SELECT FROM (s JOIN a ON ((a.s = s.id))) WHERE true))",
		}},
		{"((a = 1) AND (NOT (EXISTS ( SELECT FROM e WHERE ((e.k = 'x') AND (NOT (EXISTS ( SELECT FROM r WHERE (r.e = e.id)))))))))", []string{
			"true",
			"((NOT (EXISTS ( SELECT FROM e WHERE ((e.k = 'x') AND (NOT (EXISTS ( SELECT FROM r WHERE (r.e = e.id)))))))))",
			"((a = 1))",
			"((a = 1) AND (NOT (EXISTS ( SELECT FROM e WHERE ((NOT (EXISTS ( SELECT FROM r WHERE (r.e = e.id)))))))))",
			"((a = 1) AND (NOT (EXISTS ( SELECT FROM e WHERE ((e.k = 'x'))))))",
			"((a = 1) AND (NOT (EXISTS ( SELECT FROM e WHERE ((e.k = 'x') AND (NOT (EXISTS ( SELECT FROM r WHERE true))))))))",
		}},
	} {
		var got []string
		for _, w := range weakenings(c.expr) {
			got = append(got, w.expr)
		}
		slices.Sort(got)
		slices.Sort(c.want)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s\n got %q\nwant %q", c.expr, got, c.want)
		}
	}
}
