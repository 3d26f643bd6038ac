package main

import (
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"greenroom/assess"
	"greenroom/consent"
	"greenroom/signaling"
	"greenroom/storage"
)

// config is every setting of a server. Kong reads it from flags and GREENROOM_* variables; validate
// checks it once, reads secret files and makes every path absolute.
type config struct {
	Listen         string `help:"Address of the pages and the API." default:"127.0.0.1:8080" env:"GREENROOM_LISTEN"`
	PublicURL      string `name:"public-url" help:"Address that browsers use, if it is another one (behind a proxy), e.g. https://greenroom.example.org." env:"GREENROOM_PUBLIC_URL"`
	TrustedProxies string `name:"trusted-proxies" help:"Networks of proxies whose X-Forwarded-For is believed, e.g. 172.16.0.0/12,fd00::/8; limits then count their clients, not them." env:"GREENROOM_TRUSTED_PROXIES" placeholder:"CIDR,..."`
	MediaListen    string `help:"Address of audio and video; one UDP port and the same TCP port." default:"127.0.0.1:7882" env:"GREENROOM_MEDIA_LISTEN"`
	MediaPublicIP  string `name:"media-public-ip" help:"Address that browsers reach the media port at, if this machine does not know it itself: an IPv4 address, an IPv6 address, or both with a comma between." env:"GREENROOM_MEDIA_PUBLIC_IP" placeholder:"IP,..."`
	MetricsListen  string `help:"Address of Prometheus metrics; empty for none." default:"127.0.0.1:9464" env:"GREENROOM_METRICS_LISTEN"`

	DataDir   string `help:"Folder of everything that is kept on this machine: spool, keys, embedded database and object store." default:".greenroom/data" env:"GREENROOM_DATA"`
	LedgerDir string `help:"Folder of the ledger's journal and checkpoints, outside the database; DATA/ledger if empty. Copy it to another machine." env:"GREENROOM_LEDGER" placeholder:"DIR"`
	LibDir    string `help:"Folder of the speech model, ONNX Runtime and Postgres (made by make setup)." default:".greenroom/lib" env:"GREENROOM_LIB"`

	BankDir string `name:"bank-dir" help:"Folder of a question bank of your own (docs/question-bank.md); empty: the built-in one. greenroom bank check DIR looks at it." env:"GREENROOM_BANK_DIR" placeholder:"DIR"`

	DatabaseURL     string `name:"database-url" help:"Postgres to use instead of the embedded one: its owner, who may create roles." env:"GREENROOM_DATABASE_URL" placeholder:"URL"`
	DatabaseURLFile string `name:"database-url-file" help:"File that holds the database URL." env:"GREENROOM_DATABASE_URL_FILE" placeholder:"FILE"`
	PostgresBin     string `name:"postgres-bin" help:"Folder of initdb and postgres for the embedded database." env:"GREENROOM_POSTGRES_BIN" placeholder:"DIR"`

	S3 s3Config `embed:"" prefix:"s3-" envprefix:"GREENROOM_S3_"`
	AI aiConfig `embed:"" prefix:"ai-" envprefix:"GREENROOM_AI_"`

	AgreementCard string `help:"Agreement card of the model, as greenroom eval --card writes it; without one that holds, levels by a model are called an unvalidated practice estimate." env:"GREENROOM_AGREEMENT_CARD" placeholder:"FILE"`

	Operator operatorConfig `embed:"" prefix:"operator-" envprefix:"GREENROOM_OPERATOR_"`

	SpoolLimit        int64         `help:"Bytes of recordings that may wait for the object store; near it, new sessions are refused." default:"10737418240" env:"GREENROOM_SPOOL_LIMIT"`
	TranscribeWorkers int           `help:"Utterances written down at the same time." default:"1" env:"GREENROOM_TRANSCRIBE_WORKERS"`
	DrainFor          time.Duration `help:"How long stopping may wait for recordings to reach the object store." default:"20s" env:"GREENROOM_DRAIN_FOR"`
	Demo              string        `help:"Demo accounts with passwords made on this machine: auto makes them with the embedded database only." enum:"auto,on,off" default:"auto" env:"GREENROOM_DEMO"`
	LogLevel          string        `help:"Least important log line to write: debug, info, warn or error." enum:"debug,info,warn,error" default:"info" env:"GREENROOM_LOG_LEVEL"`
	LogFormat         string        `help:"text or json." enum:"text,json" default:"text" env:"GREENROOM_LOG_FORMAT"`
}

// LogValue implements [slog.LogValuer]: passwords and keys are among the settings.
func (config) LogValue() slog.Value { return slog.StringValue("[redacted]") }

type s3Config struct {
	Endpoint      string `help:"Object store to use instead of the embedded one, e.g. http://minio:9000." env:"ENDPOINT" placeholder:"URL"`
	Region        string `help:"Region." default:"us-east-1" env:"REGION"`
	Bucket        string `help:"Bucket; made if it is missing." default:"greenroom" env:"BUCKET"`
	AccessKey     string `help:"Access key." env:"ACCESS_KEY"`
	SecretKey     string `help:"Secret key." env:"SECRET_KEY"`
	SecretKeyFile string `help:"File that holds the secret key." env:"SECRET_KEY_FILE" placeholder:"FILE"`
}

