// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

func (e *ecrService) putOperations() map[string]operation {
	return map[string]operation{
		"PutImage":                    {handle: jsonHandler(e.putImage)},
		"BatchCheckLayerAvailability": {handle: jsonHandler(e.batchCheckLayerAvailability)},
		"GetDownloadUrlForLayer":      {handle: jsonHandler(e.getDownloadURLForLayer)},
	}
}

type putImageInput struct {
	repositoryInput
	ImageManifest          string `json:"imageManifest"`
	ImageManifestMediaType string `json:"imageManifestMediaType"`
	ImageTag               string `json:"imageTag"`
	ImageDigest            string `json:"imageDigest"`
}

type ecrImage struct {
	RegistryID             string  `json:"registryId"`
	RepositoryName         string  `json:"repositoryName"`
	ImageID                imageID `json:"imageId"`
	ImageManifest          string  `json:"imageManifest"`
	ImageManifestMediaType string  `json:"imageManifestMediaType"`
}

type putImageOutput struct {
	Image ecrImage `json:"image"`
}

func (e *ecrService) putImage(c *call, in *putImageInput) (*putImageOutput, error) {
	if in.ImageTag != "" && !tagPattern.MatchString(in.ImageTag) {
		return nil, clientError("InvalidParameterException",
			"Invalid parameter at 'imageTag' failed to satisfy constraint: 'must satisfy regular expression '[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}''")
	}
	return withRepository(e, c, in.repositoryInput, func(repo *repository) (*putImageOutput, error) {
		image, created, refusal := e.put(repo, []byte(in.ImageManifest), in.ImageManifestMediaType, in.ImageTag, in.ImageDigest)
		if refusal != nil && (image == nil || repo.tags[in.ImageTag] != image.digest) {
			return nil, refusal
		}
		if !created { // the same manifest and tag, on an immutable repository too
			return nil, clientError("ImageAlreadyExistsException",
				"Image with digest '%s' and tag '%s' already exists in the repository with name '%s' in registry with id '%s'",
				image.digest, in.ImageTag, repo.name, repo.key.Account)
		}
		return &putImageOutput{repo.present(in.ImageTag, view{image.digest, image.mediaType, image.manifest})}, nil
	})
}

// present is an image as the API shows it.
func (r *repository) present(tag string, shown view) ecrImage {
	return ecrImage{
		RegistryID: r.key.Account, RepositoryName: r.name, ImageID: imageID{shown.digest, tag},
		ImageManifest: string(shown.manifest), ImageManifestMediaType: shown.mediaType,
	}
}

type layersInput struct {
	repositoryInput
	LayerDigests []string `json:"layerDigests"`
	LayerDigest  string   `json:"layerDigest"`
}

type layerOutput struct {
	LayerDigest       string `json:"layerDigest"`
	LayerAvailability string `json:"layerAvailability"`
	LayerSize         int64  `json:"layerSize"`
	MediaType         string `json:"mediaType"`
}

type layersOutput struct {
	Layers   []layerOutput       `json:"layers"`
	Failures []map[string]string `json:"failures"`
}

func (e *ecrService) batchCheckLayerAvailability(c *call, in *layersInput) (*layersOutput, error) {
	return withRepository(e, c, in.repositoryInput, func(repo *repository) (*layersOutput, error) {
		out := &layersOutput{Layers: []layerOutput{}, Failures: []map[string]string{}}
		for _, digest := range in.LayerDigests {
			if size, ok := repo.layers[digest]; ok {
				out.Layers = append(out.Layers, layerOutput{digest, "AVAILABLE", size, "application/octet-stream"})
				continue
			}
			out.Failures = append(out.Failures, map[string]string{
				"layerDigest": digest, "failureCode": "MissingLayerDigest", "failureReason": "The layer digest is missing.",
			})
		}
		return out, nil
	})
}

type downloadOutput struct {
	DownloadURL string `json:"downloadUrl"`
	LayerDigest string `json:"layerDigest"`
}

func (e *ecrService) getDownloadURLForLayer(c *call, in *layersInput) (*downloadOutput, error) {
	return withRepository(e, c, in.repositoryInput, func(repo *repository) (*downloadOutput, error) {
		if _, ok := repo.layers[in.LayerDigest]; !ok {
			return nil, clientError("LayersNotFoundException",
				"Layer with digest '%s' does not exist in the repository with name '%s' in the registry with id '%s'", in.LayerDigest, repo.name, repo.key.Account)
		}
		if !repo.refersTo(in.LayerDigest) {
			return nil, clientError("LayerInaccessibleException", "The specified layer is not available because it is not associated with an image.")
		}
		return &downloadOutput{e.presign(repo, in.LayerDigest), in.LayerDigest}, nil
	})
}
