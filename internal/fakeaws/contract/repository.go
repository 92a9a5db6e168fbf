// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package contract

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// repository is a repository of the case's own and its registry.
type repository struct {
	s                      *session
	name, id, host, scheme string
	arn                    string
	user, password         string
}

// repository creates one; it is deleted with the case, whatever is in it.
func (s *session) repository(change ...func(*ecr.CreateRepositoryInput)) *repository {
	s.Helper()
	in := &ecr.CreateRepositoryInput{RepositoryName: aws.String(s.name())}
	for _, f := range change {
		f(in)
	}
	out, err := s.ecr.CreateRepository(s.ctx, in)
	s.must(err)
	name := aws.ToString(in.RepositoryName)
	s.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), time.Minute)
		defer cancel()
		_, err := s.ecr.DeleteRepository(ctx, &ecr.DeleteRepositoryInput{RepositoryName: &name, Force: true})
		if code := codeOf(err); code != "" && code != "RepositoryNotFoundException" {
			s.Errorf("cleaning up: %v", err)
		}
	})
	r := &repository{s: s, name: name, id: aws.ToString(out.Repository.RegistryId), arn: aws.ToString(out.Repository.RepositoryArn)}
	r.login(s.ecr)
	return r
}

// login takes a password from an ECR client.
func (r *repository) login(client *ecr.Client) {
	r.s.Helper()
	out, err := client.GetAuthorizationToken(r.s.ctx, nil)
	r.s.must(err)
	plain, err := base64.StdEncoding.DecodeString(aws.ToString(out.AuthorizationData[0].AuthorizationToken))
	r.s.must(err)
	r.user, r.password, _ = strings.Cut(string(plain), ":")
	if r.host == "" {
		endpoint, err := url.Parse(aws.ToString(out.AuthorizationData[0].ProxyEndpoint))
		r.s.must(err)
		r.host, r.scheme = endpoint.Host, endpoint.Scheme
	}
}

// answer is what the registry said.
type answer struct {
	status int // 0 if the connection was dropped
	header http.Header
	body   []byte
	code   string // of the first error
	text   string
}

// do sends one request to the registry, without retries or redirects. The path
// is below the repository ("/manifests/x"), or absolute ("https://…").
func (r *repository) do(method, path string, body []byte, header ...string) answer {
	r.s.Helper()
	target := path
	if !strings.Contains(path, "://") {
		target = r.scheme + "://" + r.host + "/v2/" + r.name + path
	}
	request, err := http.NewRequestWithContext(r.s.ctx, method, target, bytes.NewReader(body))
	r.s.must(err)
	if r.user != "" {
		request.SetBasicAuth(r.user, r.password)
	}
	request.Header.Set("User-Agent", "fakeaws-contract")
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Add(header[i], header[i+1])
	}
	response, err := r.s.target.Transport.RoundTrip(request)
	if err != nil {
		r.s.Logf("%s %s: %v", method, path, err)
		return answer{text: err.Error()}
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(io.LimitReader(response.Body, 8<<20))
	r.s.must(err)
	a := answer{status: response.StatusCode, header: response.Header, body: content}
	var parsed struct {
		Errors []struct{ Code, Message string }
	}
	if json.Unmarshal(content, &parsed) == nil && len(parsed.Errors) > 0 {
		a.code, a.text = parsed.Errors[0].Code, parsed.Errors[0].Message
	}
	return a
}

// want fails unless the answer has the status and, if not "", the error code.
func (r *repository) want(a answer, status int, code string) {
	r.s.Helper()
	if a.status != status || a.code != code {
		r.s.Fatalf("answer = %d %s %q, want %d %s", a.status, a.code, a.text, status, code)
	}
}

// resolve makes a Location absolute.
func (r *repository) resolve(location string) string {
	r.s.Helper()
	base := &url.URL{Scheme: r.scheme, Host: r.host}
	u, err := base.Parse(location)
	r.s.must(err)
	return u.String()
}

