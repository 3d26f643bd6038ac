package eval

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Estimate is a measured value with its 95 % interval and how many observations it is made of.
type Estimate struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
	N     int     `json:"n"`
	Known bool    `json:"known"` // false: nothing could be computed, the numbers mean nothing
}

// The intervals are percentile intervals of a bootstrap that always draws the same samples.
const (
	resamples     = 2000
	bootstrapSeed = 20260101
	confidence    = 0.95
)

// bootstrap estimates a statistic of items by drawing as many of them with replacement, over and over.
// Samples in which the statistic is not defined are left out; with more than one in ten of those there is
// no interval, and the estimate is not known.
func bootstrap[T any](items []T, statistic func([]T) (float64, bool)) Estimate {
	units := make([][]T, len(items))
	for i := range items {
		units[i] = items[i : i+1]
	}
	return bootstrapUnits(items, units, statistic)
}

// bootstrapBy draws whole clusters, for items of which those of one cluster resemble each other.
func bootstrapBy[T any](items []T, cluster func(T) string, statistic func([]T) (float64, bool)) Estimate {
	of := map[string]int{}
	var units [][]T
	for _, item := range items {
		at, known := of[cluster(item)]
		if !known {
			at = len(units)
			of[cluster(item)] = at
			units = append(units, nil)
		}
		units[at] = append(units[at], item)
	}
	return bootstrapUnits(items, units, statistic)
}

func bootstrapUnits[T any](items []T, units [][]T, statistic func([]T) (float64, bool)) Estimate {
	value, known := statistic(items)
	if !known || len(units) < 2 {
		return Estimate{Value: value, Low: value, High: value, N: len(items), Known: known && len(units) > 1}
	}
	random := rand.New(rand.NewPCG(bootstrapSeed, uint64(len(items)))) //nolint:gosec // a sample, not a secret
	drawn := make([]float64, 0, resamples)
	sample := make([]T, 0, len(items))
	for range resamples {
		sample = sample[:0]
		for range units {
			sample = append(sample, units[random.IntN(len(units))]...)
		}
		if v, ok := statistic(sample); ok {
			drawn = append(drawn, v)
		}
	}
	if len(drawn) < resamples*9/10 {
		return Estimate{Value: value, N: len(items)}
	}
	slices.Sort(drawn)
	return Estimate{
		Value: value, N: len(items), Known: true,
		Low: quantile(drawn, (1-confidence)/2), High: quantile(drawn, (1+confidence)/2),
	}
}

// quantile reads sorted values, between two of them in proportion.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	at := q * float64(len(sorted)-1)
	low := int(math.Floor(at))
	high := min(low+1, len(sorted)-1)
	return sorted[low] + (at-float64(low))*(sorted[high]-sorted[low])
}

// share is a proportion with its Wilson interval (Wilson 1927), which also holds where all or none of few
// observations hit.
func share(hits, n int) Estimate {
	if n == 0 {
		return Estimate{}
	}
	const z = 1.959964 // 95 % of a normal distribution
	p, fn := float64(hits)/float64(n), float64(n)
	middle := (p + z*z/(2*fn)) / (1 + z*z/fn)
	half := z / (1 + z*z/fn) * math.Sqrt(p*(1-p)/fn+z*z/(4*fn*fn))
	return Estimate{Value: p, Low: math.Max(0, middle-half), High: math.Min(1, middle+half), N: n, Known: true}
}
