package web

import (
	"bytes"
	"embed"
	"errors"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

// The pattern matches the placeholder, which is always there, and the built page in dist, which is
// not in the repository: a fresh clone compiles.
//
//go:embed all:dist*
var built embed.FS

const placeholder = "dist_placeholder.html"

// page is the built page: its one document and the files it loads.
type page struct {
	index []byte
	files fs.FS // nil while the page is not built
}

func builtPage() (page, error) {
	index, err := built.ReadFile("dist/index.html")
	if errors.Is(err, fs.ErrNotExist) {
		index, err = built.ReadFile(placeholder)
		return page{index: index}, err
	}
	if err != nil {
		return page{}, err
	}
	files, err := fs.Sub(built, "dist")
	return page{index: index, files: files}, err
}

// ServeHTTP answers a page route with the document and a file's address with the file. An address
// whose last part has a dot is a file's: none of the page's routes has one.
func (p page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
	isFile := name != "" && strings.Contains(path.Base(name), ".")
	if !isFile && name != "assets" && !strings.HasPrefix(name, "assets/") {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(p.index))
		return
	}
	file, ok := p.file(name)
	if !ok {
		writeProblem(w, notFound())
		return
	}
	cache := "no-cache"
	if strings.HasPrefix(name, "assets/") { // the build puts a hash of the content in these names
		cache = "public, max-age=31536000, immutable"
	}
	w.Header().Set("Cache-Control", cache)
	w.Header().Set("Content-Type", contentType(name))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(file))
}

func (p page) file(name string) ([]byte, bool) {
	if p.files == nil || name == "index.html" || !fs.ValidPath(name) {
		return nil, false
	}
	file, err := fs.ReadFile(p.files, name)
	return file, err == nil
}

func contentType(name string) string {
	switch extension := path.Ext(name); extension { // those that Go's own table lacks
	case ".woff2":
		return "font/woff2"
	case ".webmanifest":
		return "application/manifest+json"
	case ".ico":
		return "image/x-icon"
	case ".map":
		return "application/json"
	default:
		if known := mime.TypeByExtension(extension); known != "" {
			return known
		}
		return "application/octet-stream"
	}
}
