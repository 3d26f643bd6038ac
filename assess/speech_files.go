package assess

import "path/filepath"

// SpeechRuntimeConfig says where the local speech models are.
type SpeechRuntimeConfig struct {
	// LibDir is the folder that "make setup" fills: libonnxruntime.so, moonshine and silero.
	LibDir string
}

const libraryFile = "libonnxruntime.so"

// The files of the local speech models inside the library folder.
var (
	encoderFile    = filepath.Join("moonshine", "encoder_model.onnx")
	decoderFile    = filepath.Join("moonshine", "decoder_model_merged.onnx")
	vocabularyFile = filepath.Join("moonshine", "vocab.txt")
	sileroFile     = filepath.Join("silero", "silero_vad_v6.onnx")
)
