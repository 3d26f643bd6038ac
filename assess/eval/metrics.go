package eval

import (
	"cmp"
	"math"
	"slices"
)

// Point is one answer's pair of levels: what the gold set says, and what the rater under test gave. A
// median of two raters may lie between two levels, so levels are numbers here.
type Point struct {
	Gold, Given float64
	Cluster     string // the question, for intervals that are resampled by question
	Words       int    // length of the answer
}

// QWK is Cohen's weighted kappa with quadratic weights (Cohen 1968): one minus the squared differences
// that were seen, over those that two raters with these distributions would have by chance. It is false
// where chance leaves no difference at all, as between two constants.
func QWK(points []Point) (float64, bool) {
	if len(points) == 0 {
		return 0, false
	}
	// The mean of (g-m)² over all pairs of the two margins is var(g) + var(m) + (mean(g)-mean(m))².
	n := float64(len(points))
	var sumG, sumM, seen float64
	for _, p := range points {
		sumG += p.Gold
		sumM += p.Given
		seen += (p.Gold - p.Given) * (p.Gold - p.Given)
	}
	meanG, meanM := sumG/n, sumM/n
	chance := n * (meanG - meanM) * (meanG - meanM)
	for _, p := range points {
		chance += (p.Gold-meanG)*(p.Gold-meanG) + (p.Given-meanM)*(p.Given-meanM)
	}
	if chance == 0 {
		return 0, false
	}
	return 1 - seen/chance, true
}

// ICC is the intraclass correlation of single ratings, after Shrout & Fleiss (1979).
type ICC struct {
	Absolute   float64 // ICC(2,1): raters are a sample; a rater who is always one level too high agrees less
	Consistent float64 // ICC(3,1): these raters only; a constant difference does not count
}

// NewICC computes both from a table of targets (rows) by raters (columns); false where it has fewer than
// two of either, rows of different length, or nothing varies.
func NewICC(table [][]float64) (ICC, bool) {
	n := len(table)
	if n < 2 || len(table[0]) < 2 {
		return ICC{}, false
	}
	k := len(table[0])
	rows, columns, total := make([]float64, n), make([]float64, k), 0.0
	for i, row := range table {
		if len(row) != k {
			return ICC{}, false
		}
		for j, x := range row {
			rows[i] += x / float64(k)
			columns[j] += x / float64(n)
			total += x / float64(n*k)
		}
	}
	var between, raters, all float64
	for i, row := range table {
		between += float64(k) * (rows[i] - total) * (rows[i] - total)
		for _, x := range row {
			all += (x - total) * (x - total)
		}
	}
	for _, mean := range columns {
		raters += float64(n) * (mean - total) * (mean - total)
	}
	fn, fk := float64(n), float64(k)
	bms := between / (fn - 1)
	jms := raters / (fk - 1)
	ems := math.Max(0, all-between-raters) / ((fn - 1) * (fk - 1))
	absolute := bms + (fk-1)*ems + fk*(jms-ems)/fn
	consistent := bms + (fk-1)*ems
	if absolute <= 0 || consistent <= 0 {
		return ICC{}, false
	}
	return ICC{Absolute: (bms - ems) / absolute, Consistent: (bms - ems) / consistent}, true
}

func iccOf(points []Point) (ICC, bool) {
	table := make([][]float64, len(points))
	for i, p := range points {
		table[i] = []float64{p.Gold, p.Given}
	}
	return NewICC(table)
}

// mean averages what of returns over the points; false without points.
func mean(points []Point, of func(Point) float64) (float64, bool) {
	if len(points) == 0 {
		return 0, false
	}
	sum := 0.0
	for _, p := range points {
		sum += of(p)
	}
	return sum / float64(len(points)), true
}

// Bias is the mean signed difference, given less gold: above zero the rater is generous.
func Bias(points []Point) (float64, bool) {
	return mean(points, func(p Point) float64 { return p.Given - p.Gold })
}

// MAE is the mean absolute difference.
func MAE(points []Point) (float64, bool) {
	return mean(points, func(p Point) float64 { return math.Abs(p.Given - p.Gold) })
}

// Within is the share of answers whose two levels differ by no more than the given distance. With one
// level it means little by itself: who always says 3 is within one level of most answers.
func Within(points []Point, distance float64) (float64, bool) {
	return mean(points, func(p Point) float64 {
		if math.Abs(p.Given-p.Gold) <= distance {
			return 1
		}
		return 0
	})
}

// Spearman is the rank correlation, ties at their mean rank; false where either side does not vary.
func Spearman(points []Point) (float64, bool) {
	gold, given := make([]float64, len(points)), make([]float64, len(points))
	for i, p := range points {
		gold[i], given[i] = p.Gold, p.Given
	}
	return pearson(ranks(gold), ranks(given))
}

func ranks(values []float64) []float64 {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(values[a], values[b]) })
	ranked := make([]float64, len(values))
	for from := 0; from < len(order); {
		to := from + 1
		for to < len(order) && values[order[to]] == values[order[from]] {
			to++
		}
		for _, at := range order[from:to] {
			ranked[at] = float64(from+to+1) / 2 // the mean of ranks from+1 to to
		}
		from = to
	}
	return ranked
}

func pearson(a, b []float64) (float64, bool) {
	if len(a) < 2 {
		return 0, false
	}
	n := float64(len(a))
	var meanA, meanB, ab, aa, bb float64
	for i := range a {
		meanA += a[i] / n
		meanB += b[i] / n
	}
	for i := range a {
		ab += (a[i] - meanA) * (b[i] - meanB)
		aa += (a[i] - meanA) * (a[i] - meanA)
		bb += (b[i] - meanB) * (b[i] - meanB)
	}
	if aa == 0 || bb == 0 {
		return 0, false
	}
	return ab / math.Sqrt(aa*bb), true
}

// constantBaseline answers every question with level 3.
func constantBaseline(points []Point) []Point {
	said := slices.Clone(points)
	for i := range said {
		said[i].Given = 3
	}
	return said
}

// lengthBaseline knows how many words an answer has and how often each level occurs, and nothing else:
// the shortest answers get the lowest levels that there are, the longest the highest.
func lengthBaseline(points []Point) []Point {
	levels := make([]float64, len(points))
	order := make([]int, len(points))
	for i, p := range points {
		levels[i], order[i] = p.Gold, i
	}
	slices.Sort(levels)
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(points[a].Words, points[b].Words) })
	said := slices.Clone(points)
	for rank, at := range order {
		said[at].Given = levels[rank]
	}
	return said
}
