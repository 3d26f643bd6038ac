package rehearse

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"github.com/pion/webrtc/v4"
)

// roomMessage holds the fields of every server message that a candidate acts on (signaling/PROTOCOL.md);
// like the page, it ignores the rest.
type roomMessage struct {
	Type     string `json:"type"`
	SDP      string `json:"sdp"`
	Phase    string `json:"phase"`
	Index    int    `json:"index"`
	Total    int    `json:"total"`
	Text     string `json:"text"`
	Stable   string `json:"stable"`
	Unstable string `json:"unstable"`
	EndMS    int64  `json:"end_ms"`
	Elapsed  int64  `json:"elapsed_ms"`
	State    string `json:"state"`
	Code     string `json:"code"`
	Message  string `json:"message"`
	Fatal    bool   `json:"fatal"`
	Reason   string `json:"reason"`
	Question *struct {
		Text string `json:"text"`
	} `json:"question"`
	Probe *struct {
		Index int    `json:"index"`
		Text  string `json:"text"`
		By    string `json:"by"`
	} `json:"probe"`
	Closing  *int64 `json:"closing_ms"`
	Consents *struct {
		Recording     bool `json:"recording"`
		Transcription bool `json:"transcription"`
		Assessment    bool `json:"assessment"`
	} `json:"consents"`
	ICECandidate *struct {
		Candidate     string  `json:"candidate"`
		SDPMid        *string `json:"sdp_mid"`
		SDPMLineIndex *uint16 `json:"sdp_mline_index"`
	} `json:"ice_candidate"`
	receivedAt time.Time
}

// room is the WebSocket side of a session. One goroutine reads; writes are serialized.
type room struct {
	socket   *websocket.Conn
	writing  sync.Mutex // guards writes to socket
	messages chan roomMessage
	failed   error // set before messages is closed
}

func joinRoom(ctx context.Context, c *client, session string) (*room, error) {
	path := "/api/v1/sessions/" + session + "/room"
	var issued struct{ Ticket string }
	if err := c.call(ctx, http.MethodPost, path+"-ticket", nil, &issued); err != nil {
		return nil, err
	}
	dialer := websocket.Dialer{
		HandshakeTimeout: websocket.DefaultDialer.HandshakeTimeout,
		Subprotocols:     []string{"greenroom.room.v1", "ticket." + issued.Ticket},
	}
	header := http.Header{"Cookie": {c.cookie}, "Origin": {c.base}}
	socket, answer, err := dialer.DialContext(ctx, strings.Replace(c.base, "http", "ws", 1)+path, header)
	if answer != nil {
		defer func() { _ = answer.Body.Close() }()
	}
	if err != nil {
		if answer != nil {
			return nil, fmt.Errorf("join room: %s: %w", answer.Status, err)
		}
		return nil, fmt.Errorf("join room: %w", err)
	}
	r := &room{socket: socket, messages: make(chan roomMessage, 64)}
	// Owner: the room; ends when the socket closes, which leave does.
	go r.read()
	return r, nil
}

func (r *room) read() {
	defer close(r.messages)
	for {
		_, text, err := r.socket.ReadMessage()
		if err != nil {
			if !websocket.IsCloseError(err, websocket.CloseNormalClosure, websocket.CloseGoingAway) {
				r.failed = err
			}
			return
		}
		var m roomMessage
		if err := json.Unmarshal(text, &m); err != nil {
			r.failed = fmt.Errorf("read room message: %w", err)
			return
		}
		m.receivedAt = time.Now()
		r.messages <- m
	}
}

// send writes a message of the given type with the given fields.
func (r *room) send(kind string, fields map[string]any) error {
	message := map[string]any{"type": kind}
	maps.Copy(message, fields)
	r.writing.Lock()
	defer r.writing.Unlock()
	if err := r.socket.SetWriteDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return fmt.Errorf("send %s: %w", kind, err)
	}
	if err := r.socket.WriteJSON(message); err != nil {
		return fmt.Errorf("send %s: %w", kind, err)
	}
	return nil
}

func (r *room) sendCandidate(c webrtc.ICECandidateInit) error {
	return r.send("ice_candidate", map[string]any{"ice_candidate": map[string]any{
		"candidate": c.Candidate, "sdp_mid": c.SDPMid, "sdp_mline_index": c.SDPMLineIndex,
	}})
}

// next returns the next message, or why there is none.
func (r *room) next(ctx context.Context) (roomMessage, error) {
	select {
	case m, ok := <-r.messages:
		if !ok {
			return roomMessage{}, errors.Join(errors.New("the room closed the connection"), r.failed)
		}
		return m, nil
	case <-ctx.Done():
		return roomMessage{}, ctx.Err()
	}
}

// leave closes the socket and waits for the reader.
func (r *room) leave() {
	r.writing.Lock()
	_ = r.socket.WriteControl(websocket.CloseMessage,
		websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(time.Second))
	_ = r.socket.Close()
	r.writing.Unlock()
	for range r.messages { // until the reader has ended
	}
}
