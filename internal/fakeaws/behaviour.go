// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

// Behaviour holds one switch per fact about ECR that sources disagree on or
// leave open. The zero value is what is thought to be likeliest; the provider
// is to be tested with both settings of each.
type Behaviour struct {
	// OldImmutableWording ends the refusal of an immutable tag with "because
	// the repository is immutable.", as ECR did before about 2025; now it says
	// "because the tag is immutable." Seen in osscontainertools/kaniko#204 and
	// docker/buildx#2955.
	OldImmutableWording bool
	// RelativeLocation makes the Location of uploads a path; otherwise it is an
	// absolute URL. Which one ECR sends is not known.
	RelativeLocation bool
	// ManifestDeleteOff answers DELETE manifest with 405, as ECR did until
	// about 2022; now it is supported (aws/containers-roadmap#1229).
	ManifestDeleteOff bool
	// Mounting makes ?mount&from work, as with the account setting
	// BLOB_MOUNTING=ENABLED; the default of AWS is not to mount and answer 202.
	// Source: ECR user guide, blob mounting.
	Mounting bool
	// DropMissingRepository closes the connection instead of answering
	// NAME_UNKNOWN (seen in aws/containers-roadmap#1970).
	DropMissingRepository bool
	// DropDenied closes the connection instead of answering DENIED where IAM
	// forbids a registry request (seen in CircleCI-Public/aws-ecr-orb#259).
	DropDenied bool
	// RefuseExistingLayer answers the upload of a layer that the repository has
	// with 400 LAYER_ALREADY_EXISTS; otherwise 201. Not known; the API has
	// LayerAlreadyExistsException for CompleteLayerUpload.
	RefuseExistingLayer bool
	// ServeBlobs answers GET blob with the blob; otherwise with 307 to a
	// presigned S3 URL, as ECR does (open-policy-agent/opa#6580).
	ServeBlobs bool
	// SinglePostUpload takes the blob from POST ?digest= with 201; otherwise
	// the digest and body are ignored with 202. Not known.
	SinglePostUpload bool
	// ImmutableSameDigestAllowed accepts a PUT of the digest that the immutable
	// tag has already; otherwise it is refused (moby/buildkit#3776).
	ImmutableSameDigestAllowed bool
	// IgnoreTagOfPair makes BatchDeleteImage go by the digest alone where an
	// image id has tag and digest, and so delete the image with all its tags;
	// otherwise only the tag is taken away. Which one ECR does is not documented.
	IgnoreTagOfPair bool
	// EntryPerTag makes BatchGetImage answer with one entry for each tag of an
	// image that is asked for by digest; otherwise with one. Not documented.
	EntryPerTag bool
	// CreateOnPush creates a missing repository at a push, as a repository
	// creation template with CREATE_ON_PUSH does.
	CreateOnPush bool
	// UntagReferencedChild lets BatchDeleteImage take the last tag of an image
	// that an index refers to, and keeps the image, untagged; otherwise it is a
	// failure, ImageReferencedByManifestList, as seen in ECR Public
	// (aws/containers-roadmap#1567). By digest it is a failure always.
	UntagReferencedChild bool
}

// SetBehaviour changes the switches of a running server.
func (s *Server) SetBehaviour(b Behaviour) {
	s.behaviourMu.Lock()
	defer s.behaviourMu.Unlock()
	s.behaviour = b
}

// Behaviour returns the switches as they are.
func (s *Server) Behaviour() Behaviour {
	s.behaviourMu.Lock()
	defer s.behaviourMu.Unlock()
	return s.behaviour
}
