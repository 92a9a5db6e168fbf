// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"reflect"
	"runtime"
	"testing"
	"weak"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

// TestServer_letsGo holds that nothing of a request stays once it is answered,
// whichever request it is: a large configuration makes thousands of them.
func TestServer_letsGo(t *testing.T) {
	t.Parallel()
	type key struct{}
	type load struct{ _ [64 << 10]byte }

	// Terraform makes these once, with whatever number of resources.
	once := map[string]bool{
		"ConfigureProvider": true, "GetFunctions": true, "GetMetadata": true, "GetProviderSchema": true,
		"GetResourceIdentitySchemas": true, "StopProvider": true, "ValidateProviderConfig": true,
		// The provider has no such thing.
		"CloseEphemeralResource": true, "OpenEphemeralResource": true, "RenewEphemeralResource": true,
		"ValidateEphemeralResourceConfig": true, "GenerateResourceConfig": true,
	}
	served := NewServer("test")()
	requests := reflect.TypeFor[tfprotov6.ProviderServer]()
	for i := range requests.NumMethod() {
		method := requests.Method(i)
		if once[method.Name] {
			continue
		}
		t.Run(method.Name, func(t *testing.T) {
			held := new(load)
			watched := weak.Make(held)
			ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, held))
			held = nil //nolint:wastedassign,ineffassign // The test must not be what holds it.
			// Of no known type, so that the answer is an error; the context is
			// registered before anything is looked at.
			call := reflect.ValueOf(served).MethodByName(method.Name)
			call.Call([]reflect.Value{reflect.ValueOf(ctx), reflect.New(method.Type.In(1).Elem())})
			cancel()
			ctx = nil //nolint:ineffassign // As above.
			for range 3 {
				runtime.GC()
			}
			if watched.Value() != nil {
				t.Errorf("the context of %s is still there when it has been answered", method.Name)
			}
		})
	}
	runtime.KeepAlive(served)
}

func TestEmptiedContext(t *testing.T) {
	t.Parallel()
	type key struct{}
	outer, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "value"))
	c := newEmptiedContext(outer)
	inner, cancelInner := context.WithCancel(c)
	defer cancelInner()

	if c.Err() != nil || inner.Value(key{}) != "value" {
		t.Errorf("before: error %v, value %v", c.Err(), inner.Value(key{}))
	}
	cancel()
	<-inner.Done()
	<-c.Done()
	if !errors.Is(inner.Err(), context.Canceled) || !errors.Is(c.Err(), context.Canceled) {
		t.Errorf("cancelled: errors %v, %v", inner.Err(), c.Err())
	}
	c.empty()
	if inner.Value(key{}) != nil {
		t.Error("the value is still there after it has been emptied")
	}
	if !errors.Is(c.Err(), context.Canceled) {
		t.Errorf("emptied: error %v", c.Err())
	}
}
