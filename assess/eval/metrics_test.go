package eval

import (
	"math"
	"math/rand/v2"
	"testing"
)

func pairs(gold, given []float64) []Point {
	points := make([]Point, len(gold))
	for i := range gold {
		points[i] = Point{Gold: gold[i], Given: given[i]}
	}
	return points
}

func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if math.Abs(got-want) > within {
		t.Errorf("%s is %.5f, want %.5f", what, got, want)
	}
}

// Shrout & Fleiss 1979, tables 2 and 4: six targets rated by four judges.
func TestICCOfThePublishedExample(t *testing.T) {
	t.Parallel()
	icc, ok := NewICC([][]float64{{9, 2, 5, 8}, {6, 1, 3, 2}, {8, 4, 6, 8}, {7, 1, 2, 6}, {10, 5, 6, 9}, {6, 2, 4, 7}})
	if !ok {
		t.Fatal("not defined")
	}
	near(t, "ICC(2,1)", icc.Absolute, .29, .005)
	near(t, "ICC(3,1)", icc.Consistent, .71, .005)
}

func TestICCIsNotDefinedWithoutATable(t *testing.T) {
	t.Parallel()
	for name, table := range map[string][][]float64{
		"nothing": nil, "one target": {{1, 2}}, "one rater": {{1}, {2}}, "ragged": {{1, 2}, {3}}, "constant": {{3, 3}, {3, 3}},
	} {
		if icc, ok := NewICC(table); ok {
			t.Errorf("%s: %+v", name, icc)
		}
	}
}

// By hand: (1,1) (2,3) (3,3) (4,2) (5,5): seen 0+1+0+4+0 = 5; means 3 and 2.8; squares about them 10 and
// 8.8; chance 10 + 8.8 + 5·0.04 = 19; kappa 1 - 5/19.
func TestQWKByHand(t *testing.T) {
	t.Parallel()
	kappa, ok := QWK(pairs([]float64{1, 2, 3, 4, 5}, []float64{1, 3, 3, 2, 5}))
	if !ok {
		t.Fatal("not defined")
	}
	near(t, "kappa", kappa, 1-5.0/19, 1e-12)
	for name, given := range map[string][]float64{"the mean": {3, 3, 3, 3, 3}, "a constant": {1, 1, 1, 1, 1}} {
		kappa, ok := QWK(pairs([]float64{1, 2, 3, 4, 5}, given))
		if !ok || math.Abs(kappa) > 1e-12 {
			t.Errorf("who always says %s has kappa %v, %v; want 0", name, kappa, ok)
		}
	}
	if _, ok := QWK(pairs([]float64{3, 3}, []float64{3, 3})); ok {
		t.Error("two constants have a kappa")
	}
	if _, ok := QWK(nil); ok {
		t.Error("nothing has a kappa")
	}
}

// The definition over the 5×5 table of Cohen 1968, written out, says the same as the sums.
func TestQWKIsTheOneOfTheTable(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		n := 2 + random.IntN(60)
		gold, given := make([]float64, n), make([]float64, n)
		var table [5][5]float64
		for i := range n {
			g, m := random.IntN(5), random.IntN(5)
			gold[i], given[i] = float64(g+1), float64(m+1)
			table[g][m] += 1 / float64(n)
		}
		var seen, chance float64
		for i := range 5 {
			for j := range 5 {
				row, column := 0.0, 0.0
				for k := range 5 {
					row += table[i][k]
					column += table[k][j]
				}
				weight := float64((i-j)*(i-j)) / 16
				seen += weight * table[i][j]
				chance += weight * row * column
			}
		}
		kappa, ok := QWK(pairs(gold, given))
		if ok != (chance > 1e-12) {
			t.Fatalf("defined: %v, chance %v", ok, chance)
		}
		if ok {
			near(t, "kappa", kappa, 1-seen/chance, 1e-9)
		}
	}
}

// What holds for every pair of raters.
func TestPropertiesOfAgreement(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		n := 3 + random.IntN(40)
		gold, given, mirrored, back := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
		for i := range n {
			gold[i], given[i] = float64(1+random.IntN(5)), float64(1+random.IntN(5))
			mirrored[i], back[i] = 6-gold[i], 6-given[i]
		}
		points := pairs(gold, given)
		kappa, ok := QWK(points)
		if !ok {
			continue
		}
		swapped, _ := QWK(pairs(given, gold))
		turned, _ := QWK(pairs(mirrored, back))
		near(t, "kappa of the raters swapped", swapped, kappa, 1e-9)
		near(t, "kappa of the levels turned over", turned, kappa, 1e-9)
		if kappa > 1 || kappa < -1 {
			t.Errorf("kappa %v", kappa)
		}
		if self, ok := QWK(pairs(gold, gold)); ok && self != 1 {
			t.Errorf("a rater agrees with itself by %v", self)
		}
		bias, _ := Bias(points)
		mae, _ := MAE(points)
		exact, _ := Within(points, 0)
		adjacent, _ := Within(points, 1)
		if math.Abs(bias) > mae+1e-12 || exact > adjacent || mae > 4 {
			t.Errorf("bias %v, MAE %v, exact %v, adjacent %v", bias, mae, exact, adjacent)
		}
		// A rater who is one level more generous throughout is as consistent and agrees less.
		shifted := make([]float64, n)
		for i := range n {
			shifted[i] = gold[i] + 1
		}
		if icc, ok := iccOf(pairs(gold, shifted)); ok && (math.Abs(icc.Consistent-1) > 1e-9 || icc.Absolute >= 1-1e-9) {
			t.Errorf("a constant shift has %+v", icc)
		}
	}
}

