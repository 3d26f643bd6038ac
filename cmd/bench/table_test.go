//go:build linux

package main

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestTableHasMediansOfValidRoundsOnly(t *testing.T) {
	results := []result{
		{Subject: "f2", Micros: 5, Account: account{Sent: 10, Kept: 10}},
		{Subject: "x", Sessions: 10, Micros: 9, Base: 0, Resident: 20 << 20, Account: account{Sent: 100, Kept: 100, AudioSent: 60, AudioKept: 60}},
		{Subject: "x", Sessions: 10, Micros: 10, Resident: 20 << 20, Account: account{Sent: 100, Kept: 99, AudioSent: 60, AudioKept: 60}},
		{Subject: "x", Sessions: 10, Micros: 20, Resident: 20 << 20, Account: account{Sent: 100, Kept: 100, AudioSent: 60, AudioKept: 60}},
		{Subject: "x", Sessions: 10, Micros: 900, Void: "the kernel dropped 3 packets", Account: account{Sent: 100}},
	}
	var out strings.Builder
	printTable(&out, []subject{{name: "f2", what: "floor"}, {name: "x", what: "it"}, {name: "y", what: "void"}}, results, settings{})
	for _, want := range []string{
		"| x | it | 10.0 (9.0-20.0) | - | 2.0 | 2.00 | 99.67 % (audio 100.00 %) | - | 3 |",
		"| y | void | every round was void",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, &out)
		}
	}
}

func TestRoundsThatSayNothingAreVoid(t *testing.T) {
	good := result{Account: account{Sent: 1, Kept: 1}}
	for name, spoil := range map[string]func(*result){
		"":           func(*result) {},
		"kernel":     func(r *result) { r.Drops = 1 },
		"of its CPU": func(r *result) { r.Loader = 0.81 },
		"late":       func(r *result) { r.LateMS = 201 },
		"nothing":    func(r *result) { r.Account = account{} },
	} {
		r := good
		spoil(&r)
		r.judge()
		if (name == "") != (r.Void == "") || !strings.Contains(r.Void, name) {
			t.Errorf("want void for %q, got %q", name, r.Void)
		}
	}
}

func TestCapacityEndsWhereAFrameTooManyIsMissing(t *testing.T) {
	whole := account{Sent: 3000, Kept: 2998, AudioSent: 1000, AudioKept: 1000} // 2 of 2000 pictures
	for name, c := range map[string]struct {
		r    result
		err  error
		want string
	}{
		"whole":       {r: result{Account: whole}},
		"dropped":     {r: result{Account: whole, Drops: 5}}, // and repaired
		"picture":     {r: result{Account: account{Sent: 3000, Kept: 2997, AudioSent: 1000, AudioKept: 1000}}, want: "frames kept"},
		"sound":       {r: result{Account: account{Sent: 3000, Kept: 2999, AudioSent: 1000, AudioKept: 999}}, want: "Opus"},
		"publisher":   {r: result{Account: whole, Loader: 0.9}, want: "the publisher"},
		"cannot join": {err: errors.New("no answer"), want: "no answer"},
	} {
		if got := ending(c.r, c.err); (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestMicrosArePerPacket(t *testing.T) {
	if got := micros(time.Second, 1_000_000); got != 1 {
		t.Errorf("a second for a million packets is %v us each", got)
	}
	if got := micros(time.Second, 0); got != 1_000_000 {
		t.Errorf("nothing sent: %v", got)
	}
}
