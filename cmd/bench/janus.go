//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

func januses() []subject {
	return []subject{{
		name: "janus", what: "Janus, recording .mjr",
		missing: func() string {
			for _, name := range []string{"janus", "janus-pp-rec"} {
				if _, err := exec.LookPath(name); err != nil {
					return "no " + name + " (Debian packages janus and janus-tools)"
				}
			}
			return ""
		},
		start: func(ctx context.Context, r round) (server, error) { return startJanus(ctx, r) },
	}}
}

// janus has one room of the videoroom plugin for each session.
type janus struct {
	child   *process
	folder  string
	url     string
	peers   *peers
	handles []string // urls
	stopped bool
}

func startJanus(ctx context.Context, r round) (*janus, error) {
	j := &janus{folder: r.folder, peers: r.peers}
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	j.url = fmt.Sprintf("http://127.0.0.1:%d/janus", port)
	if err := j.configure(port); err != nil {
		return nil, err
	}
	j.child, err = startProcess(ctx, r.folder, "janus", "-F", r.folder, "-C", filepath.Join(r.folder, "janus.jcfg"))
	if err != nil {
		return nil, err
	}
	if err := awaitHTTP(ctx, j.url+"/info"); err != nil {
		return nil, errors.Join(fmt.Errorf("janus: %w: %s", err, j.child.said), j.stop())
	}
	return j, nil
}

