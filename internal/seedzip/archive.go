// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package seedzip

import (
	"archive/zip"
	"bytes"
	"hash/crc32"
	"io/fs"
)

// file is one file of an archive.
type file struct {
	name    string
	content string
	mode    fs.FileMode
}

// The modes that Lambda needs: it runs functions as a user of its own, who must be
// able to read everything and to execute the program of an OS-only runtime (source:
// Lambda Developer Guide, "Working with .zip file archives").
const (
	readable   fs.FileMode = 0o644
	executable fs.FileMode = 0o755
)

// zipEpoch is the first day that a .zip archive can tell, 1 January 1980.
const zipEpoch = 1<<5 | 1

// archive returns the files as a .zip archive. They are stored as they are, since
// the output of a compressor may differ from one version of Go to the next. Sizes
// and checksums stand before the content, as readers that stream require of stored
// files.
func archive(files []file) ([]byte, error) {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range files {
		header := &zip.FileHeader{
			Name:               f.name,
			Method:             zip.Store,
			CRC32:              crc32.ChecksumIEEE([]byte(f.content)),
			CompressedSize64:   uint64(len(f.content)),
			UncompressedSize64: uint64(len(f.content)),
			ModifiedDate:       zipEpoch, //nolint:staticcheck // CreateRaw writes this one, and not Modified
		}
		header.SetMode(f.mode)
		content, err := w.CreateRaw(header)
		if err != nil {
			return nil, err
		}
		if _, err := content.Write([]byte(f.content)); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
