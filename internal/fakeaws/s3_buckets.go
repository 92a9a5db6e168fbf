// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"encoding/xml"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

func (t *s3Service) bucketOperations() map[string]operation {
	return map[string]operation{
		"CreateBucket":        {handle: t.createBucket},
		"HeadBucket":          {handle: t.headBucket},
		"DeleteBucket":        {handle: t.deleteBucket},
		"GetBucketLocation":   {handle: t.getLocation},
		"PutBucketVersioning": {handle: t.putVersioning},
		"GetBucketVersioning": {handle: t.getVersioning},
		"PutBucketTagging":    {handle: t.putBucketTagging},
		"GetBucketTagging":    {handle: t.getBucketTagging},
		"DeleteBucketTagging": {handle: t.deleteBucketTagging},
		"ListObjectsV2":       {handle: t.listObjects},
		"ListObjectVersions":  {handle: t.listVersions},
	}
}

// decodeXML reads the request's body; an empty one leaves v as it is.
func decodeXML(c *call, v any) *apiError {
	if len(c.Body) == 0 {
		return nil
	}
	if err := xml.Unmarshal(c.Body, v); err != nil {
		return clientError("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	}
	return nil
}

func (t *s3Service) createBucket(c *call) (any, error) {
	var in struct {
		LocationConstraint string `xml:"LocationConstraint"`
	}
	if refusal := decodeXML(c, &in); refusal != nil {
		return nil, refusal
	}
	name, _ := splitS3(c.Request)
	if !bucketNamePattern.MatchString(name) {
		return nil, clientError("InvalidBucketName", "The specified bucket is not valid.")
	}
	where := in.LocationConstraint
	if where == "" {
		where = "us-east-1"
	}
	// Source: S3 error responses; us-east-1 takes no constraint that names it.
	switch {
	case in.LocationConstraint == "us-east-1":
		return nil, clientError("InvalidLocationConstraint", "The specified location-constraint is not valid")
	case where != c.Region && in.LocationConstraint == "":
		return nil, clientError("IllegalLocationConstraintException", "The unspecified location constraint is incompatible for the region specific endpoint this request was sent to.")
	case where != c.Region:
		return nil, clientError("IllegalLocationConstraintException", "The %s location constraint is incompatible for the region specific endpoint this request was sent to.", where)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if existing, ok := t.buckets[name]; ok {
		if existing.key.Account == c.Account {
			return nil, statusError(http.StatusConflict, "BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it.")
		}
		return nil, statusError(http.StatusConflict, "BucketAlreadyExists", "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.")
	}
	t.buckets[name] = &s3Bucket{
		name: name, key: regionKey{c.Account, c.Region}, created: t.srv.clock.now(), tags: map[string]string{}, objects: map[string][]*s3Object{},
	}
	return &reply{Header: http.Header{"Location": {"/" + name}}}, nil
}

// with hands the request's bucket and key over, locked.
func (t *s3Service) with(c *call, f func(b *s3Bucket, key string) (any, *apiError)) (any, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	b, key, refusal := t.bucket(c)
	if refusal != nil {
		return nil, refusal
	}
	out, refusal := f(b, key)
	if refusal != nil {
		return nil, refusal
	}
	return out, nil
}

func (t *s3Service) headBucket(c *call) (any, error) {
	return t.with(c, func(b *s3Bucket, _ string) (any, *apiError) {
		return &reply{Header: http.Header{"X-Amz-Bucket-Region": {b.key.Region}}}, nil
	})
}

func (t *s3Service) deleteBucket(c *call) (any, error) {
	return t.with(c, func(b *s3Bucket, _ string) (any, *apiError) {
		if len(b.objects) > 0 {
			message := "The bucket you tried to delete is not empty"
			if b.versioning != "" {
				message += ". You must delete all versions in the bucket."
			}
			return nil, statusError(http.StatusConflict, "BucketNotEmpty", "%s", message)
		}
		delete(t.buckets, b.name)
		return &reply{Status: http.StatusNoContent}, nil
	})
}

// getLocation answers at every endpoint; us-east-1 is nothing at all.
func (t *s3Service) getLocation(c *call) (any, error) {
	name, _ := splitS3(c.Request)
	t.mu.Lock()
	defer t.mu.Unlock()
	b, ok := t.buckets[name]
	if !ok {
		return nil, noSuchBucket()
	}
	region := b.key.Region
	if region == "us-east-1" {
		region = ""
	}
	return struct {
		XMLName xml.Name `xml:"LocationConstraint"`
		Region  string   `xml:",chardata"`
	}{Region: region}, nil
}

type versioningBody struct {
	XMLName xml.Name `xml:"VersioningConfiguration"`
	Status  string   `xml:"Status,omitempty"`
}

func (t *s3Service) putVersioning(c *call) (any, error) {
	var in versioningBody
	if refusal := decodeXML(c, &in); refusal != nil {
		return nil, refusal
	}
	if in.Status != "Enabled" && in.Status != "Suspended" {
		return nil, clientError("IllegalVersioningConfigurationException", "The Versioning element must be specified")
	}
	return t.with(c, func(b *s3Bucket, _ string) (any, *apiError) {
		b.versioning = in.Status
		return &reply{}, nil
	})
}

func (t *s3Service) getVersioning(c *call) (any, error) {
	return t.with(c, func(b *s3Bucket, _ string) (any, *apiError) { return versioningBody{Status: b.versioning}, nil })
}

// taggingBody is the tag set of a bucket or an object.
type taggingBody struct {
	XMLName xml.Name `xml:"Tagging"`
	Tags    []xmlTag `xml:"TagSet>Tag"`
}

func newTagging(tags map[string]string) taggingBody {
	var out taggingBody
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		out.Tags = append(out.Tags, xmlTag{key, tags[key]})
	}
	return out
}

func (in taggingBody) plain() map[string]string {
	out := map[string]string{}
	for _, tag := range in.Tags {
		out[tag.Key] = tag.Value
	}
	return out
}

func (t *s3Service) putBucketTagging(c *call) (any, error) {
	var in taggingBody
	if refusal := decodeXML(c, &in); refusal != nil {
		return nil, refusal
	}
	return t.with(c, func(b *s3Bucket, _ string) (any, *apiError) {
		b.tags = in.plain()
		return &reply{Status: http.StatusNoContent}, nil
	})
}

func (t *s3Service) getBucketTagging(c *call) (any, error) {
	return t.with(c, func(b *s3Bucket, _ string) (any, *apiError) {
		if len(b.tags) == 0 {
			return nil, statusError(http.StatusNotFound, "NoSuchTagSet", "The TagSet does not exist")
		}
		return newTagging(b.tags), nil
	})
}

func (t *s3Service) deleteBucketTagging(c *call) (any, error) {
	return t.with(c, func(b *s3Bucket, _ string) (any, *apiError) {
		b.tags = map[string]string{}
		return &reply{Status: http.StatusNoContent}, nil
	})
}

type listedObject struct {
	Key          string `xml:"Key"`
	VersionID    string `xml:"VersionId,omitempty"`
	IsLatest     *bool  `xml:"IsLatest,omitempty"`
	LastModified string `xml:"LastModified"`
	ETag         string `xml:"ETag,omitempty"`
	Size         *int   `xml:"Size,omitempty"`
	StorageClass string `xml:"StorageClass,omitempty"`
}

func (t *s3Service) listObjects(c *call) (any, error) {
	prefix := c.Request.URL.Query().Get("prefix")
	return t.with(c, func(b *s3Bucket, _ string) (any, *apiError) {
		out := struct {
			XMLName     xml.Name       `xml:"ListBucketResult"`
			Name        string         `xml:"Name"`
			Prefix      string         `xml:"Prefix"`
			KeyCount    int            `xml:"KeyCount"`
			IsTruncated bool           `xml:"IsTruncated"`
			Contents    []listedObject `xml:"Contents"`
		}{Name: b.name, Prefix: prefix}
		for _, key := range slices.Sorted(maps.Keys(b.objects)) {
			if o := b.latest(key); o != nil && strings.HasPrefix(key, prefix) {
				size := len(o.body)
				out.Contents = append(out.Contents, listedObject{Key: key, LastModified: isoTime(o.modified), ETag: o.etag, Size: &size, StorageClass: o.class()})
			}
		}
		out.KeyCount = len(out.Contents)
		return out, nil
	})
}

func isoTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func (o *s3Object) class() string {
	if o.storageClass == "" {
		return "STANDARD"
	}
	return o.storageClass
}

func (t *s3Service) listVersions(c *call) (any, error) {
	prefix := c.Request.URL.Query().Get("prefix")
	return t.with(c, func(b *s3Bucket, _ string) (any, *apiError) {
		out := struct {
			XMLName       xml.Name       `xml:"ListVersionsResult"`
			Name          string         `xml:"Name"`
			Prefix        string         `xml:"Prefix"`
			IsTruncated   bool           `xml:"IsTruncated"`
			Versions      []listedObject `xml:"Version"`
			DeleteMarkers []listedObject `xml:"DeleteMarker"`
		}{Name: b.name, Prefix: prefix}
		for _, key := range slices.Sorted(maps.Keys(b.objects)) {
			if !strings.HasPrefix(key, prefix) {
				continue
			}
			versions := b.objects[key]
			for i, o := range slices.Backward(versions) {
				latest, size := i == len(versions)-1, len(o.body)
				listed := listedObject{Key: key, VersionID: o.version, IsLatest: &latest, LastModified: isoTime(o.modified)}
				if o.deleted {
					out.DeleteMarkers = append(out.DeleteMarkers, listed)
					continue
				}
				listed.ETag, listed.Size, listed.StorageClass = o.etag, &size, o.class()
				out.Versions = append(out.Versions, listed)
			}
		}
		return out, nil
	})
}
