// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package bootstrap_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/bootstrap"
)

// maxLayerSize is the limit of a compressed layer in bytes.
const maxLayerSize = 1_200_000

var machines = map[string]elf.Machine{
	"x86_64": elf.EM_X86_64,
	"arm64":  elf.EM_AARCH64,
}

func TestLayerForUnknownArchitecture(t *testing.T) {
	t.Parallel()
	for _, architecture := range []string{"", "amd64", "X86_64", "aarch64"} {
		if _, ok := bootstrap.LayerFor(architecture); ok {
			t.Errorf("there is a layer for %q", architecture)
		}
	}
}

func TestLayerDigestsAndSize(t *testing.T) {
	t.Parallel()
	for architecture := range machines {
		layer := layerFor(t, architecture)
		if got := digest(layer.Compressed); got != layer.Digest {
			t.Errorf("%s: the digest is %s, but the bytes have %s", architecture, layer.Digest, got)
		}
		if got := digest(uncompressed(t, layer)); got != layer.DiffID {
			t.Errorf("%s: the diff ID is %s, but the archive has %s", architecture, layer.DiffID, got)
		}
		if len(layer.Compressed) > maxLayerSize {
			t.Errorf("%s: the layer has %d bytes, more than %d", architecture, len(layer.Compressed), maxLayerSize)
		}
	}
}

// TestLayerContent checks that the layer holds the program, the empty /var/task and
// nothing else, that any user can read and run it, and that it carries no times and
// no owners, which would make it irreproducible.
func TestLayerContent(t *testing.T) {
	t.Parallel()
	for architecture := range machines {
		r := tar.NewReader(bytes.NewReader(uncompressed(t, layerFor(t, architecture))))
		var names []string
		for {
			header, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, header.Name)
			isProgram := "/"+header.Name == bootstrap.Entrypoint
			if (header.Typeflag == tar.TypeReg) != isProgram || (header.Typeflag == tar.TypeDir) == isProgram {
				t.Errorf("%s: %s is of type %q", architecture, header.Name, header.Typeflag)
			}
			if header.Mode != 0o755 || header.Uid != 0 || header.Gid != 0 || header.Uname != "" || header.Gname != "" || !header.ModTime.Equal(time.Unix(0, 0)) {
				t.Errorf("%s: %s has mode %o, owner %d:%d %q:%q and time %v", architecture, header.Name,
					header.Mode, header.Uid, header.Gid, header.Uname, header.Gname, header.ModTime)
			}
		}
		if got, want := strings.Join(names, " "), "lambdaseed-placeholder var/ var/task/"; got != want {
			t.Errorf("%s: the layer holds %s, want %s", architecture, got, want)
		}
	}
}

// TestProgramIsStatic checks that the program is an executable of the right
// architecture that needs no loader and no library.
func TestProgramIsStatic(t *testing.T) {
	t.Parallel()
	for architecture, machine := range machines {
		file, err := elf.NewFile(bytes.NewReader(programFor(t, architecture)))
		if err != nil {
			t.Fatalf("%s: %v", architecture, err)
		}
		if file.Machine != machine || file.Type != elf.ET_EXEC || file.Class != elf.ELFCLASS64 || file.Data != elf.ELFDATA2LSB {
			t.Errorf("%s: the program is %v, %v, %v, %v", architecture, file.Machine, file.Type, file.Class, file.Data)
		}
		for _, segment := range file.Progs {
			if segment.Type == elf.PT_INTERP || segment.Type == elf.PT_DYNAMIC {
				t.Errorf("%s: the program has a segment %v", architecture, segment.Type)
			}
		}
	}
}

// TestProgramKnowsItsEnvironment guards against a variable that is renamed on one
// side only: the program cannot import this package, which embeds it.
func TestProgramKnowsItsEnvironment(t *testing.T) {
	t.Parallel()
	for architecture := range machines {
		program := programFor(t, architecture)
		for _, name := range []string{bootstrap.EnvStatusCode, bootstrap.EnvContentType, bootstrap.EnvBodyBase64} {
			if !bytes.Contains(program, []byte(name)) {
				t.Errorf("%s: the program does not know %s", architecture, name)
			}
		}
	}
}

func layerFor(t *testing.T, architecture string) bootstrap.Layer {
	t.Helper()
	layer, ok := bootstrap.LayerFor(architecture)
	if !ok {
		t.Fatalf("there is no layer for %s", architecture)
	}
	return layer
}

func uncompressed(t *testing.T, layer bootstrap.Layer) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(layer.Compressed))
	if err != nil {
		t.Fatal(err)
	}
	archive, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return archive
}

// programFor returns the executable of an architecture: the first file in its layer.
func programFor(t *testing.T, architecture string) []byte {
	t.Helper()
	r := tar.NewReader(bytes.NewReader(uncompressed(t, layerFor(t, architecture))))
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	program, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return program
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}
