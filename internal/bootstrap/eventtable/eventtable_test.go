// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package eventtable

import (
	"encoding/json"
	"testing"
)

func TestEveryEventIsJSON(t *testing.T) {
	t.Parallel()
	for _, event := range All() {
		if !json.Valid(event.JSON) {
			t.Errorf("%s is not valid JSON", event.Name)
		}
	}
}

func TestEverySpecialEventExists(t *testing.T) {
	t.Parallel()
	for name := range special {
		if Named(name).Name != name {
			t.Errorf("no file holds the event %s", name)
		}
	}
}
