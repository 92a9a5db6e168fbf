// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"bufio"
	"bytes"
	"crypto/sha1" // #nosec G505 -- one of S3's checksums
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
)

// objectBody takes the body of an upload out of its wire form: SDKs send it in
// signed or unsigned chunks with a checksum as trailer, or plain with the
// checksum in a header. Checksums are verified and returned as headers.
// Source: S3 user guide, sigv4-streaming-trailers.
func objectBody(header http.Header, raw []byte) ([]byte, http.Header, *apiError) {
	body, trailer := raw, http.Header{}
	if strings.HasPrefix(header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		var err error
		if body, trailer, err = unchunk(raw); err != nil {
			return nil, nil, clientError("IncompleteBody", "The request body is not in aws-chunked form: %s", err)
		}
		if want := header.Get("X-Amz-Decoded-Content-Length"); want != strconv.Itoa(len(body)) {
			return nil, nil, clientError("IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header")
		}
	}
	checksums := http.Header{}
	for _, from := range []http.Header{header, trailer} {
		for name, algorithm := range checksumAlgorithms {
			sent := from.Get(name)
			if sent == "" {
				continue
			}
			h := algorithm()
			_, _ = h.Write(body) // a hash never fails
			if sent != base64.StdEncoding.EncodeToString(h.Sum(nil)) {
				return nil, nil, clientError("BadDigest", "The %s you specified did not match the calculated checksum.", strings.ToLower(name))
			}
			checksums.Set(name, sent)
		}
	}
	return body, checksums, nil
}

// checksumAlgorithms are those that are verified, by header; CRC64NVME is not.
var checksumAlgorithms = map[string]func() hash.Hash{
	"X-Amz-Checksum-Crc32":  func() hash.Hash { return crc32.NewIEEE() },
	"X-Amz-Checksum-Crc32c": func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) },
	"X-Amz-Checksum-Sha1":   sha1.New, // #nosec G401 -- see above
	"X-Amz-Checksum-Sha256": sha256.New,
}

// unchunk reads "SIZE[;chunk-signature=…]\r\nDATA\r\n" until a chunk of size 0,
// then the trailer.
func unchunk(raw []byte) (body []byte, trailer http.Header, err error) {
	in := bufio.NewReader(bytes.NewReader(raw))
	var out bytes.Buffer
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return nil, nil, fmt.Errorf("chunk header: %w", err)
		}
		sizeText, _, _ := strings.Cut(strings.TrimSpace(line), ";")
		size, err := strconv.ParseInt(sizeText, 16, 64)
		if err != nil || size < 0 {
			return nil, nil, fmt.Errorf("chunk size %q", sizeText)
		}
		if size == 0 {
			break
		}
		if _, err := io.CopyN(&out, in, size); err != nil {
			return nil, nil, fmt.Errorf("chunk of %d bytes: %w", size, err)
		}
		if line, err := in.ReadString('\n'); err != nil || strings.TrimSpace(line) != "" {
			return nil, nil, fmt.Errorf("chunk of %d bytes does not end in a line break", size)
		}
	}
	fields, err := textproto.NewReader(in).ReadMIMEHeader()
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, fmt.Errorf("trailer: %w", err)
	}
	return out.Bytes(), http.Header(fields), nil
}

// contentEncodings are the object's own, without the one of the wire.
func contentEncodings(header http.Header) []string {
	var out []string
	for encoding := range strings.SplitSeq(header.Get("Content-Encoding"), ",") {
		if encoding = strings.TrimSpace(encoding); encoding != "" && encoding != "aws-chunked" {
			out = append(out, encoding)
		}
	}
	return out
}
