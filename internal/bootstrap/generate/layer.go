// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/bootstrap"
)

// maxLayerSize is the limit of a compressed layer in bytes. A placeholder is
// pushed by machines with slow uplinks, so growth has to be noticed here.
const maxLayerSize = 1_200_000

// layer is a compressed layer together with its digests.
type layer struct {
	compressed     []byte
	digest, diffID string
}

// newLayer packs the program into a layer. The same program gives the same bytes:
// no times, no owners, one fixed order.
func newLayer(program []byte) (layer, error) {
	archive, err := newArchive(program)
	if err != nil {
		return layer{}, err
	}
	var compressed bytes.Buffer
	zip, err := gzip.NewWriterLevel(&compressed, gzip.BestCompression)
	if err != nil {
		return layer{}, err
	}
	if _, err := zip.Write(archive); err != nil {
		return layer{}, err
	}
	if err := zip.Close(); err != nil {
		return layer{}, err
	}
	if compressed.Len() > maxLayerSize {
		return layer{}, fmt.Errorf("the compressed layer has %d bytes, more than the %d that are allowed", compressed.Len(), maxLayerSize)
	}
	return layer{
		compressed: compressed.Bytes(),
		digest:     digest(compressed.Bytes()),
		diffID:     digest(archive),
	}, nil
}

// newArchive returns the tar archive of a layer. Every mode is readable by all,
// because Lambda runs the program as a user of its own choice. /var/task exists
// because a function may name it as its working directory.
func newArchive(program []byte) ([]byte, error) {
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for _, entry := range []struct {
		name     string
		typeflag byte
		content  []byte
	}{
		{strings.TrimPrefix(bootstrap.Entrypoint, "/"), tar.TypeReg, program},
		{"var/", tar.TypeDir, nil},
		{"var/task/", tar.TypeDir, nil},
	} {
		header := &tar.Header{
			Typeflag: entry.typeflag,
			Name:     entry.name,
			Size:     int64(len(entry.content)),
			Mode:     0o755,
			ModTime:  time.Unix(0, 0),
			Format:   tar.FormatUSTAR,
		}
		if err := w.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := w.Write(entry.content); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return archive.Bytes(), nil
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}
