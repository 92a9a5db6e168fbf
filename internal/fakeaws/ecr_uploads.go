// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
)

// Sizes of layer parts. Source: service model, PartSize and LayerPartBlob.
const (
	minLayerPart = 5 << 20
	maxLayerPart = 20971520
)

// uploadOperations are the API's way to push a layer, beside the registry's.
func (e *ecrService) uploadOperations() map[string]operation {
	return map[string]operation{
		"InitiateLayerUpload": {handle: jsonHandler(e.initiateLayerUpload)},
		"UploadLayerPart":     {handle: jsonHandler(e.uploadLayerPart)},
		"CompleteLayerUpload": {handle: jsonHandler(e.completeLayerUpload)},
	}
}

type uploadOutput struct {
	RegistryID       string `json:"registryId,omitempty"`
	RepositoryName   string `json:"repositoryName,omitempty"`
	UploadID         string `json:"uploadId"`
	PartSize         int64  `json:"partSize,omitempty"`
	LastByteReceived int64  `json:"lastByteReceived,omitempty"`
	LayerDigest      string `json:"layerDigest,omitempty"`
}

func (e *ecrService) initiateLayerUpload(c *call, in *repositoryInput) (*uploadOutput, error) {
	return withRepository(e, c, *in, func(repo *repository) (*uploadOutput, error) {
		u := &upload{id: newRequestID(), sum: sha256.New()}
		repo.uploads[u.id] = u
		return &uploadOutput{UploadID: u.id, PartSize: maxLayerPart}, nil
	})
}

type uploadInput struct {
	repositoryInput
	UploadID      string   `json:"uploadId"`
	PartFirstByte int64    `json:"partFirstByte"`
	PartLastByte  int64    `json:"partLastByte"`
	LayerPartBlob []byte   `json:"layerPartBlob"`
	LayerDigests  []string `json:"layerDigests"`
}

// withUpload runs f on the upload that the input names.
func (e *ecrService) withUpload(c *call, in *uploadInput, f func(*repository, *upload) (*uploadOutput, error)) (*uploadOutput, error) {
	return withRepository(e, c, in.repositoryInput, func(repo *repository) (*uploadOutput, error) {
		u, ok := repo.uploads[in.UploadID]
		if !ok {
			return nil, clientError("UploadNotFoundException",
				"The upload id '%s' could not be found in the repository with name '%s' in the registry with id '%s'", in.UploadID, repo.name, repo.key.Account)
		}
		u.mu.Lock()
		defer u.mu.Unlock()
		return f(repo, u)
	})
}

func (e *ecrService) uploadLayerPart(c *call, in *uploadInput) (*uploadOutput, error) {
	return e.withUpload(c, in, func(repo *repository, u *upload) (*uploadOutput, error) {
		size := int64(len(in.LayerPartBlob))
		switch {
		case size > maxLayerPart:
			return nil, clientError("InvalidParameterException",
				"Invalid parameter at 'layerPartBlob' failed to satisfy constraint: 'Member must have length less than or equal to %d'", maxLayerPart)
		case in.PartFirstByte != u.size || in.PartLastByte != u.size+size-1:
			return nil, clientError("InvalidLayerPartException", "The layer part bytes '%d-%d' do not follow the %d bytes received",
				in.PartFirstByte, in.PartLastByte, u.size)
		case u.parts > 0 && u.size < int64(u.parts)*minLayerPart:
			return nil, clientError("LayerPartTooSmallException", "Layer parts must be at least 5 MiB in size")
		}
		if err := u.take(bytes.NewReader(in.LayerPartBlob), e.blobLimit); err != nil {
			return nil, err
		}
		u.parts++
		return &uploadOutput{RegistryID: repo.key.Account, RepositoryName: repo.name, UploadID: u.id, LastByteReceived: u.size - 1}, nil
	})
}

func (e *ecrService) completeLayerUpload(c *call, in *uploadInput) (*uploadOutput, error) {
	return e.withUpload(c, in, func(repo *repository, u *upload) (*uploadOutput, error) {
		digest := "sha256:" + hex.EncodeToString(u.sum.Sum(nil))
		_, exists := repo.layers[digest]
		switch {
		case u.size == 0:
			return nil, clientError("EmptyUploadException", "The upload with id '%s' has no layer parts", u.id)
		case !slices.Contains(in.LayerDigests, digest):
			return nil, clientError("InvalidLayerException", "None of the provided layer digests match the calculated layer digest")
		case exists:
			return nil, clientError("LayerAlreadyExistsException",
				"The layer with digest '%s' already exists in the repository with name '%s' in registry with id '%s'", digest, repo.name, repo.key.Account)
		}
		if err := e.store(u, digest); err != nil {
			return nil, err
		}
		delete(repo.uploads, u.id)
		repo.layers[digest] = u.size
		return &uploadOutput{RegistryID: repo.key.Account, RepositoryName: repo.name, UploadID: u.id, LayerDigest: digest}, nil
	})
}
