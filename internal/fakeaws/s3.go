// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"
)

// s3Service is S3: buckets with one namespace for everybody, objects with
// versions. It never lists in more than one page.
type s3Service struct {
	srv *Server

	mu      sync.Mutex
	buckets map[string]*s3Bucket
}

type s3Bucket struct {
	name       string
	key        regionKey
	versioning string // "", Enabled, Suspended
	created    time.Time
	tags       map[string]string
	objects    map[string][]*s3Object // by key, oldest version first
}

// s3Object is one version of an object, or a delete marker.
type s3Object struct {
	version      string // "null" where it was put without versioning
	deleted      bool
	body         []byte
	etag         string // with its quotes
	modified     time.Time
	header       http.Header // Content-Type, Cache-Control, x-amz-meta-*, checksums …
	tags         map[string]string
	storageClass string
}

// newS3 makes S3. Source: S3 API reference.
func newS3(s *Server) *service {
	t := &s3Service{srv: s, buckets: map[string]*s3Bucket{}}
	s.s3 = t
	operations := map[string]operation{}
	for _, group := range []map[string]operation{t.bucketOperations(), t.objectOperations()} {
		for name, op := range group {
			op.needs = needsObject
			operations[name] = op
		}
	}
	return &service{name: serviceS3, protocol: protocolRESTXML, identify: identifyS3, operations: operations}
}

// subresources are the query keys that make a request one about something else
// than the bucket or the object.
var subresources = []struct{ query, name string }{
	{"versioning", "Versioning"},
	{"tagging", "Tagging"},
	{"versions", "Versions"},
	{"location", "Location"},
	{"acl", "Acl"},
	{"policy", "Policy"},
	{"delete", "Delete"},
	{"uploads", "Uploads"},
	{"uploadId", "Upload"},
}

// identifyS3 names the operation. Source: API reference, request syntax.
func identifyS3(r *http.Request) string {
	_, key := splitS3(r)
	what := "Bucket"
	if key != "" {
		what = "Object"
	}
	about := ""
	for _, s := range subresources {
		if r.URL.Query().Has(s.query) {
			about = s.name
			break
		}
	}
	verb := map[string]string{"PUT": "Put", "GET": "Get", "HEAD": "Head", "DELETE": "Delete", "POST": "Post"}[r.Method]
	switch {
	case about == "Versions" && what == "Bucket":
		return "ListObjectVersions"
	case about == "" && what == "Bucket" && r.Method == http.MethodPut:
		return "CreateBucket"
	case about == "" && what == "Bucket" && r.Method == http.MethodGet:
		return "ListObjectsV2"
	}
	return verb + what + about
}

// splitS3 tells bucket and key, virtual-hosted or path style.
func splitS3(r *http.Request) (bucket, key string) {
	path := strings.TrimPrefix(r.URL.Path, "/")
	if h, ok := parseAWSHost(r.Host); ok && h.Bucket != "" {
		return h.Bucket, path
	}
	bucket, key, _ = strings.Cut(path, "/")
	return bucket, key
}

// needsObject is the permission on the bucket or object of the request; some
// operations have an action of another name.
func needsObject(c *call) []permission {
	bucket, key := splitS3(c.Request)
	action := map[string]string{
		"HeadBucket": "ListBucket", "ListObjectsV2": "ListBucket", "ListObjectVersions": "ListBucketVersions", "HeadObject": "GetObject",
		"DeleteBucketTagging": "PutBucketTagging",
	}[c.Operation]
	if action == "" {
		action = c.Operation
	}
	resource := arn(c.Region, "s3", "", "", bucket)
	if key != "" {
		resource += "/" + key
	}
	return []permission{{"s3:" + action, resource}}
}

var bucketNamePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// bucket finds the request's bucket and sees that it is asked where it is;
// t.mu must be held.
func (t *s3Service) bucket(c *call) (*s3Bucket, string, *apiError) {
	name, key := splitS3(c.Request)
	b, ok := t.buckets[name]
	if !ok {
		return nil, "", noSuchBucket()
	}
	if b.key.Region != c.Region {
		return nil, "", elsewhere()
	}
	if b.key.Account != c.Account {
		return nil, "", statusError(http.StatusForbidden, "AccessDenied", "Access Denied")
	}
	return b, key, nil
}

func noSuchBucket() *apiError {
	return statusError(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
}

func noSuchKey() *apiError {
	return statusError(http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
}

// elsewhere is the answer to a bucket's request at another region's endpoint.
// Seen in hashicorp/terraform-provider-aws#43568.
func elsewhere() *apiError {
	return statusError(http.StatusMovedPermanently, "PermanentRedirect",
		"The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.")
}

// latest is the newest version of a key, nil when it is deleted.
func (b *s3Bucket) latest(key string) *s3Object {
	versions := b.objects[key]
	if len(versions) == 0 || versions[len(versions)-1].deleted {
		return nil
	}
	return versions[len(versions)-1]
}

// find returns one version of a key, the newest for "".
func (b *s3Bucket) find(key, version string) (*s3Object, *apiError) {
	if version == "" {
		if o := b.latest(key); o != nil {
			return o, nil
		}
		return nil, noSuchKey()
	}
	for _, o := range b.objects[key] {
		if o.version == version && !o.deleted {
			return o, nil
		}
	}
	return nil, statusError(http.StatusNotFound, "NoSuchVersion", "The specified version does not exist.")
}

// fetch reads an object for Lambda, which must be in the bucket's region.
func (t *s3Service) fetch(bucket, key, version, region string) ([]byte, *apiError) {
	t.mu.Lock()
	defer t.mu.Unlock()
	b, ok := t.buckets[bucket]
	if !ok {
		return nil, noSuchBucket()
	}
	if b.key.Region != region {
		return nil, elsewhere()
	}
	o, refusal := b.find(key, version)
	if refusal != nil {
		return nil, refusal
	}
	return o.body, nil
}

// queryTags reads the x-amz-tagging header, a query string.
func queryTags(header string) (map[string]string, *apiError) {
	values, err := url.ParseQuery(header)
	if err != nil {
		return nil, clientError("InvalidArgument", "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.")
	}
	tags := map[string]string{}
	for key := range values {
		tags[key] = values.Get(key)
	}
	return tags, nil
}
