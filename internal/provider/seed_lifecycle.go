// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/ecrrepo"
)

// seed is the life cycle of an image that Terraform puts at a tag and the
// pipeline takes over. It serves every resource of this kind; what differs
// between them are the functions.
type seed struct {
	// noun names the image in messages, "placeholder image".
	noun       string
	repository *ecrrepo.Repository
	tag        string
	// defaultTag is the resource's default for image_tag.
	defaultTag string
	// put is how an image is put.
	put []ecrrepo.PutOption
	// judge tells what an image that is found at the tag is to the resource.
	judge func(ecrrepo.Image) verdict
	// replaceable tells an image that is no loss: what a repository may hold
	// and still count as never used, and what may be deleted once it has lost
	// its tag and was pushed by this resource.
	replaceable func(ecrrepo.Image) bool
}

// verdict is what a found image is to a resource that is to be created.
type verdict struct {
	// serves: it is as good as the image that would be pushed.
	serves bool
	// conflict, if not "", is why the resource can never use it.
	conflict string
	// err is why it could not be told.
	err error
}

// errRepositoryURL is a repository URL that was unknown at plan, so that the
// validator has not seen it, and has turned out to be none.
var errRepositoryURL = errors.New("invalid repository URL")

// open adds the repository to a seed. It makes no request to ECR.
func (s seed) open(ctx context.Context, data *providerData, m seedModel) (seed, error) {
	u, err := ecrrepo.ParseRepositoryURL(m.RepositoryURL.ValueString())
	if err == nil {
		err = u.CheckLambdaHost()
	}
	if err != nil {
		return s, fmt.Errorf("%w: %w", errRepositoryURL, err)
	}
	s.repository, err = data.repositories.Open(ctx, u)
	return s, err
}

func (s seed) openDiagnostic(err error) diag.Diagnostic {
	if errors.Is(err, errRepositoryURL) {
		return diag.NewAttributeErrorDiagnostic(path.Root("repository_url"), validRepositoryURL.summary, sentence(err))
	}
	return newDiagnostic("Opening the repository of the "+s.noun, err)
}

// create puts the image at the tag if the tag is free and otherwise uses what
// is there, as if_exists says. It returns what the tag holds and what of it
// the resource owns. After an error nothing was pushed, or what was pushed is
// found by the next apply.
func (s seed) create(ctx context.Context, img v1.Image, ifExists string, diags *diag.Diagnostics) (*ecrrepo.Image, ownership) {
	// Asked before the push: nothing may stand between that and its being
	// remembered.
	latestForEver, err := s.latestForEver(ctx)
	if err == nil {
		_, err = s.repository.RegistryID(ctx)
	}
	if err != nil {
		diags.Append(s.diagnostic("Creating", err))
		return nil, ownership{}
	}
	result, err := s.repository.PutIfAbsent(ctx, s.tag, img, s.put...)
	if err != nil {
		diags.Append(s.diagnostic("Creating", err))
		return nil, ownership{}
	}
	found := result.Image
	if result.Pushed {
		tflog.Info(ctx, "pushed the image", s.fields(found))
		if latestForEver != "" {
			diags.AddAttributeWarning(path.Root("image_tag"), "Immutable tag \"latest\" is taken by the "+s.noun, latestForEver)
		}
		return &found, pushed(result)
	}

	tflog.Info(ctx, "the tag is taken, nothing was pushed", s.fields(found))
	verdict := s.judge(found)
	switch {
	case verdict.err != nil:
		diags.Append(s.diagnostic("Creating", verdict.err))
		return nil, ownership{}
	case verdict.conflict != "":
		diags.AddAttributeError(path.Root("image_tag"), "Image tag holds another image", fmt.Sprintf(
			"%s holds %s. It is not overwritten; choose another image_tag.", s.uri(), verdict.conflict))
		return nil, ownership{}
	case verdict.serves:
		return &found, ownership{}
	case ifExists == ifExistsError:
		diags.AddAttributeError(path.Root("image_tag"), "Image tag already exists", fmt.Sprintf(
			"%s already holds an image (%s) that is not a %s of this resource, and if_exists is %q. "+
				"Choose another image_tag, or set if_exists to %q to keep that image and use it.",
			s.uri(), found.Digest, s.noun, ifExistsError, ifExistsAdopt))
		return nil, ownership{}
	}
	diags.AddAttributeWarning(path.Root("image_tag"), "Existing image adopted", fmt.Sprintf(
		"%s already holds an image (%s) that is not a %s of this resource. Nothing was pushed; that image is used as it is, and it will not be deleted with this resource.",
		s.uri(), found.Digest, s.noun))
	return &found, ownership{}
}

