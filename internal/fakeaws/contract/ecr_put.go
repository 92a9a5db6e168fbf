// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package contract

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
)

// putAPI is PutImage.
func (r *repository) putAPI(i image, tag string, change ...func(*ecr.PutImageInput)) error {
	r.s.Helper()
	in := &ecr.PutImageInput{RepositoryName: &r.name, ImageManifest: aws.String(string(i.manifest)), ImageTag: aws.String(tag)}
	for _, f := range change {
		f(in)
	}
	_, err := r.s.ecr.PutImage(r.s.ctx, in)
	return err
}

var putFacts = []fact{
	{documented, "PutImage of the same manifest and tag: ImageAlreadyExistsException", "ECR API reference", "", func(s *session) string {
		r := s.repository()
		i := r.put("x", "a")
		s.wantCode(r.putAPI(i, "a"), "ImageAlreadyExistsException")
		s.must(r.putAPI(i, "b"))
		return ""
	}},
	{documented, "PutImage of another manifest to an immutable tag: ImageTagAlreadyExistsException", "ECR API reference", "", func(s *session) string {
		r := s.repository(mutability("IMMUTABLE"))
		r.put("x", "a")
		other := build("y", false)
		r.blobs(other)
		s.wantCode(r.putAPI(other, "a"), "ImageTagAlreadyExistsException")
		return ""
	}},
	{documented, "PutImage with a digest that is not the manifest's: ImageDigestDoesNotMatchException", "ECR API reference", "", func(s *session) string {
		r := s.repository()
		i := build("x", false)
		r.blobs(i)
		err := r.putAPI(i, "a", func(in *ecr.PutImageInput) { in.ImageDigest = aws.String("sha256:" + strings.Repeat("0", 64)) })
		s.wantCode(err, "ImageDigestDoesNotMatchException")
		return ""
	}},
	{documented, "PutImage before its layers: LayersNotFoundException", "ECR API reference", "", func(s *session) string {
		r := s.repository()
		s.wantCode(r.putAPI(build("x", false), "a"), "LayersNotFoundException")
		return ""
	}},
	{documented, "PutImage of an index before its manifests: ReferencedImagesNotFoundException", "ECR API reference", "", func(s *session) string {
		r := s.repository()
		s.wantCode(r.putAPI(index(build("x", false)), "a"), "ReferencedImagesNotFoundException")
		return ""
	}},
	{seen, "PutImage of a manifest without mediaType needs imageManifestMediaType", "aws/aws-sdk#193", "", func(s *session) string {
		r := s.repository()
		i := build("x", false)
		r.blobs(i)
		var m imageManifest
		s.must(json.Unmarshal(i.manifest, &m))
		m.MediaType = ""
		bare, err := json.Marshal(m)
		s.must(err)
		i.manifest = bare
		message := s.wantCode(r.putAPI(i, "a"), "InvalidParameterException")
		s.wantEqual("message", message, "Invalid parameter at 'ImageManifest' failed to satisfy constraint: 'Invalid JSON syntax'")
		s.must(r.putAPI(i, "a", func(in *ecr.PutImageInput) { in.ImageManifestMediaType = aws.String(i.mediaType) }))
		return ""
	}},
	{unsure, "moving a tag of a mutable repository leaves the old manifest", "ECR user guide speaks of untagged images", "untagged", func(s *session) string {
		r := s.repository()
		old := r.put("x", "a")
		r.put("y", "a")
		_, untagged := r.tags()
		if len(untagged) == 1 && untagged[0] == old.digest {
			return "untagged"
		}
		return fmt.Sprint("not there; untagged are ", untagged)
	}},
	{documented, "CompleteLayerUpload of a layer that is there: LayerAlreadyExistsException", "ECR API reference", "", func(s *session) string {
		r := s.repository()
		content := []byte("pushed by the API")
		digest := digestOf(content)
		push := func() error {
			begun, err := s.ecr.InitiateLayerUpload(s.ctx, &ecr.InitiateLayerUploadInput{RepositoryName: &r.name})
			s.must(err)
			_, err = s.ecr.UploadLayerPart(s.ctx, &ecr.UploadLayerPartInput{
				RepositoryName: &r.name, UploadId: begun.UploadId, LayerPartBlob: content,
				PartFirstByte: aws.Int64(0), PartLastByte: aws.Int64(int64(len(content) - 1)),
			})
			s.must(err)
			_, err = s.ecr.CompleteLayerUpload(s.ctx, &ecr.CompleteLayerUploadInput{RepositoryName: &r.name, UploadId: begun.UploadId, LayerDigests: []string{digest}})
			return err
		}
		s.must(push())
		s.wantEqual("HEAD blob", r.do("HEAD", "/blobs/"+digest, nil).status, 200)
		s.wantCode(push(), "LayerAlreadyExistsException")
		return ""
	}},
	{documented, "UploadLayerPart that leaves a gap: InvalidLayerPartException", "ECR API reference", "", func(s *session) string {
		r := s.repository()
		begun, err := s.ecr.InitiateLayerUpload(s.ctx, &ecr.InitiateLayerUploadInput{RepositoryName: &r.name})
		s.must(err)
		_, err = s.ecr.UploadLayerPart(s.ctx, &ecr.UploadLayerPartInput{
			RepositoryName: &r.name, UploadId: begun.UploadId, LayerPartBlob: []byte("x"), PartFirstByte: aws.Int64(5), PartLastByte: aws.Int64(5),
		})
		s.wantCode(err, "InvalidLayerPartException")
		return ""
	}},
	{documented, "BatchCheckLayerAvailability tells layers that are there from those that are not", "ECR API reference", "", func(s *session) string {
		r := s.repository()
		there := r.blob([]byte("there"))
		missing := digestOf([]byte("missing"))
		out, err := s.ecr.BatchCheckLayerAvailability(s.ctx, &ecr.BatchCheckLayerAvailabilityInput{RepositoryName: &r.name, LayerDigests: []string{there, missing}})
		s.must(err)
		available := 0
		for _, layer := range out.Layers {
			if layer.LayerAvailability == "AVAILABLE" {
				available++
				s.wantEqual("layer", aws.ToString(layer.LayerDigest), there)
			}
		}
		s.wantEqual("available layers", available, 1)
		return ""
	}},
	{documented, "GetDownloadUrlForLayer only for layers that an image refers to", "ECR API reference", "", func(s *session) string {
		r := s.repository()
		i := r.put("x", "a")
		_, err := s.ecr.GetDownloadUrlForLayer(s.ctx, &ecr.GetDownloadUrlForLayerInput{RepositoryName: &r.name, LayerDigest: aws.String(digestOf(i.layer))})
		s.must(err)
		orphan := r.blob([]byte("orphan"))
		_, err = s.ecr.GetDownloadUrlForLayer(s.ctx, &ecr.GetDownloadUrlForLayerInput{RepositoryName: &r.name, LayerDigest: &orphan})
		if code := codeOf(err); code != "LayerInaccessibleException" && code != "LayersNotFoundException" {
			s.Errorf("an orphan's download: %v, want a refusal", err)
		}
		return ""
	}},
}
