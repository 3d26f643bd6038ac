package storage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// debianBinaries is where Debian's packages put programs that are not on PATH.
const debianBinaries = "/usr/lib/postgresql/*/bin"

// binaries are one installation of Postgres.
type binaries struct {
	folder  string
	version string // e.g. "18.4"
}

func (b binaries) initdb() string   { return filepath.Join(b.folder, "initdb") }
func (b binaries) postgres() string { return filepath.Join(b.folder, "postgres") }

// major returns the digits that two installations must share to open the same cluster.
func (b binaries) major() string {
	end := strings.IndexFunc(b.version, func(r rune) bool { return r < '0' || r > '9' }) // "19beta1" is 19
	if end < 0 {
		return b.version
	}
	return b.version[:end]
}

// environment keeps what is ours out of Postgres, above all secrets and PG* settings.
func (b binaries) environment() []string {
	return []string{"PATH=" + b.folder + ":/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"}
}

// findBinaries returns the first usable installation. A cluster can only be opened by the major
// version that made it, so with an existing cluster others are passed over.
func findBinaries(ctx context.Context, config EmbeddedConfig, place embeddedPlace) (binaries, error) {
	want, err := clusterMajor(place.cluster())
	if err != nil {
		return binaries{}, err
	}
	var seen []string
	for _, folder := range binaryFolders(config) {
		found, err := inspectBinaries(ctx, folder)
		if err != nil {
			if config.BinDir != "" {
				return binaries{}, err
			}
			continue
		}
		if want != "" && found.major() != want {
			seen = append(seen, found.version)
			continue
		}
		return reachableCopy(found, place)
	}
	if want != "" {
		return binaries{}, fmt.Errorf("the data was made by Postgres %s, and only %v was found: name the folder of its programs with GREENROOM_POSTGRES_BIN", want, seen)
	}
	return binaries{}, errors.New("no Postgres found: run make setup, or name the folder of initdb and postgres with GREENROOM_POSTGRES_BIN, or a database with GREENROOM_DATABASE_URL")
}

// clusterMajor returns which major version made the cluster, empty if there is none.
func clusterMajor(cluster string) (string, error) {
	text, err := os.ReadFile(filepath.Join(cluster, "PG_VERSION"))
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read the cluster's version: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// binaryFolders lists where to look, best first. A folder named by the operator is the only one.
func binaryFolders(config EmbeddedConfig) []string {
	if config.BinDir != "" {
		return []string{config.BinDir}
	}
	var folders []string
	if config.LibDir != "" {
		folders = append(folders, filepath.Join(config.LibDir, "postgres", "bin"))
	}
	if path, err := exec.LookPath("postgres"); err == nil {
		folders = append(folders, filepath.Dir(path))
	}
	debian, _ := filepath.Glob(debianBinaries) // the pattern is well formed
	slices.SortFunc(debian, func(a, b string) int { return debianVersion(b) - debianVersion(a) })
	return append(folders, debian...)
}

func debianVersion(folder string) int {
	version, _ := strconv.Atoi(filepath.Base(filepath.Dir(folder)))
	return version
}

func inspectBinaries(ctx context.Context, folder string) (binaries, error) {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return binaries{}, fmt.Errorf("find the programs of Postgres: %w", err)
	}
	b := binaries{folder: folder}
	if _, err := os.Stat(b.initdb()); err != nil {
		return binaries{}, fmt.Errorf("find the programs of Postgres: %w", err)
	}
	command := exec.CommandContext(ctx, b.postgres(), "--version") //nolint:gosec // a folder of the operator's choice
	command.Env = b.environment()
	out, err := command.Output()
	if err != nil {
		return binaries{}, fmt.Errorf("ask %s for its version: %w", b.postgres(), err)
	}
	words := strings.Fields(string(out)) // "postgres (PostgreSQL) 18.4" and maybe a packager's note
	if len(words) < 3 {
		return binaries{}, fmt.Errorf("%s --version answered %q", b.postgres(), out)
	}
	b.version = words[2]
	return b, nil
}

// reachableCopy copies an installation into the Postgres user's folder when that user cannot enter
// the folder it lies in, which is so under /root. The copy is kept for the next start.
func reachableCopy(b binaries, place embeddedPlace) (binaries, error) {
	if enterable(b.folder, place.runAs) {
		return b, nil
	}
	sum := sha256.Sum256([]byte(b.folder + "\n" + b.version))
	to := filepath.Join(place.root, "postgres-"+hex.EncodeToString(sum[:6]))
	copied := binaries{folder: filepath.Join(to, "bin"), version: b.version}
	if _, err := os.Stat(to); err == nil {
		return copied, nil
	}
	unfinished := to + ".new"
	if err := os.RemoveAll(unfinished); err != nil {
		return binaries{}, fmt.Errorf("remove an unfinished copy of Postgres: %w", err)
	}
	if err := copyTree(filepath.Dir(b.folder), unfinished); err != nil {
		return binaries{}, fmt.Errorf("copy Postgres to where its user can run it: %w", err)
	}
	if err := os.Rename(unfinished, to); err != nil {
		return binaries{}, fmt.Errorf("name the finished copy of Postgres: %w", err)
	}
	return copied, nil
}

// copyTree copies folders, files and relative links; all become readable, because only the Postgres
// user can enter the folder that they go to.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, relative)
		switch {
		case entry.IsDir():
			return os.Mkdir(target, 0o755) //nolint:gosec // see above
		case entry.Type()&fs.ModeSymlink != 0:
			link, err := os.Readlink(path)
			if err != nil {
				return err
			}
			return os.Symlink(link, target) //nolint:gosec // nobody else can enter the folder
		default:
			content, err := os.ReadFile(path) //nolint:gosec // a folder that we were told to copy
			if err != nil {
				return err
			}
			return os.WriteFile(target, content, 0o755) //nolint:gosec // see above
		}
	})
}