// latestForEver returns a warning for a seed that would take "latest" for ever,
// else "". That the repository cannot be asked is no reason to fail, an
// interruption is.
func (s seed) latestForEver(ctx context.Context) (string, error) {
	if s.tag != "latest" {
		return "", nil
	}
	mutability, err := s.repository.Mutability(ctx)
	if ctx.Err() != nil {
		return "", err
	}
	if err != nil {
		tflog.Debug(ctx, "whether the tag is immutable is not known", map[string]any{"error": err.Error()})
	}
	if immutable, _ := mutability.Immutable(s.tag); !immutable {
		return "", nil
	}
	return fmt.Sprintf("Tags of the repository %s are immutable (%s), so that no pipeline can push \"latest\" while the %s holds it. "+
		"Choose another image_tag; the default is %q.", s.repository.URL, mutability.Mode, s.noun, s.defaultTag), nil
}

// read looks at the tag. exists tells whether the resource stays in the state:
// it leaves when the repository is gone, or when the tag is gone and nothing
// but replaceable images are tagged there, so that the next plan creates it. A
// tag that is gone beside a real image means that the pipeline has taken over.
//
// A resource that would leave while older digests of its own are still in the
// repository stays, with its ownership marked as lost: in leaving it would
// forget them, and the repository could never be destroyed without force_delete.
func (s seed) read(ctx context.Context, owned ownership, diags *diag.Diagnostics) (found *ecrrepo.Image, _ ownership, exists bool) {
	owned.Lost = false
	image, err := s.repository.Look(ctx, s.tag)
	switch {
	case err == nil:
		return &image, owned, true
	case errors.Is(err, ecrrepo.ErrRepositoryNotFound):
		return nil, owned, false
	case !errors.Is(err, ecrrepo.ErrImageNotFound):
		diags.Append(s.diagnostic("Reading", err))
		return nil, owned, true
	}
	handedOver, err := s.repository.AnyTagged(ctx, func(image ecrrepo.Image) bool { return !s.replaceable(image) })
	if err == nil && !handedOver {
		owned.Lost, err = s.repository.AnyOf(ctx, owned.older())
	}
	switch {
	case errors.Is(err, ecrrepo.ErrRepositoryNotFound):
		return nil, owned, false
	case err != nil:
		diags.Append(s.diagnostic("Reading", err))
		return nil, owned, true
	}
	return nil, owned, handedOver || owned.Lost
}

// willPush tells whether an update would push: where the tag was lost, and for
// another image while the tag holds what this resource put there.
func (o ownership) willPush(sameImage bool, observed string) bool {
	return o.Lost || !sameImage && o.Pushed != "" && o.Pushed == observed
}

// update gives the tag another image while it still holds the one that this
// resource pushed; anything else there is left alone. The older manifest stays
// in the repository, because a function may run it, and is remembered.
//
// A tag that was lost is created as by create.
func (s seed) update(ctx context.Context, img v1.Image, ifExists string, owned ownership, diags *diag.Diagnostics) (*ecrrepo.Image, ownership) {
	if owned.Lost {
		found, created := s.create(ctx, img, ifExists, diags)
		return found, owned.restored(created)
	}
	// An emulator's account is asked of STS: before the push, as in create.
	if _, err := s.repository.RegistryID(ctx); err != nil {
		diags.Append(s.diagnostic("Updating", err))
		return nil, owned
	}
	result, err := s.repository.Replace(ctx, s.tag, owned.Pushed, img, s.put...)
	switch {
	case errors.Is(err, ecrrepo.ErrTagImmutable):
		diags.Append(s.immutableTag(err))
		return nil, owned
	case ecrrepo.IsGone(err):
		return nil, owned
	case err != nil:
		diags.Append(s.diagnostic("Updating", err))
		return nil, owned
	}
	if !result.Pushed {
		tflog.Info(ctx, "the tag holds another image by now, nothing was pushed", s.fields(result.Image))
		return &result.Image, owned
	}
	tflog.Info(ctx, "pushed the image", s.fields(result.Image))
	return &result.Image, owned.replaced(result)
}

