// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package ecrrepo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"golang.org/x/sync/errgroup"
)

// PutResult is what a tag holds after a put.
type PutResult struct {
	// Pushed tells that this call put the image there.
	Pushed bool
	// Image is what the tag resolves to: the image that was pushed or, when
	// Pushed is false, the one that was left alone.
	Image Image
	// Existed tells that the repository had the image before, under another tag
	// or under none, so that this call has only given it a tag. It is looked
	// for only WithLook.
	Existed bool
}

// PutIfAbsent puts an image at a tag that is free. A tag that holds anything
// is left alone, and so is one that another writer takes while the blobs are
// on their way: the tag is looked at again right before the manifest is sent,
// an immutable tag is guarded by ECR itself, and of two that send the same
// image to the same tag ECR tells the second. ECR has no conditional put, so
// that on a mutable tag one round trip remains in which another writer's other
// image could be replaced (not lost: its manifest stays, untagged).
//
// A repository that ECR does not know is waited for shortly, since one that
// was just created becomes visible late.
//
// What reading the image itself fails with comes back as it is, not as an
// *Error; it is tried again where it says that it is Temporary.
func (r *Repository) PutIfAbsent(ctx context.Context, tag string, img v1.Image, opts ...PutOption) (PutResult, error) {
	var found Image
	err := r.region.policy.settle(ctx, func() (err error) {
		found, err = r.Look(ctx, tag)
		return err
	})
	if err == nil {
		return PutResult{Image: found}, nil
	}
	if !errors.Is(err, ErrImageNotFound) {
		return PutResult{}, err
	}
	return r.put(ctx, tag, "", img, newPutOptions(opts))
}

// PutOption changes how an image is put.
type PutOption func(*putOptions)

type putOptions struct{ look bool }

func newPutOptions(opts []PutOption) putOptions {
	var o putOptions
	for _, opt := range opts {
		opt(&o)
	}
	return o
}

// WithLook asks whether the repository has the image already, and for each of
// its blobs, before it is sent: worth the requests for an image that others may
// have pushed, too, or whose layers they have.
func WithLook() PutOption { return func(o *putOptions) { o.look = true } }

// Replace puts an image at a tag that still resolves to the digest expected.
// Anything else there, and nothing there, is left alone. An image that is at
// the tag already needs no push, and an immutable tag would refuse it.
func (r *Repository) Replace(ctx context.Context, tag, expected string, img v1.Image, opts ...PutOption) (PutResult, error) {
	found, err := r.Look(ctx, tag)
	if err != nil {
		return PutResult{}, err
	}
	if found.Digest != expected {
		return PutResult{Image: found}, nil
	}
	pushed, err := describe(img)
	if err != nil {
		return PutResult{}, err
	}
	if pushed.Digest == expected {
		return PutResult{Pushed: true, Image: found}, nil
	}
	return r.put(ctx, tag, expected, img, newPutOptions(opts))
}

// put sends the blobs, looks once more, and sends the manifest. expected is
// the digest that the tag may hold, "" for none. A repository whose tag holds
// nothing is taken to have none of the blobs, unless it is to be looked at.
func (r *Repository) put(ctx context.Context, tag, expected string, img v1.Image, o putOptions) (PutResult, error) {
	pushed, err := describe(img)
	if err != nil {
		return PutResult{}, err
	}
	absent := expected == "" && !o.look
	existed := false
	if o.look {
		if existed, err = r.has(ctx, pushed.Digest); err != nil {
			return PutResult{}, err
		}
	}
	if !existed {
		if err := r.upload(ctx, img, absent); err != nil {
			return PutResult{}, err
		}
	}
	result, err := r.putManifest(ctx, tag, expected, img, pushed, o)
	if isMissingLayers(err) && !absent {
		// What was said to be there is not, or not any more.
		if err := r.upload(ctx, img, true); err != nil {
			return PutResult{}, err
		}
		result, err = r.putManifest(ctx, tag, expected, img, pushed, o)
	}
	return result, err
}

// has reports whether the repository has an image, whatever its tags.
func (r *Repository) has(ctx context.Context, digest string) (bool, error) {
	_, err := r.Look(ctx, digest)
	if errors.Is(err, ErrImageNotFound) {
		return false, nil
	}
	return err == nil, err
}

