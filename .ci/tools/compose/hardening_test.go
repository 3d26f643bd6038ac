package main

import (
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
)

const image = "postgres:17.11-bookworm@sha256:051f7b7b3abdd564d5d1bd1e8c4b9c1b6e77087d1dd22020ede611c096a272e0"

func hardened() types.ServiceConfig {
	var s types.ServiceConfig
	s.Image, s.ReadOnly, s.CapDrop, s.SecurityOpt = image, true, []string{"ALL"}, []string{"no-new-privileges:true"}
	return s
}

func TestServicesThatMayDoMoreThanTheyNeedAreRefused(t *testing.T) {
	if err := checkHardening(hardened()); err != nil {
		t.Errorf("a hardened service: %v", err)
	}
	for name, loosen := range map[string]func(*types.ServiceConfig){
		"read_only":     func(s *types.ServiceConfig) { s.ReadOnly = false },
		"capabilities":  func(s *types.ServiceConfig) { s.CapDrop = nil },
		"privileges":    func(s *types.ServiceConfig) { s.SecurityOpt = nil },
		"privileged":    func(s *types.ServiceConfig) { s.Privileged = true },
		"host network":  func(s *types.ServiceConfig) { s.NetworkMode = "host" },
		"moving tag":    func(s *types.ServiceConfig) { s.Image = "postgres:17-bookworm" },
		"no digest":     func(s *types.ServiceConfig) { s.Image = "postgres:17.11-bookworm" },
		"latest":        func(s *types.ServiceConfig) { s.Image = "postgres" },
		"digest, moved": func(s *types.ServiceConfig) { s.Image = strings.Replace(image, "17.11-bookworm", "latest", 1) },
	} {
		service := hardened()
		loosen(&service)
		if err := checkHardening(service); err == nil {
			t.Errorf("%s: nothing is said", name)
		}
	}
}

func TestImagesThatRunAsRootOrAreNotPinnedAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		good bool
	}{
		"user":              {"FROM " + image + " AS one\nUSER 10001\n", true},
		"stage of a stage":  {"FROM " + image + " AS base\nUSER 10001\nFROM base AS one\nCOPY a b\n", true},
		"root again":        {"FROM " + image + " AS one\nUSER 10001\nUSER root\n", false},
		"root by number":    {"FROM " + image + " AS one\nUSER 0\n", false},
		"a name":            {"FROM " + image + " AS one\nUSER somebody\n", false},
		"no user":           {"FROM " + image + " AS one\n", false},
		"another's user":    {"FROM " + image + " AS two\nUSER 10001\nFROM " + image + " AS one\n", false},
		"a moving base":     {"FROM debian:bookworm-slim AS one\nUSER 10001\n", false},
		"a moving builder":  {"FROM golang:1.26 AS build\nFROM " + image + " AS one\nUSER 10001\n", false},
		"an unknown target": {"FROM " + image + " AS two\nUSER 10001\n", false},
	} {
		if err := checkStages(c.text, "one"); (err == nil) != c.good {
			t.Errorf("%s: %v, want it accepted: %t", name, err, c.good)
		}
	}
}