type aiConfig struct {
	BaseURL     string `name:"base-url" help:"OpenAI-compatible server, e.g. http://127.0.0.1:11434/v1. Without one nothing leaves this server." env:"BASE_URL" placeholder:"URL"`
	APIKey      string `name:"api-key" help:"Its key, if it wants one." env:"API_KEY"`
	APIKeyFile  string `name:"api-key-file" help:"File that holds the key." env:"API_KEY_FILE" placeholder:"FILE"`
	ChatModel   string `help:"Model that rates answers; empty: answers are only measured." env:"CHAT_MODEL"`
	SecondModel string `name:"second-chat-model" help:"Another model of the same server, which makes the second rating; empty: the same model, asked in another way." env:"SECOND_CHAT_MODEL"`
	SpeechModel string `help:"Model that writes speech down; empty: the one on this server." env:"SPEECH_MODEL"`

	VoiceModel      string `help:"Model that says questions aloud; empty: the candidate's browser does." env:"VOICE_MODEL"`
	Voice           string `help:"Its voice, as the server names it." env:"VOICE"`
	VoiceBaseURL    string `name:"voice-base-url" help:"OpenAI-compatible server of the voice, if it is another one, e.g. http://127.0.0.1:8880/v1." env:"VOICE_BASE_URL" placeholder:"URL"`
	VoiceAPIKey     string `name:"voice-api-key" help:"The key of that other server, if it wants one." env:"VOICE_API_KEY"`
	VoiceAPIKeyFile string `name:"voice-api-key-file" help:"File that holds that key." env:"VOICE_API_KEY_FILE" placeholder:"FILE"`

	ProviderFile string `help:"Register of reviewed AI providers (JSON); a server that is not on this machine must be in it." env:"PROVIDER_FILE" placeholder:"FILE"`
	Regions      string `help:"Regions in which a provider may work, as the register names them, e.g. EU,CH." env:"REGIONS" placeholder:"REGION,..."`
}

// operatorConfig is what receipts say about whoever runs the server.
type operatorConfig struct {
	Name         string `help:"Who runs this server, as receipts name them." env:"NAME"`
	Address      string `help:"Their postal address." env:"ADDRESS"`
	Contact      string `help:"Where people reach them, e.g. a mail address." env:"CONTACT"`
	Jurisdiction string `help:"Whose law applies, e.g. Germany (EU)." env:"JURISDICTION"`
	Location     string `help:"Where what is stored lies, e.g. Frankfurt, Germany." env:"LOCATION"`
}

// validate reads secret files, makes paths absolute (the embedded object store changes the working
// folder of the process) and refuses what cannot work, saying what to do.
func (c *config) validate() error {
	for _, s := range []struct {
		value *string
		file  string
		name  string
	}{
		{&c.DatabaseURL, c.DatabaseURLFile, "GREENROOM_DATABASE_URL"},
		{&c.S3.SecretKey, c.S3.SecretKeyFile, "GREENROOM_S3_SECRET_KEY"},
		{&c.AI.APIKey, c.AI.APIKeyFile, "GREENROOM_AI_API_KEY"},
		{&c.AI.VoiceAPIKey, c.AI.VoiceAPIKeyFile, "GREENROOM_AI_VOICE_API_KEY"},
	} {
		if err := readSecret(s.value, s.file, s.name); err != nil {
			return err
		}
	}
	if c.LedgerDir == "" {
		c.LedgerDir = filepath.Join(c.DataDir, "ledger")
	}
	for _, path := range []*string{&c.DataDir, &c.LedgerDir, &c.LibDir, &c.PostgresBin, &c.BankDir, &c.AgreementCard} {
		if *path == "" {
			continue
		}
		absolute, err := filepath.Abs(*path)
		if err != nil {
			return fmt.Errorf("folder %q: %w", *path, err)
		}
		*path = absolute
	}
	return c.check()
}

func (c *config) check() error {
	if c.S3.Endpoint != "" && (c.S3.AccessKey == "" || c.S3.SecretKey == "") {
		return fmt.Errorf("GREENROOM_S3_ENDPOINT is set: set GREENROOM_S3_ACCESS_KEY and GREENROOM_S3_SECRET_KEY (or _FILE) too")
	}
	if err := c.AI.check(); err != nil {
		return err
	}
	for name, text := range map[string]string{"GREENROOM_PUBLIC_URL": c.PublicURL, "GREENROOM_S3_ENDPOINT": c.S3.Endpoint, "GREENROOM_AI_BASE_URL": c.AI.BaseURL, "GREENROOM_AI_VOICE_BASE_URL": c.AI.VoiceBaseURL} {
		if text == "" {
			continue
		}
		if u, err := url.Parse(text); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			return fmt.Errorf("%s must be an http or https address, e.g. http://localhost:9000", name)
		}
	}
	if _, err := c.trustedProxies(); err != nil {
		return err
	}
	if _, err := signaling.ParsePublicAddresses(c.MediaPublicIP); err != nil {
		return fmt.Errorf("GREENROOM_MEDIA_PUBLIC_IP: %w", err)
	}
	if c.SpoolLimit < 64<<20 {
		return fmt.Errorf("GREENROOM_SPOOL_LIMIT is %d: one interview may need 64 MiB", c.SpoolLimit)
	}
	if c.TranscribeWorkers < 1 || c.TranscribeWorkers > 64 {
		return fmt.Errorf("GREENROOM_TRANSCRIBE_WORKERS is %d: use 1 to 64", c.TranscribeWorkers)
	}
	return nil
}