// putManifest looks at the tag once more and sends the manifest.
func (r *Repository) putManifest(ctx context.Context, tag, expected string, img v1.Image, pushed Image, o putOptions) (PutResult, error) {
	// sent tells that a manifest went out and no clear answer came back: the
	// tag holding our digest then means that it arrived. Somebody else may have
	// put the same image there in that moment; between owning another's
	// placeholder and leaving one's own behind for ever, the former is chosen.
	sent := false
	// existed tells that somebody else has pushed the image, perhaps while its
	// blobs were on their way.
	existed := false
	var result PutResult
	err := r.region.policy.run(ctx, true, func() error {
		// Before the look, so that nothing is between it and the manifest.
		if err := r.region.puts.wait(ctx); err != nil {
			return err
		}
		if o.look && !sent && !existed {
			var err error
			if existed, err = r.has(ctx, pushed.Digest); err != nil {
				return err
			}
		}
		found, err := r.Look(ctx, tag)
		switch {
		case errors.Is(err, ErrImageNotFound):
			if expected != "" {
				return err
			}
		case err != nil:
			return err
		case sent && found.Digest == pushed.Digest:
			result = PutResult{Pushed: true, Image: pushed}
			return nil
		case found.Digest != expected:
			result = PutResult{Image: found}
			return nil
		}
		err = r.sendManifest(ctx, tag, img, pushed)
		switch {
		case err == nil:
			r.region.puts.succeeded()
			result = PutResult{Pushed: true, Image: pushed}
			return nil
		case isAlreadyThere(err):
			// ECR tells only one writer of an image that it was the first.
			r.region.puts.succeeded()
			result = PutResult{Pushed: sent, Image: pushed}
			return nil
		case remedyFor(err) == slowDown:
			r.region.puts.throttled()
		case !refused(err):
			sent = true
		}
		return err
	})
	if err != nil {
		result, err = r.afterFailedPut(ctx, tag, expected, pushed, sent, r.newError(ctx, "ecr:PutImage", err))
	}
	result.Existed = existed
	return result, err
}

// lastLook bounds the look after an interruption.
const lastLook = 10 * time.Second

// afterFailedPut looks once more where the manifest may have arrived although
// the put failed: a refusal because of an immutable tag means that another
// writer was first, and a lost answer may have been a success.
func (r *Repository) afterFailedPut(ctx context.Context, tag, expected string, pushed Image, sent bool, cause error) (PutResult, error) {
	taken := errors.Is(cause, ErrTagImmutable)
	if !sent && !taken {
		return PutResult{}, cause
	}
	// Also after Ctrl-C or a time limit: what was pushed must be owned.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastLook)
	defer cancel()
	found, err := r.Look(ctx, tag)
	switch {
	case err != nil:
		return PutResult{}, cause
	case sent && found.Digest == pushed.Digest:
		return PutResult{Pushed: true, Image: pushed}, nil
	case taken && found.Digest != expected:
		return PutResult{Image: found}, nil
	}
	return PutResult{}, cause
}

// describe returns the image as Look would, without asking.
func describe(img v1.Image) (Image, error) {
	manifest, err := img.RawManifest()
	if err != nil {
		return Image{}, fmt.Errorf("reading the manifest of the image to push: %w", err)
	}
	digest, err := img.Digest()
	if err != nil {
		return Image{}, fmt.Errorf("reading the digest of the image to push: %w", err)
	}
	mediaType, err := img.MediaType()
	if err != nil {
		return Image{}, fmt.Errorf("reading the media type of the image to push: %w", err)
	}
	return Image{Digest: digest.String(), MediaType: string(mediaType), Manifest: manifest, Size: manifestSize(manifest)}, nil
}

// parallelBlobs bounds how many blobs of one image are under way at once, and
// with them the connections and buffers.
const parallelBlobs = 4

