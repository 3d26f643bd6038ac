package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
)

// pinned is an image with its exact version and the digest of what that version was.
var pinned = regexp.MustCompile(`^[a-z0-9./-]+:[0-9]+\.[0-9]+[a-z0-9.-]*@sha256:[0-9a-f]{64}$`)

// checkHardening: a service has a root file system that it cannot write to, no capability that is not
// listed, and no way to gain one.
func checkHardening(service types.ServiceConfig) error {
	switch {
	case !service.ReadOnly:
		return errors.New("its root file system can be written to: set read_only: true")
	case !slices.Equal(service.CapDrop, []string{"ALL"}):
		return errors.New("it keeps capabilities that it does not name: set cap_drop: [ALL]")
	case !slices.Contains(service.SecurityOpt, "no-new-privileges:true"):
		return errors.New(`it can gain privileges: set security_opt: ["no-new-privileges:true"]`)
	case service.Privileged || service.NetworkMode == "host" || service.Pid == "host":
		return errors.New("it is not kept apart from the machine")
	case service.Build == nil && !pinned.MatchString(service.Image):
		return fmt.Errorf("image %q has no exact version and digest", service.Image)
	}
	return nil
}

var (
	from = regexp.MustCompile(`(?i)^FROM\s+(\S+)(?:\s+AS\s+(\S+))?\s*$`)
	user = regexp.MustCompile(`(?i)^USER\s+([1-9][0-9]*)(?::[1-9][0-9]*)?\s*$`)
)

// checkStages: every stage begins with a pinned image or another stage, and the stage that becomes the
// image ends as a user of its own, named by number so that an engine can see that it is not root.
func checkStages(text, target string) error {
	stages := map[string]bool{}
	last, runsAs := "", ""
	users := map[string]string{}
	for line := range strings.Lines(text) {
		if found := from.FindStringSubmatch(strings.TrimSpace(line)); found != nil {
			if !stages[found[1]] && !pinned.MatchString(found[1]) {
				return fmt.Errorf("base image %q has no exact version and digest", found[1])
			}
			last, runsAs = found[2], users[found[1]]
			stages[last] = true
		}
		if found := user.FindStringSubmatch(strings.TrimSpace(line)); found != nil {
			runsAs = found[1]
		} else if strings.HasPrefix(strings.ToUpper(line), "USER") {
			runsAs = ""
		}
		users[last] = runsAs
	}
	if target == "" {
		target = last
	}
	if users[target] == "" {
		return fmt.Errorf("stage %q runs as root: end it with USER and a number", target)
	}
	return nil
}
