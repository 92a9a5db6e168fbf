// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"crypto/md5" // #nosec G501 -- S3's ETag is an MD5
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
)

func (t *s3Service) objectOperations() map[string]operation {
	return map[string]operation{
		"PutObject":           {handle: t.putObject},
		"GetObject":           {handle: t.getObject},
		"HeadObject":          {handle: t.getObject},
		"DeleteObject":        {handle: t.deleteObject},
		"PutObjectTagging":    {handle: t.putObjectTagging},
		"GetObjectTagging":    {handle: t.getObjectTagging},
		"DeleteObjectTagging": {handle: t.deleteObjectTagging},
	}
}

// keptHeaders are those that come back as they were sent.
var keptHeaders = []string{
	"Content-Type", "Cache-Control", "Content-Disposition", "Content-Language", "Expires",
	"X-Amz-Website-Redirect-Location", "X-Amz-Server-Side-Encryption", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id",
}

func (t *s3Service) putObject(c *call) (any, error) {
	body, checksums, refusal := objectBody(c.Request.Header, c.Body)
	if refusal != nil {
		return nil, refusal
	}
	sum := md5.Sum(body) // #nosec G401 -- see above
	if sent := c.Request.Header.Get("Content-Md5"); sent != "" && sent != base64.StdEncoding.EncodeToString(sum[:]) {
		return nil, clientError("BadDigest", "The Content-MD5 you specified did not match what we received.")
	}
	tags, refusal := queryTags(c.Request.Header.Get("X-Amz-Tagging"))
	if refusal != nil {
		return nil, refusal
	}
	o := &s3Object{
		version: "null", body: body, etag: `"` + hex.EncodeToString(sum[:]) + `"`, modified: t.srv.clock.now(),
		header: checksums, tags: tags, storageClass: c.Request.Header.Get("X-Amz-Storage-Class"),
	}
	for name, values := range c.Request.Header {
		if slices.Contains(keptHeaders, name) || strings.HasPrefix(name, "X-Amz-Meta-") {
			o.header[name] = slices.Clone(values)
		}
	}
	if o.header.Get("Content-Type") == "" {
		o.header.Set("Content-Type", "binary/octet-stream")
	}
	if encodings := contentEncodings(c.Request.Header); len(encodings) > 0 {
		o.header.Set("Content-Encoding", strings.Join(encodings, ","))
	}
	if o.header.Get("X-Amz-Server-Side-Encryption") == "" {
		o.header.Set("X-Amz-Server-Side-Encryption", "AES256")
	}
	if o.storageClass == "STANDARD" { // never named. Source: API reference, HeadObject
		o.storageClass = ""
	}
	return t.with(c, func(b *s3Bucket, key string) (any, *apiError) {
		header := http.Header{"Etag": {o.etag}, "X-Amz-Server-Side-Encryption": o.header["X-Amz-Server-Side-Encryption"]}
		for name := range checksums {
			if strings.HasPrefix(name, "X-Amz-Checksum-") {
				header[name] = checksums[name]
			}
		}
		if b.versioning == "Enabled" {
			o.version = strings.ReplaceAll(newRequestID(), "-", "")
			header.Set("X-Amz-Version-Id", o.version)
		} else {
			b.objects[key] = slices.DeleteFunc(b.objects[key], func(old *s3Object) bool { return old.version == "null" })
		}
		b.objects[key] = append(b.objects[key], o)
		return &reply{Header: header}, nil
	})
}

// getObject is HEAD as well: net/http sends no body then.
func (t *s3Service) getObject(c *call) (any, error) {
	return t.with(c, func(b *s3Bucket, key string) (any, *apiError) {
		o, refusal := b.find(key, c.Request.URL.Query().Get("versionId"))
		if refusal != nil {
			return nil, refusal
		}
		if match := c.Request.Header.Get("If-Match"); match != "" && strings.Trim(match, `"`) != strings.Trim(o.etag, `"`) {
			return nil, statusError(http.StatusPreconditionFailed, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
		}
		header := o.header.Clone()
		if c.Request.Header.Get("X-Amz-Checksum-Mode") != "ENABLED" {
			for name := range header {
				if strings.HasPrefix(name, "X-Amz-Checksum-") {
					delete(header, name)
				}
			}
		}
		header.Set("Etag", o.etag)
		header.Set("Last-Modified", o.modified.UTC().Format(http.TimeFormat))
		header.Set("Accept-Ranges", "bytes")
		if o.storageClass != "" {
			header.Set("X-Amz-Storage-Class", o.storageClass)
		}
		if b.versioning != "" {
			header.Set("X-Amz-Version-Id", o.version)
		}
		raw := o.body
		if raw == nil {
			raw = []byte{}
		}
		return &reply{Header: header, Raw: raw}, nil
	})
}

// deleteObject removes a version for good, or puts a delete marker over them.
// What is not there is deleted as well. Source: API reference, DeleteObject.
func (t *s3Service) deleteObject(c *call) (any, error) {
	return t.with(c, func(b *s3Bucket, key string) (any, *apiError) {
		header := http.Header{}
		version := c.Request.URL.Query().Get("versionId")
		switch {
		case version != "":
			b.objects[key] = slices.DeleteFunc(b.objects[key], func(o *s3Object) bool { return o.version == version })
			header.Set("X-Amz-Version-Id", version)
		case b.versioning == "":
			delete(b.objects, key)
		default:
			marker := &s3Object{version: "null", deleted: true, modified: t.srv.clock.now()}
			if b.versioning == "Enabled" {
				marker.version = strings.ReplaceAll(newRequestID(), "-", "")
			} else {
				b.objects[key] = slices.DeleteFunc(b.objects[key], func(o *s3Object) bool { return o.version == "null" })
			}
			b.objects[key] = append(b.objects[key], marker)
			header.Set("X-Amz-Delete-Marker", "true")
			header.Set("X-Amz-Version-Id", marker.version)
		}
		if len(b.objects[key]) == 0 {
			delete(b.objects, key)
		}
		return &reply{Status: http.StatusNoContent, Header: header}, nil
	})
}

func (t *s3Service) putObjectTagging(c *call) (any, error) {
	var in taggingBody
	if refusal := decodeXML(c, &in); refusal != nil {
		return nil, refusal
	}
	return t.with(c, func(b *s3Bucket, key string) (any, *apiError) {
		o, refusal := b.find(key, c.Request.URL.Query().Get("versionId"))
		if refusal != nil {
			return nil, refusal
		}
		o.tags = in.plain()
		return &reply{}, nil
	})
}

func (t *s3Service) getObjectTagging(c *call) (any, error) {
	return t.with(c, func(b *s3Bucket, key string) (any, *apiError) {
		o, refusal := b.find(key, c.Request.URL.Query().Get("versionId"))
		if refusal != nil {
			return nil, refusal
		}
		return newTagging(o.tags), nil
	})
}

func (t *s3Service) deleteObjectTagging(c *call) (any, error) {
	return t.with(c, func(b *s3Bucket, key string) (any, *apiError) {
		o, refusal := b.find(key, c.Request.URL.Query().Get("versionId"))
		if refusal != nil {
			return nil, refusal
		}
		o.tags = map[string]string{}
		return &reply{Status: http.StatusNoContent}, nil
	})
}
