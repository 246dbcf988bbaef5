// Verifies tokens with go-oidc, for as long as orders come on standard input. Its key set asks again for every key that
// it does not know; here it asks through an HTTP cache, which answers from memory until the max-age of an answer is over.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

type setting struct{ Issuer, JwksUri, Audience, Algorithm string }

type order struct {
	Now    int64
	Tokens []string
}

type answer struct {
	Errors  []*string `json:"errors"`
	Fetches int       `json:"fetches"`
}

// Both parts of the program, and the server, go by the clock of the orders.
var now int64

// Keeps the last answer for as long as it says.
type httpCache struct {
	header  http.Header
	body    []byte
	until   int64
	fetches int
}

func (cache *httpCache) isFresh() bool { return now < cache.until }

func (cache *httpCache) RoundTrip(request *http.Request) (*http.Response, error) {
	if !cache.isFresh() {
		if err := cache.fetch(request); err != nil {
			return nil, err
		}
	}
	body := io.NopCloser(bytes.NewReader(cache.body))
	return &http.Response{StatusCode: http.StatusOK, Header: cache.header, Body: body, Request: request}, nil
}

func (cache *httpCache) fetch(request *http.Request) error {
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the key set was answered %s", response.Status)
	}
	cache.fetches++
	cache.header = response.Header
	cache.until = now + maxAge(response.Header)
	cache.body, err = io.ReadAll(response.Body)
	return err
}

func maxAge(header http.Header) (seconds int64) {
	for _, directive := range strings.Split(header.Get("Cache-Control"), ",") {
		fmt.Sscanf(strings.TrimSpace(directive), "max-age=%d", &seconds)
	}
	return seconds
}

// The library's key set, made anew when the answer that it came from is over.
type keySet struct {
	url    string
	cache  *httpCache
	remote *oidc.RemoteKeySet
}

func (keys *keySet) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	if keys.remote == nil || !keys.cache.isFresh() {
		client := oidc.ClientContext(context.Background(), &http.Client{Transport: keys.cache})
		keys.remote = oidc.NewRemoteKeySet(client, keys.url)
	}
	return keys.remote.VerifySignature(ctx, token)
}

func answerTo(given order, verifier *oidc.IDTokenVerifier, cache *httpCache) answer {
	now = given.Now
	errors := make([]*string, len(given.Tokens))
	for index, token := range given.Tokens {
		if _, err := verifier.Verify(context.Background(), token); err != nil {
			text := err.Error()
			errors[index] = &text
		}
	}
	return answer{errors, cache.fetches}
}

func main() {
	var with setting
	if err := json.Unmarshal([]byte(os.Args[1]), &with); err != nil {
		panic(err)
	}
	cache := &httpCache{}
	verifier := oidc.NewVerifier(with.Issuer, &keySet{url: with.JwksUri, cache: cache}, &oidc.Config{
		ClientID:             with.Audience,
		SupportedSigningAlgs: []string{with.Algorithm},
		Now:                  func() time.Time { return time.Unix(now, 0) },
	})
	for orders := json.NewDecoder(bufio.NewReader(os.Stdin)); ; {
		var given order
		if err := orders.Decode(&given); err == io.EOF {
			return
		} else if err != nil {
			panic(err)
		}
		if err := json.NewEncoder(os.Stdout).Encode(answerTo(given, verifier, cache)); err != nil {
			panic(err)
		}
	}
}
