// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package contract

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
)

var registryAuthFacts = []fact{
	{seen, "no credentials: 401, text Not Authorized, Basic challenge of ecr.amazonaws.com", "regclient/regclient#709", "", func(s *session) string {
		r := s.repository()
		r.user = ""
		a := r.do(http.MethodGet, r.scheme+"://"+r.host+"/v2/", nil)
		s.wantEqual("status", a.status, http.StatusUnauthorized)
		s.wantEqual("body", strings.TrimSpace(string(a.body)), "Not Authorized")
		s.wantEqual("Www-Authenticate", a.header.Get("Www-Authenticate"), `Basic realm="`+r.scheme+`://`+r.host+`/",service="ecr.amazonaws.com"`)
		s.wantEqual("Docker-Distribution-Api-Version", a.header.Get("Docker-Distribution-Api-Version"), "registry/2.0")
		return ""
	}},
	{documented, "with a password GET /v2/ answers 200", "ECR user guide, HTTP API authentication", "", func(s *session) string {
		r := s.repository()
		s.wantEqual("status", r.do(http.MethodGet, r.scheme+"://"+r.host+"/v2/", nil).status, http.StatusOK)
		return ""
	}},
	{unsure, "a password that ECR never issued is answered with", "no source", "401", func(s *session) string {
		r := s.repository()
		r.password = "made-up"
		return fmt.Sprint(r.do(http.MethodGet, "/manifests/x", nil).status)
	}},
	{unsure, "a password of another region is answered with", "commonly reported: 400 Bad Request at login", "400", func(s *session) string {
		if s.target.OtherRegion == "" {
			s.Skip("the target names no other region")
		}
		r := s.repository()
		cfg := s.target.Config.Copy()
		cfg.Region = s.target.OtherRegion
		r.login(ecr.NewFromConfig(cfg))
		return fmt.Sprint(r.do(http.MethodGet, r.scheme+"://"+r.host+"/v2/", nil).status)
	}},
}