// check refuses a model without a server, and a server without a model.
func (c *aiConfig) check() error {
	switch ownServer := c.VoiceBaseURL != ""; {
	case c.BaseURL == "" && (c.ChatModel != "" || c.SpeechModel != "" || (c.VoiceModel != "" && !ownServer)):
		return fmt.Errorf("a model is named but no server: set GREENROOM_AI_BASE_URL")
	case c.SecondModel != "" && (c.ChatModel == "" || c.SecondModel == c.ChatModel):
		return fmt.Errorf("GREENROOM_AI_SECOND_CHAT_MODEL is set: set GREENROOM_AI_CHAT_MODEL too, to another model")
	case c.BaseURL != "" && c.ChatModel == "" && c.SpeechModel == "" && (c.VoiceModel == "" || ownServer):
		return fmt.Errorf("GREENROOM_AI_BASE_URL is set but no model: set GREENROOM_AI_CHAT_MODEL, GREENROOM_AI_SPEECH_MODEL or both")
	case (c.VoiceModel == "") != (c.Voice == ""), ownServer && c.VoiceModel == "":
		return fmt.Errorf("spoken questions need a model and the name of its voice: set GREENROOM_AI_VOICE_MODEL and GREENROOM_AI_VOICE")
	case c.VoiceAPIKey != "" && !ownServer:
		return fmt.Errorf("GREENROOM_AI_VOICE_API_KEY is the key of GREENROOM_AI_VOICE_BASE_URL: set that too, or leave it to GREENROOM_AI_API_KEY")
	}
	return nil
}

func (c *config) trustedProxies() (networks []netip.Prefix, err error) {
	for text := range strings.SplitSeq(c.TrustedProxies, ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("GREENROOM_TRUSTED_PROXIES: %q is no network: write them like 172.16.0.0/12,10.0.0.7/32", text)
		}
		networks = append(networks, network)
	}
	return networks, nil
}

// readSecret sets value from the file, if one is named.
func readSecret(value *string, file, name string) error {
	if file == "" {
		return nil
	}
	if *value != "" {
		return fmt.Errorf("%s and %s_FILE are both set: use one", name, name)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("%s_FILE: %w", name, err)
	}
	*value = strings.TrimSpace(string(text))
	return nil
}

func (c *config) secretsDir() string { return filepath.Join(c.DataDir, "secrets") }

func (c *config) embedsDatabase() bool { return c.DatabaseURL == "" }

func (c *config) embedsObjects() bool { return c.S3.Endpoint == "" }

// demo reports whether demo accounts are wanted.
func (c *config) demo() bool {
	return c.Demo == "on" || (c.Demo == "auto" && c.embedsDatabase())
}

// address is what a person types into a browser. "localhost" is a secure context in every browser.
func (c *config) address(listening string) string {
	if c.PublicURL != "" {
		return strings.TrimRight(c.PublicURL, "/")
	}
	return "http://" + strings.Replace(listening, "127.0.0.1", "localhost", 1)
}

func (c *config) objects() storage.ObjectsConfig {
	u, _ := url.Parse(c.S3.Endpoint) // checked
	return storage.ObjectsConfig{
		Endpoint: u.Host, Secure: u.Scheme == "https", Region: c.S3.Region, Bucket: c.S3.Bucket,
		AccessKey: c.S3.AccessKey, SecretKey: c.S3.SecretKey,
	}
}

func (c *config) operator() consent.Operator { return consent.Operator(c.Operator) }

func (c *config) openAI(provider consent.Provider) assess.OpenAIConfig {
	return assess.OpenAIConfig{
		BaseURL: c.AI.BaseURL, APIKey: c.AI.APIKey, ChatModel: c.AI.ChatModel, SpeechModel: c.AI.SpeechModel, Provider: provider,
	}
}

// voice is where questions are said aloud. A server of its own never sees the other one's key.
func (c *config) voice(provider consent.Provider) assess.OpenAIConfig {
	at := assess.OpenAIConfig{BaseURL: c.AI.BaseURL, APIKey: c.AI.APIKey, VoiceModel: c.AI.VoiceModel, Voice: c.AI.Voice, Provider: provider}
	if c.AI.VoiceBaseURL != "" {
		at.BaseURL, at.APIKey = c.AI.VoiceBaseURL, c.AI.VoiceAPIKey
	}
	return at
}

func (c *config) logger() *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.LogLevel)) // checked by its enum
	options := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, options))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, options))
}
