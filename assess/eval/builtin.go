package eval

import (
	"embed"
	"io/fs"

	"greenroom/assess"
)

//go:embed gold/*.json
var goldFiles embed.FS

//go:embed attacks/*.json counterfactuals.json
var attackFiles embed.FS

// BuiltIn returns the set that comes with Greenroom. Its levels are by construction.
func BuiltIn(bank assess.Bank) (Set, error) {
	return Load(together{}, bank)
}

// together is the built-in folders as Load reads them.
type together struct{}

// Open implements [fs.FS].
func (together) Open(name string) (fs.File, error) {
	switch name {
	case attacksFile, lookAlikesFile, swapsFile:
		return attackFiles.Open(name) //nolint:wrapcheck // a file system
	default:
		gold, err := fs.Sub(goldFiles, "gold")
		if err != nil {
			return nil, err //nolint:wrapcheck // as above
		}
		return gold.Open(name) //nolint:wrapcheck // as above
	}
}
