// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	ggcr "github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/ecrrepo"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/handover"
)

// imageLookup finds an image for the data source lambdaseed_image.
//
// The requests that it makes to ECR: one DescribeImages for the detail, which
// tells absence too, and one BatchGetImage for the manifest, which tells the
// rest, unless the detail says that it is an index. For a repository that is
// given by its name, one DescribeRepositories for each registry finds out the
// host of image URIs; it is made when there is an image to name.
type imageLookup struct {
	repository *ecrrepo.Repository
	handover   *handover.Client
}

// foundImage is what a look-up gives.
type foundImage struct {
	// detail is nil where there is no such image.
	detail *ecrrepo.Detail
	// tag is the tag that was asked for, "" for any.
	tag                     string
	placeholder, compatible bool
	// uri is "" for a placeholder.
	uri string
	// reason says why there is no uri.
	reason string
}

// parameterError is about the SSM parameter: a failed read, or its value.
type parameterError struct {
	err             error
	summary, detail string
}

func (e *parameterError) Error() string { return cmp.Or(e.summary, fmt.Sprint(e.err)) }

// byReference looks up a tag or a digest.
func (l imageLookup) byReference(ctx context.Context, reference string) (foundImage, error) {
	return l.referred(ctx, reference, reference, "")
}

// referred looks up a tag or a digest that goes by the name shown, and that by,
// if it is not "", refers to.
func (l imageLookup) referred(ctx context.Context, reference, shown, by string) (foundImage, error) {
	detail, err := l.repository.Describe(ctx, reference)
	var image ecrrepo.Image
	if err == nil && !detail.IsIndex() {
		// By the digest, so that both answers are about one image.
		image, err = l.repository.Look(ctx, detail.Digest)
	}
	switch {
	case errors.Is(err, ecrrepo.ErrRepositoryNotFound):
		return foundImage{reason: l.noRepository()}, nil
	case errors.Is(err, ecrrepo.ErrImageNotFound) && by != "":
		return foundImage{reason: fmt.Sprintf("%s names %s, which is not in the repository %s (yet).", by, shown, l.repository.URL)}, nil
	case errors.Is(err, ecrrepo.ErrImageNotFound):
		return foundImage{reason: fmt.Sprintf("There is no image %s in the repository %s.", shown, l.repository.URL)}, nil
	case err != nil:
		return foundImage{}, err
	}
	found, err := l.found(ctx, detail, image)
	if !digestReference.MatchString(reference) {
		found.tag = reference
	}
	return found, err
}

func (l imageLookup) mostRecent(ctx context.Context) (foundImage, error) {
	detail, image, err := l.repository.MostRecent(ctx, func(image ecrrepo.Image) bool { return !isPlaceholder(image) })
	switch {
	case errors.Is(err, ecrrepo.ErrRepositoryNotFound):
		return foundImage{reason: l.noRepository()}, nil
	case errors.Is(err, ecrrepo.ErrImageNotFound):
		return foundImage{reason: fmt.Sprintf("The repository %s holds no tagged image beside placeholders.", l.repository.URL)}, nil
	case err != nil:
		return foundImage{}, err
	}
	return l.found(ctx, detail, image)
}

func (l imageLookup) noRepository() string {
	return fmt.Sprintf("The repository %s does not exist.", l.repository.URL)
}

// found makes an answer of an image; of an index there is no manifest.
func (l imageLookup) found(ctx context.Context, detail ecrrepo.Detail, image ecrrepo.Image) (foundImage, error) {
	f := foundImage{detail: &detail}
	if !detail.IsIndex() {
		f.placeholder, f.compatible = isPlaceholder(image), lambdaTakes(image)
	}
	if f.placeholder {
		f.reason = fmt.Sprintf("The image %s in the repository %s is a placeholder.", detail.Digest, l.repository.URL)
		return f, nil
	}
	err := l.repository.Locate(ctx)
	f.uri = l.repository.URL.DigestURI(detail.Digest)
	return f, err
}

