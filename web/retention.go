package web

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"greenroom/consent"
)

type retentionJSON struct {
	Rules []retentionRuleJSON `json:"rules"`
}

type retentionRuleJSON struct {
	Class     consent.Class        `json:"class"`
	Holds     string               `json:"holds" doc:"What it is, in words."`
	Kept      string               `json:"kept" doc:"How long, as ISO 8601 writes a duration; empty: no limit of time."`
	From      string               `json:"from" doc:"When that begins."`
	Trigger   string               `json:"trigger" doc:"What ends it besides."`
	Mechanism string               `json:"mechanism" doc:"How it goes."`
	Evidence  string               `json:"evidence" doc:"How one can see that it went."`
	Tests     []string             `json:"tests" doc:"Tests of this program that hold the rule."`
	Places    []retentionPlaceJSON `json:"places" doc:"Where it lies."`
}

type retentionPlaceJSON struct {
	Name      string         `json:"name" doc:"A table, object:prefix or file:pattern."`
	Nature    consent.Nature `json:"nature" enum:"plain,linked,personal" doc:"The most that anything in it says about a person."`
	Encrypted bool           `json:"encrypted" doc:"All of it that is personal is encrypted before it is stored."`
}

func (s *Server) retentionRoutes() {
	schedule := retentionOf(consent.Retention(), consent.Catalogue())
	register(s, anyone, huma.Operation{
		OperationID: "get-retention", Method: http.MethodGet, Path: "/retention",
		Summary: "What is kept, how long, and how it goes: the registry that the server itself runs by",
	}, func(context.Context, consent.Account, *struct{}) (*body[retentionJSON], error) {
		return answer(schedule), nil
	})
}

// retentionOf puts the places of the catalogue under their rules.
func retentionOf(rules []consent.Rule, catalogue []consent.Place) retentionJSON {
	schedule := retentionJSON{Rules: make([]retentionRuleJSON, 0, len(rules))}
	for _, rule := range rules {
		line := retentionRuleJSON{
			Class: rule.Class, Holds: rule.Holds, Kept: rule.Kept.ISO(), From: rule.From, Trigger: rule.Trigger,
			Mechanism: rule.Mechanism, Evidence: rule.Evidence, Tests: append([]string{}, rule.Tests...),
			Places: []retentionPlaceJSON{},
		}
		for _, place := range catalogue {
			if place.Class == rule.Class {
				line.Places = addPlace(line.Places, place)
			}
		}
		schedule.Rules = append(schedule.Rules, line)
	}
	return schedule
}

// addPlace joins the columns of one table.
func addPlace(places []retentionPlaceJSON, place consent.Place) []retentionPlaceJSON {
	name := place.Name
	if !strings.Contains(name, ":") {
		name = name[:strings.LastIndexByte(name, '.')]
	}
	encrypted := place.Encrypted || place.Nature != consent.NaturePersonal
	at := slices.IndexFunc(places, func(p retentionPlaceJSON) bool { return p.Name == name })
	if at < 0 {
		return append(places, retentionPlaceJSON{Name: name, Nature: place.Nature, Encrypted: encrypted})
	}
	known := &places[at]
	known.Encrypted = known.Encrypted && encrypted
	if place.Nature == consent.NaturePersonal || known.Nature == consent.NaturePlain {
		known.Nature = place.Nature
	}
	return places
}