// immutableTag is the error for a change that would need the tag to move.
func (s seed) immutableTag(err error) diag.Diagnostic {
	detail := fmt.Sprintf("Tags of the repository %s are immutable, so that %s cannot take another %s. "+
		"Choose another image_tag: the new image is then pushed there. "+
		"Deleting the old one first would take away an image that a function may still run.", s.repository.URL, s.uri(), s.noun)
	if answer, ok := errors.AsType[*ecrrepo.Error](err); ok {
		detail += "\n\nAnswer: " + answer.Said()
	}
	return diag.NewAttributeErrorDiagnostic(path.Root("image_tag"), "Image tag is immutable", detail)
}

// checkImmutable finds out at plan time that an update cannot work. A
// repository that cannot be asked is left to the apply.
func (s seed) checkImmutable(ctx context.Context, diags *diag.Diagnostics) {
	mutability, err := s.repository.Mutability(ctx)
	if err != nil {
		tflog.Debug(ctx, "whether the tag is immutable is not known", map[string]any{"error": err.Error()})
		return
	}
	if immutable, _ := mutability.Immutable(s.tag); immutable {
		diags.Append(s.immutableTag(nil))
	}
}

// destroy deletes what this resource pushed and nothing else: the tag while it
// holds the digest pushed, and older manifests that have lost their tag.
func (s seed) destroy(ctx context.Context, owned ownership, diags *diag.Diagnostics) {
	found, err := s.deleteTag(ctx, owned)
	if err != nil {
		diags.Append(s.diagnostic("Deleting", err))
		return
	}
	for _, digest := range owned.older() {
		if err := s.repository.DeleteUntagged(ctx, digest, s.replaceable); err != nil {
			diags.Append(s.diagnostic("Deleting", err))
			return
		}
	}
	if found != nil {
		tflog.Info(ctx, "the tag holds an image that this resource did not push, it was left alone", s.fields(*found))
		diags.AddWarning("Image left in the repository", fmt.Sprintf(
			"%s holds an image (%s) that this resource did not push. It was left alone, and the resource was only removed from the Terraform state. "+
				"A repository that holds images can be destroyed only with force_delete = true.", s.uri(), found.Digest))
	}
}

// refreshSkipped says that the state is kept while arguments of the provider
// block have no value.
func refreshSkipped(m seedModel, err error) diag.Diagnostic {
	return diag.NewWarningDiagnostic("Refresh skipped", "The state of "+m.ImageURI.ValueString()+" is kept as it is, because ECR cannot be asked in this plan: "+sentence(err))
}

// skippedDestroy says that the image stays where skip_destroy is set.
func (m *seedModel) skippedDestroy() diag.Diagnostics {
	var diags diag.Diagnostics
	if m.ImageDigest.IsNull() {
		return diags
	}
	diags.AddWarning("Image left in the repository", m.ImageURI.ValueString()+" was left in the repository, because skip_destroy is true. "+
		"A repository that holds images can be destroyed only with force_delete = true.")
	return diags
}

// deleteTag returns the image at the tag if it is not this resource's.
func (s seed) deleteTag(ctx context.Context, owned ownership) (*ecrrepo.Image, error) {
	switch {
	case owned.found(owned.Pushed):
		return s.repository.Untag(ctx, s.tag, owned.Pushed)
	case owned.Pushed != "":
		return s.repository.DeleteTag(ctx, s.tag, owned.Pushed)
	}
	image, err := s.repository.Look(ctx, s.tag)
	if ecrrepo.IsGone(err) {
		return nil, nil
	}
	return &image, err
}

func (s seed) uri() string { return s.repository.URL.TagURI(s.tag) }

func (s seed) diagnostic(doing string, err error) diag.Diagnostic {
	d := newDiagnostic(doing+" the "+s.noun, err)
	if !isOfSource(err) && (errors.Is(err, ecrrepo.ErrRepositoryNotFound) || errors.Is(err, ecrrepo.ErrRegistryHost)) {
		return diag.WithPath(path.Root("repository_url"), d)
	}
	return d
}

// fields are what is logged: names and digests, never a token.
func (s seed) fields(image ecrrepo.Image) map[string]any {
	return map[string]any{"repository_url": s.repository.URL.String(), "image_tag": s.tag, "image_digest": image.Digest}
}