// The example with tied and untied ranks that textbooks use: ten pupils' IQ and hours of television,
// rho = -29/165; and by hand with a tie: ranks 1 2.5 2.5 4 against 1 2 3 4.
func TestSpearman(t *testing.T) {
	t.Parallel()
	rho, ok := Spearman(pairs([]float64{106, 100, 86, 101, 99, 103, 97, 113, 112, 110}, []float64{7, 27, 2, 50, 28, 29, 20, 12, 6, 17}))
	if !ok {
		t.Fatal("not defined")
	}
	near(t, "rho", rho, -29.0/165, 1e-9)
	rho, _ = Spearman(pairs([]float64{1, 3, 3, 5}, []float64{1, 2, 3, 4}))
	near(t, "rho with a tie", rho, 4.5/math.Sqrt(4.5*5), 1e-9)
	if _, ok := Spearman(pairs([]float64{1, 2}, []float64{3, 3})); ok {
		t.Error("a constant has a rank correlation")
	}
}

// A bootstrap says the same twice, holds its value, and is narrower with more answers.
func TestBootstrap(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 6))
	make2 := func(n int) []Point {
		points := make([]Point, n)
		for i := range points {
			gold := float64(1 + i%5)
			points[i] = Point{Gold: gold, Given: math.Min(5, math.Max(1, gold+float64(random.IntN(3)-1))), Cluster: string(rune('a' + i%8))}
		}
		return points
	}
	few, many := make2(30), make2(480)
	first, again := bootstrap(few, QWK), bootstrap(few, QWK)
	if first != again {
		t.Errorf("twice: %+v and %+v", first, again)
	}
	wide, narrow := first.High-first.Low, 0.0
	if e := bootstrap(many, QWK); e.Known {
		narrow = e.High - e.Low
	}
	if !first.Known || first.Value < first.Low || first.Value > first.High || narrow == 0 || narrow > wide/2 {
		t.Errorf("30 answers: %+v; the interval of 480 is %v wide", first, narrow)
	}
	if e := bootstrapBy(few, func(p Point) string { return p.Cluster }, QWK); !e.Known || e.N != 30 {
		t.Errorf("by question: %+v", e)
	}
	if e := bootstrap([]Point{{Gold: 1, Given: 1}}, MAE); e.Known {
		t.Errorf("one answer has an interval: %+v", e)
	}
	if e := bootstrap([]Point{{Gold: 3, Given: 3}, {Gold: 3, Given: 3}}, QWK); e.Known {
		t.Errorf("two constants have an interval: %+v", e)
	}
}

// The interval of 95 % holds the true mean in about 95 of 100 samples.
func TestBootstrapCoversTheTruth(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(7, 8))
	held := 0
	for range 200 {
		points := make([]Point, 60)
		for i := range points {
			points[i] = Point{Given: float64(random.IntN(3) - 1)} // mean 0
		}
		if e := bootstrap(points, Bias); e.Low <= 0 && 0 <= e.High {
			held++
		}
	}
	if held < 180 || held > 199 {
		t.Errorf("%d of 200 intervals hold the mean", held)
	}
}

// Brown, Cai & DasGupta 2001: the Wilson interval of 0 of 10 ends at 0.2775, that of 5 of 10 is 0.2366 to 0.7634.
func TestShare(t *testing.T) {
	t.Parallel()
	none, half := share(0, 10), share(5, 10)
	near(t, "the end for none of ten", none.High, .2775, .0001)
	near(t, "the begin for half of ten", half.Low, .2366, .0001)
	near(t, "the end for half of ten", half.High, .7634, .0001)
	if e := share(0, 0); e.Known {
		t.Errorf("of nothing: %+v", e)
	}
}

// The two baselines: a constant has no kappa above chance but much adjacent agreement; length follows words.
func TestBaselines(t *testing.T) {
	t.Parallel()
	points := make([]Point, 0, 25)
	for i := range 25 {
		points = append(points, Point{Gold: float64(1 + i%5), Words: 20 + 10*(i%5)})
	}
	constant := constantBaseline(points)
	kappa, _ := QWK(constant)
	adjacent, _ := Within(constant, 1)
	near(t, "kappa of the constant", kappa, 0, 1e-12)
	near(t, "adjacent agreement of the constant", adjacent, .6, 1e-12)
	if kappa, _ := QWK(lengthBaseline(points)); kappa != 1 {
		t.Errorf("length follows the level, and its baseline has kappa %v", kappa)
	}
	for i := range points {
		points[i].Words = 200 - points[i].Words
	}
	if kappa, _ := QWK(lengthBaseline(points)); kappa > -.9 {
		t.Errorf("length runs against the level, and its baseline has kappa %v", kappa)
	}
}
