// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"
)

// row is a measurement. Figures that do not apply are zero.
type row struct {
	title    string
	images   int
	requests int   // to ECR and its registry
	sts      int   // to STS
	bytes    int64 // in both directions
	chain    int   // longest chain of requests of which each waited for the one before
	wall     time.Duration
	unit     time.Duration // what wall is a multiple of
	unitName string
	peak     int64 // bytes
	cpu      time.Duration
}

type table struct{ rows []row }

func newTable() *table { return &table{} }

func (t *table) add(rows ...row) { t.rows = append(t.rows, rows...) }

func (t *table) print(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(w, "\timages\trequests\tper image\tSTS\tkB per image\tchain\twall\tpeak MB\tCPU s\t")
	for _, r := range t.rows {
		_, _ = fmt.Fprintf(w, "%s\t%d\t%d\t%s\t%d\t%.1f\t%s\t%s\t%s\t%s\t\n",
			r.title, r.images, r.requests, perImage(r.requests, r.images), r.sts,
			float64(r.bytes)/1000/float64(r.images), orDash(r.chain), r.multiple(), megabytes(r.peak), seconds(r.cpu))
	}
	_ = w.Flush()
}

func (r row) multiple() string {
	if r.unit == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f x %s (%.1f s)", float64(r.wall)/float64(r.unit), r.unitName, r.wall.Seconds())
}

func perImage(requests, images int) string {
	return strconv.FormatFloat(float64(requests)/float64(images), 'f', 2, 64)
}

func orDash(n int) string {
	if n == 0 {
		return "-"
	}
	return strconv.Itoa(n)
}

func megabytes(bytes int64) string {
	if bytes == 0 {
		return "-"
	}
	return strconv.FormatFloat(float64(bytes)/1e6, 'f', 1, 64)
}

func seconds(d time.Duration) string {
	if d == 0 {
		return "-"
	}
	return strconv.FormatFloat(d.Seconds(), 'f', 2, 64)
}