// upload sends the config and the layers, side by side, each with tries of its
// own. With absent they are sent without asking for each whether it is there;
// where the registry then refuses one, they are asked for.
func (r *Repository) upload(ctx context.Context, img v1.Image, absent bool) error {
	layers, err := img.Layers()
	if err != nil {
		return fmt.Errorf("reading the layers of the image to push: %w", err)
	}
	config, err := partial.ConfigLayer(img)
	if err != nil {
		return fmt.Errorf("reading the config of the image to push: %w", err)
	}
	blobs, err := distinct(append(layers, config))
	if err != nil {
		return fmt.Errorf("reading the digests of the image to push: %w", err)
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(parallelBlobs)
	for _, layer := range blobs {
		group.Go(func() error {
			look := !absent
			err := r.region.policy.run(groupCtx, false, func() error {
				err := r.uploadLayer(groupCtx, layer, !look)
				// From the second try on: what the first one sent may be there.
				look = true
				return err
			})
			if answer, ok := errors.AsType[*registryError](err); ok && absent && answer.mayExist() {
				err = r.region.policy.run(groupCtx, false, func() error { return r.uploadLayer(groupCtx, layer, false) })
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return r.newError(ctx, "ecr:UploadLayerPart", err)
	}
	return nil
}

// distinct leaves out the layers that repeat an earlier one, as images do with
// the empty layer.
func distinct(layers []v1.Layer) ([]v1.Layer, error) {
	seen := make(map[v1.Hash]bool, len(layers))
	var blobs []v1.Layer
	for _, layer := range layers {
		digest, err := layer.Digest()
		if err != nil {
			return nil, err
		}
		if !seen[digest] {
			seen[digest] = true
			blobs = append(blobs, layer)
		}
	}
	return blobs, nil
}

// mayExist tells a refusal that could mean "this blob is there already".
func (e *registryError) mayExist() bool {
	return e.err == nil && e.status >= 400 && e.status < 500 && !e.rejectedToken() && !e.throttled() && !errors.Is(registryReason(e), ErrDenied)
}

func (r *Repository) uploadLayer(ctx context.Context, layer v1.Layer, absent bool) error {
	repository, pusher, err := r.pusher(ctx, absent)
	if err != nil {
		return err
	}
	return pusher.Upload(ctx, repository, r.mountable(layer, repository.Registry))
}

// mountable lets a layer of another repository of the same registry be mounted
// instead of sent, where ECR does that (account setting BLOB_MOUNTING, ECR user
// guide), and one of another registry not.
func (r *Repository) mountable(layer v1.Layer, registry name.Registry) v1.Layer {
	from, ok := layer.(*remote.MountableLayer)
	if !ok {
		return layer
	}
	source := from.Reference.Context()
	if !r.URL.sameRegistry(source.RegistryStr()) {
		return from.Layer
	}
	// Named as the target is, so that the two count as one registry whichever
	// form of the host the source was written with.
	source.Registry = registry
	return &remote.MountableLayer{Layer: from.Layer, Reference: source.Tag("")}
}

// sendManifest puts the manifest at the tag, once. In ECR that is PutImage of
// the API: unlike the registry's PUT it tells whether the same image has been
// at the tag before (ImageAlreadyExistsException, ECR API reference, PutImage),
// so that of two that seed the same tag at the same time one knows that the
// other was first. An emulator may have the registry alone.
func (r *Repository) sendManifest(ctx context.Context, tag string, img v1.Image, pushed Image) error {
	if !r.URL.IsECR() {
		repository, pusher, err := r.pusher(ctx, true)
		if err != nil {
			return err
		}
		return pusher.Put(ctx, repository.Tag(tag), img)
	}
	out, err := r.region.api.putImage(ctx, &ecr.PutImageInput{
		RegistryId:             r.registryID(),
		RepositoryName:         &r.URL.Name,
		ImageTag:               &tag,
		ImageDigest:            &pushed.Digest,
		ImageManifest:          aws.String(string(pushed.Manifest)),
		ImageManifestMediaType: &pushed.MediaType,
	}, func(o *ecr.Options) { o.Retryer = aws.NopRetryer{} }) // put looks before it tries again.
	if err != nil {
		return err
	}
	if out.Image == nil || out.Image.ImageId == nil || aws.ToString(out.Image.ImageId.ImageDigest) != pushed.Digest {
		return &smithy.DeserializationError{Err: fmt.Errorf("%w: PutImage did not name the image that was put", ErrUnexpectedAnswer)}
	}
	return nil
}

func isAlreadyThere(err error) bool {
	_, ok := errors.AsType[*types.ImageAlreadyExistsException](err)
	return ok
}

func isMissingLayers(err error) bool {
	_, ok := errors.AsType[*types.LayersNotFoundException](err)
	return ok
}

// refused tells an error by which the server says that it has not done what it
// was asked for. Anything else, a lost answer among it, may have been done.
func refused(err error) bool {
	if answer, ok := errors.AsType[*registryError](err); ok {
		return answer.err == nil && answer.status >= 400 && answer.status < 500
	}
	response, ok := errors.AsType[*awshttp.ResponseError](err)
	return ok && response.HTTPStatusCode() >= 400 && response.HTTPStatusCode() < 500
}

// pusher returns go-containerregistry's client for the repository, without its
// retries: policy does them. A new one for each call, because a pusher
// remembers what it has sent, and a repository can be deleted in between.
func (r *Repository) pusher(ctx context.Context, absent bool) (name.Repository, *remote.Pusher, error) {
	transport, err := r.transport(ctx, absent)
	if err != nil {
		return name.Repository{}, nil, err
	}
	repository, err := name.NewRepository(transport.host + "/" + r.URL.Name)
	if err != nil {
		return name.Repository{}, nil, err
	}
	pusher, err := remote.NewPusher(
		remote.WithContext(ctx),
		remote.WithTransport(transport),
		remote.WithUserAgent(r.client.userAgent),
		remote.WithRetryBackoff(remote.Backoff{Steps: 1}),
		remote.WithRetryPredicate(func(error) bool { return false }),
		remote.WithRetryStatusCodes(),
	)
	return repository, pusher, err
}