// configure writes a configuration with one plugin and one transport.
func (j *janus) configure(port int) error {
	homes, err := filepath.Glob("/usr/lib/*/janus/plugins")
	if err != nil || len(homes) == 0 {
		return errors.Join(errors.New("janus: its plugins are not where Debian has them"), err)
	}
	home := filepath.Dir(homes[0])
	others := func(folder, keep string) string {
		files, _ := filepath.Glob(filepath.Join(home, folder, "*.so")) // the pattern is right
		var names []string
		for _, file := range files {
			if name := filepath.Base(file); name != keep {
				names = append(names, name)
			}
		}
		return strings.Join(names, ",")
	}
	for name, text := range map[string]string{
		"janus.jcfg": fmt.Sprintf(`general: {
	plugins_folder = "%s/plugins"
	transports_folder = "%s/transports"
	events_folder = "%s/events"
	loggers_folder = "%s/loggers"
	debug_level = 2
	session_timeout = 0
	protected_folders = []
}
media: { rtp_port_range = "20000-29999" }
nat: { ice_lite = true }
plugins: { disable = "%s" }
transports: { disable = "%s" }
`, home, home, home, home, others("plugins", "libjanus_videoroom.so"), others("transports", "libjanus_http.so")),
		"janus.plugin.videoroom.jcfg": "general: { }\n",
		"janus.transport.http.jcfg": fmt.Sprintf(`general: {
	json = "compact"
	base_path = "/janus"
	http = true
	port = %d
	ip = "127.0.0.1"
	https = false
}
admin: { admin_http = false }
`, port),
	} {
		if err := os.WriteFile(filepath.Join(j.folder, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// janusAnswer is what matters of Janus' answers.
type janusAnswer struct {
	Janus string
	Data  struct{ ID json.Number }
	Error struct{ Reason string }
	JSEP  struct{ SDP string }
	Event struct {
		Data struct {
			Error string
		}
	} `json:"plugindata"`
}

func (j *janus) post(ctx context.Context, url string, message map[string]any) (janusAnswer, error) {
	message["transaction"] = "bench"
	text, err := json.Marshal(message)
	if err != nil {
		return janusAnswer{}, err
	}
	return j.ask(ctx, http.MethodPost, url, text)
}

func (j *janus) ask(ctx context.Context, method, url string, body []byte) (a janusAnswer, err error) {
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return a, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return a, err
	}
	defer func() { _ = answer.Body.Close() }()
	if err := json.NewDecoder(answer.Body).Decode(&a); err != nil {
		return a, fmt.Errorf("janus: %w", err)
	}
	if reason := a.Error.Reason + a.Event.Data.Error; reason != "" {
		return a, errors.New("janus: " + reason)
	}
	return a, nil
}

func (j *janus) rooms(n int) string { return filepath.Join(j.folder, fmt.Sprintf("room%d", n)) }

func (j *janus) join(ctx context.Context, n int) (sender, error) {
	return j.peers.connect(ctx, func(ctx context.Context, offer string) (string, error) { return j.publish(ctx, n, offer) })
}

// publish makes a room that records, joins it and waits for the answer, which comes as an event.
func (j *janus) publish(ctx context.Context, n int, offer string) (string, error) {
	made, err := j.post(ctx, j.url, map[string]any{"janus": "create"})
	if err != nil {
		return "", err
	}
	own := j.url + "/" + made.Data.ID.String()
	attached, err := j.post(ctx, own, map[string]any{"janus": "attach", "plugin": "janus.plugin.videoroom"})
	if err != nil {
		return "", err
	}
	handle := own + "/" + attached.Data.ID.String()
	j.handles = append(j.handles, handle)
	if err := os.Mkdir(j.rooms(n), 0o750); err != nil {
		return "", err
	}
	for _, message := range []map[string]any{
		{"janus": "message", "body": map[string]any{
			"request": "create", "room": n + 1, "record": true, "rec_dir": j.rooms(n), "videocodec": "vp8", "audiocodec": "opus", "publishers": 2,
		}},
		{
			"janus": "message", "body": map[string]any{"request": "joinandconfigure", "room": n + 1, "ptype": "publisher"},
			"jsep": map[string]any{"type": "offer", "sdp": offer},
		},
	} {
		if _, err := j.post(ctx, handle, message); err != nil {
			return "", err
		}
	}
	for {
		event, err := j.ask(ctx, http.MethodGet, own+"?maxev=1", nil)
		if err != nil {
			return "", err
		}
		if event.JSEP.SDP != "" {
			return event.JSEP.SDP, nil
		}
	}
}

func (j *janus) process() *process { return j.child }

// finish closes the recordings, converts all of them, as they are of no use before, and counts.
func (j *janus) finish(ctx context.Context, p *publisher) (a account, err error) {
	if err := wait(ctx, time.Second); err != nil { // the last packets are on their way
		return a, err
	}
	for _, handle := range j.handles {
		_, failed := j.post(ctx, handle, map[string]any{"janus": "message", "body": map[string]any{"request": "unpublish"}})
		err = errors.Join(err, failed)
	}
	if err = errors.Join(err, wait(ctx, time.Second), j.stop()); err != nil {
		return a, err
	}
	for n := range j.handles {
		made, took, err := convert(ctx, j.rooms(n))
		if err != nil {
			return a, err
		}
		a.Post += took
		if n >= watched {
			continue
		}
		if err := a.add(ctx, p, n, made...); err != nil {
			return a, err
		}
	}
	return a, nil
}

// convert makes files that can be played, and says how much processor time that took.
func convert(ctx context.Context, folder string) (made []string, took time.Duration, err error) {
	raw, err := filepath.Glob(filepath.Join(folder, "*.mjr"))
	if err != nil {
		return nil, 0, err
	}
	for _, file := range raw {
		out := strings.TrimSuffix(file, ".mjr") + ".webm"
		if strings.Contains(filepath.Base(file), "-audio") {
			out = strings.TrimSuffix(file, ".mjr") + ".opus"
		}
		command := exec.CommandContext(ctx, "taskset", "-c", subjectCPU, "janus-pp-rec", file, out)
		if said, err := command.CombinedOutput(); err != nil {
			return nil, 0, fmt.Errorf("janus-pp-rec %s: %w: %s", file, err, said)
		}
		took += command.ProcessState.UserTime() + command.ProcessState.SystemTime()
		made = append(made, out)
	}
	return made, took, nil
}

func (j *janus) stop() error {
	if j.stopped {
		return nil
	}
	j.stopped = true
	return j.child.stop(startLimit)
}