var registryUploadFacts = []fact{
	{unsure, "POST of an upload to a missing repository is answered with", "moby/moby#24473; aws/containers-roadmap#1970 saw a dropped connection", "404 NAME_UNKNOWN", func(s *session) string {
		r := s.repository()
		r.name = s.name()
		a := r.do(http.MethodPost, "/blobs/uploads/", nil)
		if a.status == http.StatusNotFound {
			s.wantEqual("message", a.text, "The repository with name '"+r.name+"' does not exist in the registry with id '"+r.id+"'")
		}
		return fmt.Sprint(a.status, " ", a.code)
	}},
	{seen, "POST of an upload: 202, a Location without query, no Docker-Upload-UUID", "regclient/regclient#81, distribution/distribution#2927", "", func(s *session) string {
		r := s.repository()
		a := r.do(http.MethodPost, "/blobs/uploads/", nil)
		r.want(a, http.StatusAccepted, "")
		u, err := url.Parse(a.header.Get("Location"))
		s.must(err)
		if !strings.HasPrefix(u.Path, "/v2/"+r.name+"/blobs/uploads/") || u.RawQuery != "" {
			s.Errorf("Location = %s", u)
		}
		s.wantEqual("Docker-Upload-UUID", a.header.Get("Docker-Upload-UUID"), "")
		return ""
	}},
	{unsure, "Location of an upload is", "no source tells", "absolute", func(s *session) string {
		r := s.repository()
		if location := r.do(http.MethodPost, "/blobs/uploads/", nil).header.Get("Location"); strings.HasPrefix(location, "/") {
			return "relative"
		}
		return "absolute"
	}},
	{seen, "PATCH of an upload answers 201", "cirruslabs/tart#273, regclient/regclient#81", "", func(s *session) string {
		r := s.repository()
		a := r.do(http.MethodPatch, r.upload(), []byte("content"))
		r.want(a, http.StatusCreated, "")
		if a.header.Get("Location") == "" {
			s.Error("no Location")
		}
		return ""
	}},
	{seen, "PATCH at a wrong offset: 416 BLOB_UPLOAD_INVALID", "apple/containerization#790", "", func(s *session) string {
		r := s.repository()
		location := r.upload()
		part := bytes.Repeat([]byte("x"), 5<<20)
		r.want(r.do(http.MethodPatch, location, part, "Content-Range", fmt.Sprintf("0-%d", len(part)-1)), http.StatusCreated, "")
		a := r.do(http.MethodPatch, location, part, "Content-Range", fmt.Sprintf("0-%d", len(part)-1))
		r.want(a, http.StatusRequestedRangeNotSatisfiable, "BLOB_UPLOAD_INVALID")
		s.wantEqual("message", a.text, fmt.Sprintf("First byte of the layer part is 0 instead of %d", len(part)))
		return ""
	}},
	{seen, "after a second PATCH the data is stored, but Range stays at the first part's end", "aws/containers-roadmap#2831", "", func(s *session) string {
		r := s.repository()
		location := r.upload()
		first, second := bytes.Repeat([]byte("x"), 5<<20), []byte("the rest")
		r.want(r.do(http.MethodPatch, location, first, "Content-Range", fmt.Sprintf("0-%d", len(first)-1)), http.StatusCreated, "")
		a := r.do(http.MethodPatch, location, second, "Content-Range", fmt.Sprintf("%d-%d", len(first), len(first)+len(second)-1))
		r.want(a, http.StatusCreated, "")
		s.wantEqual("Range", a.header.Get("Range"), fmt.Sprintf("0-%d", len(first)-1))
		digest := digestOf(append(first, second...))
		r.want(r.do(http.MethodPut, location+"?digest="+digest, nil), http.StatusCreated, "")
		return ""
	}},
	{unsure, "GET of an upload's status is answered with", "404 seen for ECR Public, dotnet/sdk#33019", "404", func(s *session) string {
		r := s.repository()
		return fmt.Sprint(r.do(http.MethodGet, r.upload(), nil).status)
	}},
	{seen, "PUT of an upload with the whole blob as its body answers 201", "regclient/regclient#110", "", func(s *session) string {
		r := s.repository()
		content := []byte("all at once")
		r.want(r.do(http.MethodPut, r.upload()+"?digest="+digestOf(content), content), http.StatusCreated, "")
		a := r.do(http.MethodHead, "/blobs/"+digestOf(content), nil)
		s.wantEqual("HEAD", a.status, http.StatusOK)
		s.wantEqual("Content-Length", a.header.Get("Content-Length"), len(content))
		return ""
	}},
	{unsure, "PUT of an upload with a wrong digest is answered with", "dotnet/sdk-container-builds#424 saw the text; the status is not known", "400 BLOB_UPLOAD_INVALID", func(s *session) string {
		r := s.repository()
		location := r.upload()
		r.want(r.do(http.MethodPatch, location, []byte("content")), http.StatusCreated, "")
		a := r.do(http.MethodPut, location+"?digest="+digestOf([]byte("other")), nil)
		if a.code == "BLOB_UPLOAD_INVALID" {
			s.wantEqual("message", a.text, "None of the provided layer digests match the calculated layer digest")
		}
		return fmt.Sprint(a.status, " ", a.code)
	}},
	{unsure, "POST ?digest= with the whole blob is answered with", "no source", "202", func(s *session) string {
		r := s.repository()
		content := []byte("in one POST")
		return fmt.Sprint(r.do(http.MethodPost, "/blobs/uploads/?digest="+digestOf(content), content).status)
	}},
	{documented, "POST ?mount&from without the account setting: 202, nothing mounted", "ECR user guide, blob mounting; an account may have switched it on", "", func(s *session) string {
		from, to := s.repository(), s.repository()
		i := from.put("x", "a")
		a := to.do(http.MethodPost, "/blobs/uploads/?mount="+digestOf(i.layer)+"&from="+from.name, nil)
		if s.target.Real && a.status == http.StatusCreated {
			s.Skip("this account has BLOB_MOUNTING enabled")
		}
		s.wantEqual("status", a.status, http.StatusAccepted)
		return ""
	}},
	{seen, "HEAD blob: 404 before, 200 after the upload", "regclient/regclient#81", "", func(s *session) string {
		r := s.repository()
		content := []byte("content")
		s.wantEqual("before", r.do(http.MethodHead, "/blobs/"+digestOf(content), nil).status, http.StatusNotFound)
		r.blob(content)
		s.wantEqual("after", r.do(http.MethodHead, "/blobs/"+digestOf(content), nil).status, http.StatusOK)
		return ""
	}},
	{unsure, "uploading a layer again is answered with", "the API has LayerAlreadyExistsException", "201", func(s *session) string {
		r := s.repository()
		content := []byte("twice")
		r.blob(content)
		location := r.upload()
		r.want(r.do(http.MethodPatch, location, content), http.StatusCreated, "")
		a := r.do(http.MethodPut, location+"?digest="+digestOf(content), nil)
		return strings.TrimSpace(fmt.Sprint(a.status, " ", a.code))
	}},
	{unsure, "HEAD blob after its image was deleted is answered with", "no source", "200", func(s *session) string {
		r := s.repository()
		i := r.put("x", "a")
		r.delete(byTag("a"))
		return fmt.Sprint(r.do(http.MethodHead, "/blobs/"+digestOf(i.layer), nil).status)
	}},
	{unsure, "GET blob that no image refers to is answered with", "the API's GetDownloadUrlForLayer refuses such", "404 BLOB_UNKNOWN", func(s *session) string {
		r := s.repository()
		return r.do(http.MethodGet, "/blobs/"+r.blob([]byte("orphan")), nil).said()
	}},
	{seen, "GET blob: 307 to a presigned URL that takes no Authorization", "open-policy-agent/opa#6580, open-policy-agent/opa#6728", "", func(s *session) string {
		r := s.repository()
		i := r.put("x", "a")
		a := r.do(http.MethodGet, "/blobs/"+digestOf(i.layer), nil)
		s.wantEqual("status", a.status, http.StatusTemporaryRedirect)
		location := r.resolve(a.header.Get("Location"))
		if other, err := url.Parse(location); err != nil || other.Host == r.host {
			s.Skip("an emulator keeps layers on the registry's own host")
		}
		s.wantEqual("with Authorization", r.do(http.MethodGet, location, nil).status, http.StatusBadRequest)
		r.user = ""
		plain := r.do(http.MethodGet, location, nil)
		s.wantEqual("without", plain.status, http.StatusOK)
		s.wantEqual("content", string(plain.body), string(i.layer))
		return ""
	}},
}
