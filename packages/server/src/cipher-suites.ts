/** The suites of TLS that count as safe, whether we are asked or ask others. */

// RFC 9325 §4.2, FAPI 2.0 §5.2.2: with TLS 1.2 only suites with forward secrecy and authenticated encryption.
export const cipherSuites =
  'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:ECDHE+AESGCM'