// byParameter looks up what an SSM parameter names. The value of a SecureString
// must not get into a message: it may be another secret, named by mistake.
func (l imageLookup) byParameter(ctx context.Context, name string) (foundImage, error) {
	// Without a region of the repository, that of an emulator, the provider's.
	parameter, err := l.handover.Parameter(ctx, l.repository.Region(), name)
	by := fmt.Sprintf("The SSM parameter %s", name)
	switch {
	case errors.Is(err, handover.ErrNotFound):
		return foundImage{reason: by + " does not exist."}, nil
	case err != nil:
		return foundImage{}, &parameterError{err: err}
	case parameter.List:
		return foundImage{}, &parameterError{summary: "SSM parameter is a list", detail: by + " is a StringList. Make it a String or a SecureString that holds one tag, digest or image URI."}
	case parameter.Value == "":
		return foundImage{reason: by + " is empty."}, nil
	}
	shown := parameter.Value
	if parameter.Secret {
		shown = "an image"
	}
	reference, err := l.reference(ctx, parameter, by)
	if errors.Is(err, ecrrepo.ErrRepositoryNotFound) {
		return foundImage{reason: l.noRepository()}, nil
	}
	if err != nil {
		return foundImage{}, err
	}
	return l.referred(ctx, reference, shown, by)
}

// digestReference tells a digest from a tag, which has no colon.
var digestReference = regexp.MustCompile(`^sha256:`)

// reference reads a parameter's value: a tag, a digest, or an image URI, which
// must be one of this repository.
func (l imageLookup) reference(ctx context.Context, parameter handover.Parameter, by string) (string, error) {
	const summary = "SSM parameter names no image of the repository"
	value := parameter.Value
	refuse := func(why string, says error) error {
		detail := by + " " + why
		if !parameter.Secret {
			detail += "\n\nIts value: " + value
			if says != nil {
				detail += "\n" + sentence(says)
			}
		}
		return &parameterError{summary: summary, detail: detail}
	}

	if !strings.Contains(value, "/") {
		if digestReference.MatchString(value) {
			if err := ecrrepo.ValidateDigest(value); err != nil {
				return "", refuse("holds a malformed digest; expected sha256: and 64 hexadecimal digits in lower case.", nil)
			}
			return value, nil
		}
		if err := ecrrepo.ValidateTag(value); err != nil {
			return "", refuse("holds neither a tag nor a digest nor an image URI.", err)
		}
		return value, nil
	}

	uri, err := ecrrepo.ParseImageURI(value)
	if err != nil {
		return "", refuse("holds something that is not the URI of an image in a private ECR repository.", err)
	}
	reference := cmp.Or(uri.Digest, uri.Tag)
	if reference == "" {
		return "", refuse("holds the URL of a repository without a tag or a digest.", nil)
	}
	another := fmt.Sprintf("holds the URI of an image in another repository than %s. "+
		"Images are taken from one repository only: have the pipeline write the URI of an image in it, or name the other one here.", l.repository.URL)
	if uri.Name != l.repository.URL.Name || uri.IsECR() && uri.Region != l.repository.Region() {
		return "", refuse(another, nil)
	}
	if err := l.repository.Locate(ctx); err != nil {
		return "", err
	}
	if !l.repository.IsSame(uri.RepositoryURL) {
		return "", refuse(another, nil)
	}
	return reference, nil
}

// lambdaTakes reports whether Lambda runs an image of this format: Docker's
// second schema or OCI, with the config of an image (Lambda developer guide,
// "Create a Lambda function using a container image"). Layers that are not
// compressed are left out, too: they are the likeliest cause of functions that
// were seen to fail with UnsupportedImageLayerDetected (bazel-contrib/rules_oci#645),
// but that is not proven.
func lambdaTakes(image ecrrepo.Image) bool {
	var m struct {
		Config struct {
			MediaType ggcr.MediaType `json:"mediaType"`
		} `json:"config"`
		Layers []struct {
			MediaType ggcr.MediaType `json:"mediaType"`
		} `json:"layers"`
	}
	if json.Unmarshal(image.Manifest, &m) != nil || !ggcr.MediaType(image.MediaType).IsImage() || !m.Config.MediaType.IsConfig() {
		return false
	}
	for _, layer := range m.Layers {
		if layer.MediaType != ggcr.DockerLayer && layer.MediaType != ggcr.OCILayer {
			return false
		}
	}
	return true
}
