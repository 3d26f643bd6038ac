//go:build cgo

package assess

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	ort "github.com/yalue/onnxruntime_go"
)

// A process has at most one ONNX Runtime environment, because the library says so: this is the one
// piece of package state. It goes when its last user does.
var onnxEnvironment struct {
	sync.Mutex
	library string
	users   int
}

// onnxLibrary is one user of the environment. live counts tensors that are not destroyed yet.
type onnxLibrary struct {
	live atomic.Int64
}

// openONNX loads the shared library, or joins those who have. Needs ONNX Runtime 1.24 or later.
func openONNX(library string) (*onnxLibrary, error) {
	env := &onnxEnvironment
	env.Lock()
	defer env.Unlock()
	if env.users == 0 {
		ort.SetSharedLibraryPath(library)
		if err := ort.InitializeEnvironment(ort.WithLogLevelError()); err != nil {
			return nil, fmt.Errorf("load %s (ONNX Runtime 1.24 or later): %w", library, err)
		}
		env.library = library
	}
	if env.library != library {
		return nil, fmt.Errorf("load %s: this process uses %s already", library, env.library)
	}
	env.users++
	return &onnxLibrary{}, nil
}

// retain adds a user, who must release: the library stays loaded while anybody holds tensors of it.
func (*onnxLibrary) retain() {
	onnxEnvironment.Lock()
	defer onnxEnvironment.Unlock()
	onnxEnvironment.users++
}

func (*onnxLibrary) release() error {
	env := &onnxEnvironment
	env.Lock()
	defer env.Unlock()
	env.users--
	if env.users > 0 {
		return nil
	}
	if err := ort.DestroyEnvironment(); err != nil {
		return fmt.Errorf("unload ONNX Runtime: %w", err)
	}
	return nil
}

// network is a loaded model. Its run may be called from several goroutines at once.
type network struct {
	library *onnxLibrary
	session *ort.DynamicAdvancedSession
}

// load reads a model. One thread inside a run, because two were slower and cost twice the CPU; memory
// patterns are off because every utterance has another length.
func (l *onnxLibrary) load(path string, inputs, outputs []string) (*network, error) {
	options, err := ort.NewSessionOptions()
	if err != nil {
		return nil, fmt.Errorf("load model %s: %w", path, err)
	}
	defer func() { _ = options.Destroy() }() // copied into the session
	err = errors.Join(
		options.SetIntraOpNumThreads(1),
		options.SetInterOpNumThreads(1),
		options.SetGraphOptimizationLevel(ort.GraphOptimizationLevelEnableAll),
		options.SetMemPattern(false),
		options.SetCpuMemArena(true), // without it a run takes three times as long
	)
	if err != nil {
		return nil, fmt.Errorf("load model %s: %w", path, err)
	}
	session, err := ort.NewDynamicAdvancedSession(path, inputs, outputs, options)
	if err != nil {
		return nil, fmt.Errorf("load model %s: %w", path, err)
	}
	return &network{library: l, session: session}, nil
}

// run fills outputs: tensors that are there are written into, nil ones are made and are the caller's
// to destroy. After an error the made ones are gone.
func (n *network) run(inputs, outputs []*tensor) error { return n.runWith(inputs, outputs, nil) }

// runUntil is run, given up in the middle when ctx ends.
func (n *network) runUntil(ctx context.Context, inputs, outputs []*tensor) error {
	options, err := ort.NewRunOptions()
	if err != nil {
		return fmt.Errorf("run model: %w", err)
	}
	defer func() { _ = options.Destroy() }() // never fails
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		_ = options.Terminate() // only fails without options
	})
	err = n.runWith(inputs, outputs, options)
	if !stop() {
		<-ended // it may still be at work with the options
	}
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func (n *network) runWith(inputs, outputs []*tensor, options *ort.RunOptions) error {
	in := make([]ort.Value, len(inputs))
	for i, t := range inputs {
		in[i] = t.value
	}
	out := make([]ort.Value, len(outputs))
	for i, t := range outputs {
		if t != nil {
			out[i] = t.value
		}
	}
	err := n.session.RunWithOptions(in, out, options)
	for i, t := range outputs {
		if t != nil || out[i] == nil {
			continue
		}
		if err != nil {
			_ = out[i].Destroy()
			continue
		}
		outputs[i] = n.library.own(out[i])
	}
	if err != nil {
		return fmt.Errorf("run model: %w", err)
	}
	return nil
}

func (n *network) destroy() error { return n.session.Destroy() }

// tensor is a value that must be destroyed. The memory behind one that was made from a slice is that
// slice, so it must stay reachable while a run uses it: destroying it afterwards sees to that.
type tensor struct {
	library *onnxLibrary
	value   ort.Value
}

func (l *onnxLibrary) own(value ort.Value) *tensor {
	l.live.Add(1)
	return &tensor{library: l, value: value}
}

// newTensor makes a tensor over data.
func newTensor[T float32 | int64 | bool](l *onnxLibrary, data []T, shape ...int64) (*tensor, error) {
	value, err := ort.NewTensor(ort.NewShape(shape...), data)
	if err != nil {
		return nil, fmt.Errorf("make tensor: %w", err)
	}
	return l.own(value), nil
}

// newScalar makes a tensor without dimensions, which is not the same as one of shape [1].
func newScalar(l *onnxLibrary, value int64) (*tensor, error) {
	scalar, err := ort.NewScalar(value)
	if err != nil {
		return nil, fmt.Errorf("make scalar: %w", err)
	}
	return l.own(scalar), nil
}

// floats returns the tensor's memory, or nil if it holds something else.
func (t *tensor) floats() []float32 {
	if floats, ok := t.value.(*ort.Tensor[float32]); ok {
		return floats.GetData()
	}
	return nil
}

// destroy frees the tensor; nil and a second call do nothing.
func (t *tensor) destroy() {
	if t == nil || t.value == nil {
		return
	}
	_ = t.value.Destroy() // never fails
	t.value = nil
	t.library.live.Add(-1)
}

func destroyAll(tensors []*tensor) {
	for _, t := range tensors {
		t.destroy()
	}
}
