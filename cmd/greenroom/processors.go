package main

import (
	"time"

	"greenroom/consent"
	"greenroom/web"
)

// processorKeeps is how long a configured AI server may keep a copy of what it was sent: what the terms of
// those that keep any say at the most.
const processorKeeps = 30 * 24 * time.Hour

// processors says which services outside this server are sent something of an interview with the given
// consents. What lies elsewhere cannot be erased from here: a certificate names it, with its deadline.
func (a *app) processors(transcription, assessment bool) []consent.Processor {
	var list []consent.Processor
	if transcription && a.judge.TranscriberPlace != web.ThisServer {
		list = append(list, consent.Processor{Name: a.judge.TranscriberPlace, What: "speech", Keeps: processorKeeps})
	}
	if assessment && a.judge.AssessorPlace != web.ThisServer {
		list = append(list, consent.Processor{Name: a.judge.AssessorPlace, What: "words, with names masked", Keeps: processorKeeps})
	}
	return list
}
