// Command compose checks docker-compose.yml without an engine: it loads the file with every profile,
// resolves it as docker compose would, and makes sure that each image it builds has its Dockerfile and
// target, and that each file it mounts, is in the repository. It refuses services that may do more than
// they need and images that are not pinned; see hardening.go.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

func main() {
	if err := check(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "compose:", err)
		os.Exit(1)
	}
}

func check(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("usage: compose FILE")
	}
	options, err := cli.NewProjectOptions([]string{args[0]}, cli.WithProfiles([]string{"*"}), cli.WithOsEnv)
	if err != nil {
		return fmt.Errorf("read %s: %w", args[0], err)
	}
	project, err := options.LoadProject(ctx)
	if err != nil {
		return fmt.Errorf("resolve %s: %w", args[0], err)
	}
	for name, service := range project.Services {
		if err := checkService(service); err != nil {
			return fmt.Errorf("service %s: %w", name, err)
		}
		fmt.Printf("compose: service %s resolves\n", name)
	}
	return nil
}

func checkService(service types.ServiceConfig) error {
	if err := checkHardening(service); err != nil {
		return err
	}
	if service.Build != nil {
		if err := checkBuild(*service.Build); err != nil {
			return err
		}
	}
	for _, volume := range service.Volumes {
		if volume.Type != types.VolumeTypeBind {
			continue
		}
		if _, err := os.Stat(volume.Source); err != nil {
			return fmt.Errorf("mounted file: %w", err)
		}
	}
	return nil
}

var copied = regexp.MustCompile(`(?m)^COPY\s+(?:--\S+\s+)*(.+)$`)

// checkBuild looks for the Dockerfile, the target stage and every path that is copied from the
// context (not from another stage).
func checkBuild(build types.BuildConfig) error {
	path := filepath.Join(build.Context, build.Dockerfile)
	text, err := os.ReadFile(path) //nolint:gosec // the path is the compose file's own
	if err != nil {
		return fmt.Errorf("image build: %w", err)
	}
	if build.Target != "" && !regexp.MustCompile(`(?mi)^FROM\s+\S+\s+AS\s+`+regexp.QuoteMeta(build.Target)+`\s*$`).Match(text) {
		return fmt.Errorf("image build: %s has no stage %q", path, build.Target)
	}
	if err := checkStages(string(text), build.Target); err != nil {
		return fmt.Errorf("image build: %s: %w", path, err)
	}
	for _, match := range copied.FindAllStringSubmatch(string(text), -1) {
		if strings.Contains(match[0], "--from=") {
			continue
		}
		fields := strings.Fields(match[1])
		for _, source := range fields[:len(fields)-1] {
			if _, err := os.Stat(filepath.Join(build.Context, source)); err != nil {
				return fmt.Errorf("image build: copied path: %w", err)
			}
		}
	}
	return nil
}
