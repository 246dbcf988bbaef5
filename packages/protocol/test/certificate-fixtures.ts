// Two certificates as base64 of their DER, and the PEM that everyone writes of it.

/** For CN=app, one; "two", issued by the next. */
export const leafBase64 =
  'MIIBqTCCAVCgAwIBAgIUAW0BiNA1SEChMawnNqvJsVc448wwCgYIKoZIzj0EAwIwIzEQMA4GA1UECgwHRXhhbXBsZTEPMA0GA1UE' +
  'AwwGTWlkZGxlMCAXDTI2MTEyMTA0MDAzNFoYDzIxMjYxMDI4MDQwMDM0WjAsMRAwDgYDVQQKDAdFeGFtcGxlMRgwFgYDVQQDDA9h' +
  'cHAsIG9uZTsgInR3byIwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATfKU49EdKSMajLRjVwW5w0RoKIpy7gTH8ivpalHNiIkmqP' +
  'ghXKTQywHkmRcpHewF0HnqrX2LP5wEiUFsIl8Q9Ao1cwVTATBgNVHSUEDDAKBggrBgEFBQcDAjAdBgNVHQ4EFgQUF2vpPu4gabUE' +
  'ZunbqdDIrGQmP/EwHwYDVR0jBBgwFoAU+uvT3VaC1QTyLGZS8Nu+YDkU4JAwCgYIKoZIzj0EAwIDRwAwRAIgTeS++8BCV0TcALu1' +
  'KLUezKpyuiir01bHQL6gpihOdV4CIETPk7iZGx7e9rsJPC9DYLGdnbZbXtOK4rfpk/RqoqTK'

export const issuerBase64 =
  'MIIBmjCCAUGgAwIBAgIUQ2HuaLKLrST4BQxSBRWemHohzXswCgYIKoZIzj0EAwIwITEQMA4GA1UECgwHRXhhbXBsZTENMAsGA1UE' +
  'AwwEUm9vdDAgFw0yNjExMjEwNDAwMzRaGA8yMTI2MTAyODA0MDAzNFowIzEQMA4GA1UECgwHRXhhbXBsZTEPMA0GA1UEAwwGTWlk' +
  'ZGxlMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEGDSsfzBxMHORQw+8o2ApVmR7C51MjvtVK1yUfeWSVnMYgALIEOHnSgsBxKrW' +
  '2+5uPXQL//EgMXGBcWjtM7b/QaNTMFEwDwYDVR0TAQH/BAUwAwEB/zAdBgNVHQ4EFgQU+uvT3VaC1QTyLGZS8Nu+YDkU4JAwHwYD' +
  'VR0jBBgwFoAUrKzB9nOjVqnrjswqEPPiYIiyjTkwCgYIKoZIzj0EAwIDRwAwRAIgGJ53fv2BvGpvoVIcVfXCIXxAuPtX0BQlVKjB' +
  '+YHVEhsCIAt95zpFRTj4OK8FUjYFT94ImY/fdMdspNTJ03Z0goHA'

export const bytesOf = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, 'base64'))

export const pemOf = (base64: string): string =>
  `-----BEGIN CERTIFICATE-----\n${base64.replaceAll(/.{64}(?=.)/g, '$&\n')}\n-----END CERTIFICATE-----\n`

/** As nginx and Envoy escape: all but letters, digits and four marks. */
export const escapeAll = (text: string): string =>
  encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  )

/** As AWS escapes: `+`, `=` and `/` stay. */
export const escapeForAws = (text: string): string =>
  encodeURIComponent(text).replaceAll('%2B', '+').replaceAll('%3D', '=').replaceAll('%2F', '/')