func digestOf(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// upload begins an upload and returns its URL.
func (r *repository) upload() string {
	r.s.Helper()
	a := r.do(http.MethodPost, "/blobs/uploads/", nil)
	r.want(a, http.StatusAccepted, "")
	return r.resolve(a.header.Get("Location"))
}

// blob pushes a blob as go-containerregistry does and returns its digest.
func (r *repository) blob(content []byte) string {
	r.s.Helper()
	location := r.upload()
	r.want(r.do(http.MethodPatch, location, content), http.StatusCreated, "")
	digest := digestOf(content)
	r.want(r.do(http.MethodPut, location+"?digest="+url.QueryEscape(digest), nil), http.StatusCreated, "")
	return digest
}

// image is a small image whose blobs are in the repository.
type image struct {
	manifest          []byte
	digest, mediaType string
	config, layer     []byte
}

// descriptor is as in the image spec.
type descriptor struct {
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"`
	Size      int    `json:"size"`
}

type imageManifest struct {
	SchemaVersion int               `json:"schemaVersion"`
	MediaType     string            `json:"mediaType,omitempty"`
	Config        descriptor        `json:"config"`
	Layers        []descriptor      `json:"layers"`
	Annotations   map[string]string `json:"annotations,omitempty"`
}

// build makes an image that differs by its seed, without pushing anything.
func build(seed string, docker bool) image {
	layer := []byte("not really a layer of " + seed)
	config := []byte(`{"architecture":"amd64","os":"linux","config":{"Labels":{"seed":"` + seed + `"}},"rootfs":{"type":"layers","diff_ids":["` + digestOf(layer) + `"]}}`)
	m := imageManifest{SchemaVersion: 2, MediaType: string(types.OCIManifestSchema1)}
	configType, layerType := types.OCIConfigJSON, types.OCILayer
	if docker {
		m.MediaType, configType, layerType = string(types.DockerManifestSchema2), types.DockerConfigJSON, types.DockerLayer
	}
	m.Config = descriptor{string(configType), digestOf(config), len(config)}
	m.Layers = []descriptor{{string(layerType), digestOf(layer), len(layer)}}
	manifest, err := json.Marshal(m)
	if err != nil {
		panic(err) // a plain struct always encodes
	}
	return image{manifest: manifest, digest: digestOf(manifest), mediaType: m.MediaType, config: config, layer: layer}
}

// blobs pushes config and layer of an image.
func (r *repository) blobs(i image) {
	r.s.Helper()
	r.blob(i.config)
	r.blob(i.layer)
}

// put pushes an image under references; its blobs go first.
func (r *repository) put(seed string, references ...string) image {
	r.s.Helper()
	i := build(seed, false)
	r.blobs(i)
	for _, reference := range references {
		if reference == "@" {
			reference = i.digest
		}
		r.want(r.putManifest(i, reference), http.StatusCreated, "")
	}
	return i
}

func (r *repository) putManifest(i image, reference string) answer {
	r.s.Helper()
	return r.do(http.MethodPut, "/manifests/"+reference, i.manifest, "Content-Type", i.mediaType)
}

// index makes an index of images that the repository has.
func index(children ...image) image {
	type indexManifest struct {
		SchemaVersion int          `json:"schemaVersion"`
		MediaType     string       `json:"mediaType"`
		Manifests     []descriptor `json:"manifests"`
	}
	m := indexManifest{SchemaVersion: 2, MediaType: string(types.OCIImageIndex)}
	for _, child := range children {
		m.Manifests = append(m.Manifests, descriptor{child.mediaType, child.digest, len(child.manifest)})
	}
	manifest, err := json.Marshal(m)
	if err != nil {
		panic(err) // a plain struct always encodes
	}
	return image{manifest: manifest, digest: digestOf(manifest), mediaType: m.MediaType}
}

// tags returns tag -> digest as ListImages shows it, and the untagged digests
// under "".
func (r *repository) tags() (tagged map[string]string, untagged []string) {
	r.s.Helper()
	tagged = map[string]string{}
	pages := ecr.NewListImagesPaginator(r.s.ecr, &ecr.ListImagesInput{RepositoryName: &r.name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(r.s.ctx)
		r.s.must(err)
		for _, id := range page.ImageIds {
			if id.ImageTag == nil {
				untagged = append(untagged, aws.ToString(id.ImageDigest))
				continue
			}
			tagged[*id.ImageTag] = aws.ToString(id.ImageDigest)
		}
	}
	return tagged, untagged
}

// delete is BatchDeleteImage with the given ids.
func (r *repository) delete(ids ...ecrtypes.ImageIdentifier) *ecr.BatchDeleteImageOutput {
	r.s.Helper()
	out, err := r.s.ecr.BatchDeleteImage(r.s.ctx, &ecr.BatchDeleteImageInput{RepositoryName: &r.name, ImageIds: ids})
	r.s.must(err)
	return out
}

func byTag(tag string) ecrtypes.ImageIdentifier { return ecrtypes.ImageIdentifier{ImageTag: &tag} }

func byDigest(digest string) ecrtypes.ImageIdentifier {
	return ecrtypes.ImageIdentifier{ImageDigest: &digest}
}

func byBoth(tag, digest string) ecrtypes.ImageIdentifier {
	return ecrtypes.ImageIdentifier{ImageTag: &tag, ImageDigest: &digest}
}
