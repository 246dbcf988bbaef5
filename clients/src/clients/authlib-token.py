# One or more tokens by Authlib, as the order on standard input says; they or what it raised go to standard output.
import json
import sys
import time
from pathlib import Path

from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import ClientSecretJWT, PrivateKeyJWT

order = json.load(sys.stdin)
names = {"tls_client_auth": "none", "self_signed_tls_client_auth": "none"}
method = order["proof"].split(" ")[0]


def secret():
    if "key" not in order:
        return order.get("secret")
    if order["algorithm"].startswith(("RS", "PS")):
        return order["key"]
    from joserfc.jwk import ECKey, OKPKey

    return (OKPKey if order["algorithm"] == "EdDSA" else ECKey).import_key(order["key"])


def adjusted():
    return {"exp": int(time.time()) + 60}


once = adjusted()


def assertion_method():
    kind = PrivateKeyJWT if "key" in order else ClientSecretJWT
    alg = order.get("algorithm", "HS256")
    if order["assertion"] == "documented":
        return kind(order["url"], alg=alg)
    return kind(order["issuer"], claims=once if order["assertion"] == "adjusted once" else adjusted(), alg=alg)


def session():
    made = OAuth2Session(
        order["clientId"], secret(), scope="read", token_endpoint_auth_method=names.get(method, method)
    )
    if method.endswith("_jwt"):
        made.register_client_auth_method(assertion_method())
    if "certificate" in order:
        folder = Path(order["folder"])
        files = [folder / "authlib.pem", folder / "authlib.key"]
        files[0].write_text(order["certificate"]["cert"])
        files[1].write_text(order["certificate"]["key"])
        made.cert = tuple(map(str, files))
    return made


try:
    tokens = [
        session().fetch_token(order["url"], grant_type="client_credentials")["access_token"]
        for _ in range(order["count"])
    ]
    print(json.dumps({"tokens": tokens}))
except Exception as error:
    print(json.dumps({"error": f"{type(error).__name__}: {error}"}))
