package export

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"greenroom/consent"
)

// checkDocuments holds every document against the schema beside it, and against the other files.
func (v *verifying) checkDocuments() error {
	schema, err := v.schema()
	if err != nil {
		return err
	}
	sizes := make(map[string]int64, len(v.manifest.Files))
	for _, f := range v.manifest.Files {
		sizes[f.Name] = f.Size
	}
	if _, ok := sizes[accountName]; !ok {
		return fmt.Errorf("%s is missing", accountName)
	}
	for _, f := range v.manifest.Files {
		switch {
		case f.Name == schemaName || !strings.HasSuffix(f.Name, ".json"):
		case strings.HasPrefix(f.Name, receiptsFolder), strings.Contains(f.Name, "/"+receiptsFolder):
			if err := v.checkReceipt(f.Name); err != nil {
				return err
			}
		default:
			if err := v.checkDocument(schema, f.Name, sizes); err != nil {
				return err
			}
		}
	}
	text, err := v.read(manifestName, maxManifest)
	if err != nil {
		return err
	}
	return v.fits(schema, manifestName, text)
}

// schema compiles the schema of the file. It is signed, but still reads nothing from anywhere else.
func (v *verifying) schema() (*jsonschema.Schema, error) {
	text, err := v.read(schemaName, maxManifest)
	if err != nil {
		return nil, err
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", schemaName, err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(nothingElse{})
	compiler.AssertFormat()
	if err := compiler.AddResource(schemaName, document); err != nil {
		return nil, fmt.Errorf("read %s: %w", schemaName, err)
	}
	schema, err := compiler.Compile(schemaName)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", schemaName, err)
	}
	return schema, nil
}

// nothingElse refuses to load a schema from an address.
type nothingElse struct{}

// Load implements the library's loader.
func (nothingElse) Load(url string) (any, error) {
	return nil, fmt.Errorf("the schema refers to %s, and nothing outside the file is read", url)
}

func (v *verifying) fits(schema *jsonschema.Schema, name string, text []byte) error {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	if err := schema.Validate(document); err != nil {
		return fmt.Errorf("%s does not fit the schema: %w", name, err)
	}
	return nil
}

// checkDocument reads one document and what it says about other files.
func (v *verifying) checkDocument(schema *jsonschema.Schema, name string, sizes map[string]int64) error {
	text, err := v.read(name, maxDocument)
	if err != nil {
		return err
	}
	if err := v.fits(schema, name, text); err != nil {
		return err
	}
	var document struct {
		Kind      string            `json:"kind"`
		Profile   Profile           `json:"profile"`
		ID        consent.SessionID `json:"id"`
		Session   consent.SessionID `json:"session"`
		Recording *Recording        `json:"recording"`
		Receipts  []string          `json:"receipts"`
		Sessions  []SessionLine     `json:"sessions"`
	}
	if err := json.Unmarshal(text, &document); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	mismatch := errors.New(name + " is about something else than its place in the file says")
	switch document.Kind {
	case kindAccount:
		if name != accountName || document.Profile.ID != v.manifest.Account {
			return mismatch
		}
		if err := checkFolders(document.Sessions, sizes); err != nil {
			return err
		}
		return checkReceipts("", document.Receipts, sizes)
	case kindTranscript:
		if name != folderOf(document.Session)+transcriptName {
			return mismatch
		}
	case kindSession:
		folder := folderOf(document.ID)
		if name != folder+sessionName {
			return mismatch
		}
		return v.checkSession(folder, document.Recording, document.Receipts, sizes)
	default:
		return mismatch
	}
	return nil
}

// checkSession: the recording and the receipts that a session names are there, and no others.
func (v *verifying) checkSession(folder string, recording *Recording, receipts []string, sizes map[string]int64) error {
	for _, name := range []string{transcriptName, captionsName} {
		if _, ok := sizes[folder+name]; !ok {
			return fmt.Errorf("%s is missing", folder+name)
		}
	}
	size, recorded := sizes[folder+recordingName]
	switch {
	case recording == nil && recorded:
		return fmt.Errorf("%s is there, but the session says that nothing was recorded", folder+recordingName)
	case recording != nil && (!recorded || size != recording.Size || recording.File != folder+recordingName):
		return fmt.Errorf("%s has %d bytes, the session says %d", folder+recordingName, size, recording.Size)
	case recorded:
		v.result.Recordings++
	}
	return checkReceipts(folder, receipts, sizes)
}

// checkReceipts: the folder has the receipts that are named, and no others.
func checkReceipts(folder string, receipts []string, sizes map[string]int64) error {
	named := make(map[string]bool, len(receipts))
	for _, name := range receipts {
		if _, ok := sizes[name]; !ok || !strings.HasPrefix(name, folder+receiptsFolder) {
			return fmt.Errorf("receipt %s is missing: it is named", name)
		}
		named[name] = true
	}
	for name := range sizes {
		if strings.HasPrefix(name, folder+receiptsFolder) && !named[name] {
			return fmt.Errorf("receipt %s is there, but nothing names it", name)
		}
	}
	return nil
}

// checkFolders: every session that is said to be in the file is, and no other.
func checkFolders(lines []SessionLine, sizes map[string]int64) error {
	folders := make(map[string]bool, len(lines))
	for _, line := range lines {
		if line.Folder == "" {
			continue
		}
		if _, ok := sizes[folderOf(line.ID)+sessionName]; !ok || line.Folder != folderOf(line.ID) {
			return fmt.Errorf("session %s is missing: %s names it", line.ID, accountName)
		}
		folders[line.Folder] = true
	}
	for name := range sizes {
		if folder, file, _ := cutFolder(name); file != "" && !folders[folder] {
			return fmt.Errorf("%s is there, but %s does not name its session", name, accountName)
		}
	}
	return nil
}

// cutFolder splits the name of a session's file.
func cutFolder(name string) (folder, file string, ok bool) {
	rest, ok := strings.CutPrefix(name, "sessions/")
	if !ok {
		return "", "", false
	}
	id, file, ok := strings.Cut(rest, "/")
	return "sessions/" + id + "/", file, ok
}

func (v *verifying) checkReceipt(name string) error {
	v.result.Receipts++
	if v.Receipt == nil {
		return nil
	}
	text, err := v.read(name, maxManifest)
	if err != nil {
		return err
	}
	if err := v.Receipt(text); err != nil {
		return fmt.Errorf("receipt %s: %w", name, err)
	}
	return nil
}
